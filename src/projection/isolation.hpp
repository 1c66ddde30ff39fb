// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/cursor_table.hpp"
#include "projection/engine_state.hpp"

#include <tradecore/events/event.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tradecore::projection {

/// What is left when events that fail were taken out.
struct isolation_result {
    /// The last applied version of each stream of which something was applied.
    std::map<std::string, std::int64_t> reached;
    std::uint64_t applied = 0;
    /// The first event that failed of each stream; nothing after it was applied.
    std::vector<failed_event> failed;
};

/// Applies events in order inside the ambient transaction, each group behind a savepoint. A group that
/// fails is rolled back and halved until the event that fails stands alone; the later events of its
/// stream are left out, everything else is applied.
///
/// @param events handled ones only, in position order; kept by the caller until this completes.
/// @throws what is not the events' fault.
[[nodiscard]] boost::asio::awaitable<isolation_result>
apply_isolated(std::shared_ptr<engine_state> self, std::shared_ptr<const std::vector<events::recorded_event>> events);

} // namespace tradecore::projection
