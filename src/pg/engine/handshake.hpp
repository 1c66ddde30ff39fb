// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/open_socket.hpp"
#include "pg/engine/tls_channel.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <exception>
#include <memory>

namespace tradecore::pg::engine {

/// What became of it.
struct tls_outcome {
    /// Null without a failure: the server has no TLS, and the socket can go on without.
    std::unique_ptr<tls_channel> channel{};
    std::exception_ptr failure{};
    /// The failure is that both want TLS and cannot agree on how, or broke off meanwhile; not that the server could
    /// not be asked or took too long.
    bool disagreed = false;
};

/// Asks the server for TLS, unless it begins directly, and goes through the handshake.
///
/// Nothing that came unencrypted is believed afterwards: bytes that follow the server's consent end the attempt, for
/// somebody may have put them there (CVE-2021-23222).
///
/// @param socket connected, nothing sent on it yet. @param deadline for all of it.
/// @returns also the failures: connection_error, `client_errc::tls_failed` when the two could not agree or the server
///          is not who it should be, `client_errc::cannot_connect` when the connection broke off; timeout_error;
///          protocol_error.
[[nodiscard]] boost::asio::awaitable<tls_outcome> start_tls(
    socket_ptr socket, std::shared_ptr<const tls_context> context, std::chrono::steady_clock::time_point deadline);

} // namespace tradecore::pg::engine
