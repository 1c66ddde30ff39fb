// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tradecore::projection {

/// Why a SYNC projection was not done when the caller got its answer.
enum class pending_cause {
    none,
    /// Somebody else holds the stream's cursor, so is at work on it; nothing was parked.
    busy,
    /// An earlier event of the stream failed and waits for its retry.
    parked_before,
    /// The stream was given up; see proj.dead_letter.
    dead,
    /// The time limit passed; rolled back, the stream is parked.
    time_limit,
    /// The projector failed; rolled back, the stream is parked.
    failed,
    /// The read model's or the store's database could not be used; nothing was parked, a worker will do it.
    unavailable
};

[[nodiscard]] std::string_view to_string(pending_cause cause) noexcept;

/// What became of a SYNC projection. Pending is not lost: a worker brings it later, in order.
struct sync_outcome {
    enum class status { done, pending };

    status state = status::done;
    pending_cause cause = pending_cause::none;
    /// For people; empty when done.
    std::string reason{};

    [[nodiscard]] bool done() const noexcept { return state == status::done; }
};

/// What an engine did since it was made, and where it stands.
struct engine_stats {
    /// Events given to the projector and committed.
    std::uint64_t applied = 0;
    /// Events a worker met that the stream's cursor had already.
    std::uint64_t skipped = 0;
    /// Events a worker passed over because their stream was parked or dead.
    std::uint64_t held_back = 0;
    /// Streams parked, brought back by a retry, and given up.
    std::uint64_t parked = 0;
    std::uint64_t retried = 0;
    std::uint64_t dead = 0;
    std::uint64_t batches = 0;
    /// Batches rolled back because somebody else had moved the checkpoint.
    std::uint64_t lost_races = 0;
    /// Batches and retries that met an outage.
    std::uint64_t outages = 0;
    std::uint64_t sync_done = 0;
    std::uint64_t sync_pending = 0;
    /// Where the checkpoint was when last seen.
    std::int64_t checkpoint = 0;
    /// How far the checkpoint was behind the store's head when a worker last looked, in positions.
    std::int64_t lag = 0;
};

} // namespace tradecore::projection
