// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/handshake.hpp"

#include "pg/engine/connect_failure.hpp"
#include "pg/engine/time_limit.hpp"
#include "pg/engine/tls_error.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t part = std::size_t{16} * 1024;

/// @returns whether the server consents.
bool consents(std::string_view answer, const std::string& server)
{
    if (answer.front() == 'E')
        // Its text is nobody's: the server has not shown who it is (CVE-2024-10977).
        throw connection_error(
            client_errc::cannot_connect,
            "cannot connect to " + server + ": the server answered the request for TLS with an error");
    if (answer.front() != 'S' && answer.front() != 'N')
        throw protocol_error("protocol violation by " + server + ": neither yes nor no to the request for TLS");
    if (answer.size() > 1)
        throw_tls_error(
            "TLS with " + server +
            " failed: unencrypted bytes followed the answer to the request for TLS; somebody "
            "may stand in between");
    return answer.front() == 'S';
}

asio::awaitable<bool> ask_for_tls(socket_ptr socket, std::string server)
{
    std::string request;
    protocol::write_ssl_request(request);
    error_code error;
    co_await asio::async_write(*socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, error));
    std::array<char, 64> answer{};
    std::size_t count = 0;
    if (!error)
        count =
            co_await socket->async_read_some(asio::buffer(answer), asio::redirect_error(asio::use_awaitable, error));
    if (error)
        throw_cannot_connect(server, "asking for TLS", error);
    co_return consents({answer.data(), count}, server);
}

/// One more turn of the handshake.
/// @returns what went wrong, which is told to the server before it is thrown; null when nothing did.
std::exception_ptr advance(tls_channel& channel, bool& complete)
{
    try {
        complete = channel.handshake();
        return nullptr;
    }
    catch (...) {
        return std::current_exception();
    }
}

asio::awaitable<void> shake_hands(socket_ptr socket, tls_channel& channel)
{
    const auto& server = channel.context()->peer();
    error_code error;
    std::array<char, part> received{};
    bool complete = false;
    bool answered = false;
    for (;;) {
        const auto failure = advance(channel, complete);
        const auto sent = std::exchange(channel.outgoing(), {});
        if (!sent.empty())
            co_await asio::async_write(*socket, asio::buffer(sent), asio::redirect_error(asio::use_awaitable, error));
        if (failure)
            std::rethrow_exception(failure);
        if (complete && !error)
            co_return;
        std::size_t count = 0;
        if (!error)
            count = co_await socket->async_read_some(
                asio::buffer(received), asio::redirect_error(asio::use_awaitable, error));
        // A server before 17 takes the first bytes of TLS for a start-up message of an impossible length.
        if (error && error != asio::error::operation_aborted && !answered && channel.context()->direct())
            throw_tls_error(
                "TLS with " + server +
                " failed: the server closed the connection when TLS began at once; servers "
                "before version 17 need sslnegotiation=postgres instead of sslnegotiation=direct");
        if (error)
            throw_cannot_connect(server, "during the TLS handshake", error);
        answered = true;
        channel.receive({received.data(), count});
    }
}

} // namespace

asio::awaitable<tls_outcome>
start_tls(socket_ptr socket, std::shared_ptr<const tls_context> context, std::chrono::steady_clock::time_point deadline)
{
    const time_limit within(socket->get_executor(), deadline, [socket] { socket->close(); });
    tls_outcome outcome;
    std::unique_ptr<tls_channel> channel;
    bool agreed = context->direct();
    try {
        if (!agreed)
            agreed = co_await ask_for_tls(socket, context->peer());
        if (agreed) {
            channel = std::make_unique<tls_channel>(context);
            co_await shake_hands(socket, *channel);
        }
        outcome.channel = std::move(channel);
    }
    catch (const error&) {
        outcome.failure = std::current_exception();
        outcome.disagreed = agreed && !within.passed();
    }
    catch (const boost::system::system_error&) {
        outcome.failure = std::current_exception(); // cancelled, by the caller or by the time limit
    }
    if (within.passed()) {
        outcome.channel.reset();
        outcome.failure = std::make_exception_ptr(too_slow(context->peer(), "TLS"));
    }
    co_return outcome;
}

} // namespace tradecore::pg::engine
