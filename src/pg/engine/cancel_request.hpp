// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/peer_facts.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>

namespace tradecore::pg::engine {

/// Asks the server to stop what a session of its is doing, over a socket of its own that is encrypted
/// when the connection is.
///
/// The server answers nothing and closes the socket once it has acted on the request. Whether there was
/// something to stop is told by the session's own answer alone.
/// (PostgreSQL documentation, "Canceling Requests in Progress".)
///
/// @param executor where the socket lives. @param server which was connected to.
/// @param key what the server gave the session. @param deadline over everything.
/// @returns after the server has closed the socket.
/// @throws connection_error when the server could not be asked, or is not whom it must be; timeout_error when the
///         deadline passes: the request may or may not have arrived.
/// Cancellation: closes the socket and throws `operation_aborted`.
[[nodiscard]] boost::asio::awaitable<void> send_cancel_request(
    boost::asio::any_io_executor executor, peer_facts server, protocol::backend_key key,
    std::chrono::steady_clock::time_point deadline);

} // namespace tradecore::pg::engine
