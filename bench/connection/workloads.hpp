// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/callers.hpp"

#include <tradecore/pg/connection.hpp>

namespace tradecore::bench {

/// @returns a connection on the executor of the caller.
boost::asio::awaitable<std::shared_ptr<pg::connection>> connected(arguments given);

// The workloads; each prints the record.
boost::asio::awaitable<void> point(arguments given, boost::asio::io_context& loop);
boost::asio::awaitable<void> rows_read(arguments given);
boost::asio::awaitable<void> rows_mapped(arguments given);
boost::asio::awaitable<void> rows_streamed(arguments given);
boost::asio::awaitable<void> copy(arguments given);
boost::asio::awaitable<void> execute_many(arguments given);
boost::asio::awaitable<void> unnest(arguments given);

} // namespace tradecore::bench
