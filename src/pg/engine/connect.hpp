// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace tradecore::pg::engine {

/// Resolves, connects and runs the start-up exchange, all within `options.connect_timeout`.
/// @throws as `connection::connect`.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<link>>
connect(boost::asio::any_io_executor executor, connect_options options);

} // namespace tradecore::pg::engine
