// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/find_password.hpp"
#include "pg/engine/link.hpp"
#include "pg/engine/open_socket.hpp"
#include "pg/engine/tls_channel.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace tradecore::pg::engine {

/// What became of a start-up.
struct begun_session {
    /// Null when there is none.
    std::shared_ptr<link> session{};
    std::exception_ptr failure{};
    /// The server refused before it knew who we are, or TLS did not come about: with other encryption it may be
    /// different. Not so when it has no room or is not ready.
    bool refused_unknown = false;
};

/// Sends the start-up message, authenticates and waits until the server is ready.
/// @param socket connected to `address`. @param channel its encryption; null for none.
/// @returns the server's refusal and ours in `failure`; so are an end of the connection and of the time.
[[nodiscard]] boost::asio::awaitable<begun_session> begin_session(
    socket_ptr socket, boost::asio::generic::stream_protocol::endpoint address, std::unique_ptr<tls_channel> channel,
    std::shared_ptr<const connect_options> options, host_address host, found_password password,
    exchange::clock::time_point deadline);

} // namespace tradecore::pg::engine
