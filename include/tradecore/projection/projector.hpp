// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event.hpp>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace tradecore {
class database;
}

namespace tradecore::projection {

/// Whether the caller of an append waits for the read model.
enum class mode {
    /// Applied before the caller gets its answer, within a time limit.
    sync,
    /// Applied soon, by a worker.
    async
};

/// Turns events into a read model.
///
/// Changing what a projector does, or which types it handles, asks for a new `version()` and a rebuild:
/// events that were passed over are not looked at again.
///
/// Thread safety: `apply` is called for several streams at the same time, interleaved at its
/// suspension points; state it keeps in memory must stand that, and must not be trusted after an error.
class projector {
public:
    projector() = default;
    projector(const projector&) = delete;
    projector& operator=(const projector&) = delete;
    projector(projector&&) = delete;
    projector& operator=(projector&&) = delete;
    virtual ~projector() = default;

    /// @returns the name its cursors and checkpoint are kept under; always the same.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// @returns the version of its read tables, from 1.
    [[nodiscard]] virtual int version() const noexcept = 0;
    /// @returns how events of this type are applied; nothing when they do not concern this projector.
    [[nodiscard]] virtual std::optional<mode> mode_of(std::string_view event_type) const = 0;

    /// Writes what the events say into the read tables.
    ///
    /// Runs inside an ambient transaction of `read`; what it writes is committed together with the
    /// cursors that say so, which makes each event count exactly once. It may be rolled back and called
    /// again with the same or with fewer events. Folding the batch in memory and writing the outcome
    /// with one UNNEST statement is what makes large batches fast.
    ///
    /// @param read the read model's database; use nothing else of it than its verbs and savepoints.
    /// @param batch handled events only, in position order; those of one stream in version order and
    ///        without gaps among the handled ones. Valid until the awaitable completes.
    /// @throws anything; an error that is not the infrastructure's is taken as the events' fault.
    [[nodiscard]] virtual boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) = 0;
};

} // namespace tradecore::projection
