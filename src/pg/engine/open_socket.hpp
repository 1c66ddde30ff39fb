// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/tcp_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace tradecore::pg::engine {

using socket_ptr = std::shared_ptr<boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol>>;

/// Connects a socket and makes it ready: not blocking, no delay of small writes, a silent peer noticed as the options
/// say.
/// @param server as messages call it. @param deadline for connecting.
/// @throws connection_error; timeout_error.
[[nodiscard]] boost::asio::awaitable<socket_ptr> open_socket(
    boost::asio::any_io_executor executor, boost::asio::generic::stream_protocol::endpoint address, tcp_options tcp,
    std::string server, std::chrono::steady_clock::time_point deadline);

/// Checks that the process behind a Unix socket belongs to a user; does nothing for other sockets.
/// @param user the operating system's name; empty: any will do.
/// @throws connection_error with `client_errc::authentication_failed` when it belongs to somebody else.
void require_peer(const socket_ptr& socket, const std::string& user, const std::string& server);

} // namespace tradecore::pg::engine
