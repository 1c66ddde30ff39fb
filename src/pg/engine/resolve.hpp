// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/host_address.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace tradecore::pg::engine {

/// Finds the addresses of a host, without blocking. A host can have several.
/// @param server as messages call it. @param deadline for the look-up.
/// @returns them in the resolver's order; at least one.
/// @throws connection_error; timeout_error.
/// Cancellation: throws `operation_aborted`. Neither it nor the deadline waits for the system's resolver, which cannot
/// be interrupted: its late answer is dropped.
[[nodiscard]] boost::asio::awaitable<std::vector<boost::asio::generic::stream_protocol::endpoint>> resolve(
    boost::asio::any_io_executor executor, host_address host, std::string server,
    std::chrono::steady_clock::time_point deadline);

} // namespace tradecore::pg::engine
