// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/stream_cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::projection {

/// Where an event stands in its stream.
struct event_key {
    std::string_view stream;
    std::int64_t version = 0;
};

/// What becomes of a batch.
struct batch_plan {
    /// One for each event: give it to the projector.
    std::vector<bool> apply;
    /// The cursors that move, when everything in `apply` succeeds; sorted by stream.
    std::vector<stream_cursor> moved;
    /// Events the cursor already has, and events of parked or dead streams.
    std::size_t skipped = 0;
    std::size_t held_back = 0;
};

/// @returns the streams of these events, each once, sorted by bytes as proj.stream is.
[[nodiscard]] std::vector<std::string> streams_of(std::span<const event_key> events);

/// Decides what to do with a batch; no clocks, no I/O.
/// @param events in position order.
/// @param cursors of all their streams, sorted by stream.
/// @throws std::logic_error when a stream has no cursor.
[[nodiscard]] batch_plan plan_batch(std::span<const event_key> events, std::span<const stream_cursor> cursors);

/// @returns how many events to read next.
/// @param limit how many were asked for, and `got` how many came in the batch that took `share` of its
///        target time.
[[nodiscard]] std::size_t
next_batch_size(std::size_t limit, std::size_t got, double share, std::size_t smallest, std::size_t greatest) noexcept;

} // namespace tradecore::projection
