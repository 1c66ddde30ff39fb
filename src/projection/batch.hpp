// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/engine_state.hpp"

#include <tradecore/events/event.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace tradecore::projection {

/// Applies one batch of the log in one transaction: locks the streams' cursors, skips what they have,
/// applies the rest, writes cursors and moves the checkpoint from `from` to `to`. When an event is to
/// blame for a failure the batch is done again with its stream parked.
///
/// @param batch everything the log has in (from, to], handled or not.
/// @returns false when somebody else had moved the checkpoint; everything is rolled back then.
/// @throws too_many_failures; what is not the events' fault.
[[nodiscard]] boost::asio::awaitable<bool> apply_batch(
    std::shared_ptr<engine_state> self, std::vector<events::recorded_event> batch, std::int64_t from, std::int64_t to);

} // namespace tradecore::projection
