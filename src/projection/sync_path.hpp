// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/engine_state.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace tradecore::projection {

/// Brings one stream up to its head before the deadline; see `engine::project_sync`.
[[nodiscard]] boost::asio::awaitable<sync_outcome>
project_stream(std::shared_ptr<engine_state> self, std::string stream, std::chrono::steady_clock::time_point deadline);

} // namespace tradecore::projection
