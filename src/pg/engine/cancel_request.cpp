// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/cancel_request.hpp"

#include "pg/engine/handshake.hpp"
#include "pg/engine/open_socket.hpp"
#include "pg/engine/time_limit.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <string>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;
using deadline_type = std::chrono::steady_clock::time_point;

namespace {

/// @returns the request as it goes over the wire.
asio::awaitable<std::string>
encrypted(socket_ptr socket, peer_facts server, std::string request, deadline_type deadline)
{
    auto tls = co_await start_tls(socket, server.tls, deadline);
    if (tls.failure)
        std::rethrow_exception(tls.failure);
    // Whoever reads the key can stop every statement of the session.
    if (!tls.channel)
        throw connection_error(
            client_errc::tls_failed,
            "cannot send a cancel request to " + server.name + ": the server no longer has TLS, the connection has");
    tls.channel->write(request);
    co_return std::move(tls.channel->outgoing());
}

// Bytes may come instead of the end: an error from a server that is overloaded. Nobody can use them.
asio::awaitable<error_code> write_and_drain(socket_ptr socket, std::string request)
{
    error_code error;
    co_await asio::async_write(*socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, error));
    std::array<char, 512> unread{};
    while (!error)
        co_await socket->async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, error));
    // A server that closes with unread bytes resets the connection; it has read the request all the same.
    const bool closed = error == asio::error::eof || error == asio::error::connection_reset;
    co_return closed ? error_code() : error;
}

asio::awaitable<void>
send_here(asio::any_io_executor executor, peer_facts server, protocol::backend_key key, deadline_type deadline)
{
    const auto socket = std::make_shared<socket_ptr::element_type>(executor);
    const time_limit within(executor, deadline, [socket] { socket->close(); });
    error_code error;
    co_await socket->async_connect(server.address, asio::redirect_error(asio::use_awaitable, error));
    if (!error && !within.passed()) {
        require_peer(socket, server.process_user, server.name);
        std::string request;
        protocol::write_cancel_request(request, key.pid, key.secret);
        if (server.tls)
            request = co_await encrypted(socket, server, std::move(request), deadline);
        error = co_await write_and_drain(socket, std::move(request));
    }
    if (within.passed())
        throw timeout_error(server.name + " did not take a cancel request within the time limit");
    if (error == asio::error::operation_aborted)
        throw boost::system::system_error(error);
    if (error)
        throw connection_error(client_errc::cannot_connect, "cannot send a cancel request to " + server.name, error);
}

} // namespace

asio::awaitable<void> send_cancel_request(
    asio::any_io_executor executor, peer_facts server, protocol::backend_key key, deadline_type deadline)
{
    co_return co_await asio::co_spawn(
        executor, send_here(executor, std::move(server), key, deadline), asio::use_awaitable);
}

} // namespace tradecore::pg::engine
