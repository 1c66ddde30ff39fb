// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/connect.hpp"

#include "pg/fsm/startup.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include <sys/un.h>
#include <utility>
#include <vector>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;
using socket_type = link::socket_type;
using endpoint = asio::generic::stream_protocol::endpoint;
using deadline_type = exchange::clock::time_point;

namespace {

connection_error cannot_connect(const connect_options& options, const error_code& cause)
{
    return {client_errc::cannot_connect, "cannot connect to " + options.describe() + ": " + cause.message(), cause};
}

timeout_error too_slow(const connect_options& options)
{
    return timeout_error(
        "cannot connect to " + options.describe() + " within " + std::to_string(options.connect_timeout.count()) +
        " ms");
}

// Asio's timer and the operation it limits, both on one executor: whichever comes first cancels the other.
template <class Cancel>
class limit {
public:
    limit(const asio::any_io_executor& executor, deadline_type deadline, Cancel cancel)
        : state_(std::make_shared<state>(executor))
    {
        state_->timer.expires_at(deadline);
        state_->timer.async_wait([kept = state_, cancel = std::move(cancel)](const error_code& error) mutable {
            if (error || kept->over)
                return;
            kept->passed = true;
            cancel();
        });
    }
    limit(const limit&) = delete;
    limit& operator=(const limit&) = delete;
    limit(limit&&) = delete;
    limit& operator=(limit&&) = delete;
    ~limit()
    {
        state_->over = true;
        state_->timer.cancel();
    }

    [[nodiscard]] bool passed() const noexcept { return state_->passed; }

private:
    struct state {
        explicit state(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        bool over = false;
        bool passed = false;
    };

    std::shared_ptr<state> state_;
};

asio::awaitable<std::vector<endpoint>>
resolve(const asio::any_io_executor& executor, const connect_options& options, deadline_type deadline)
{
    const auto& host = options.hosts.front();
    if (host.is_unix_socket()) {
        const std::string path = host.host + "/.s.PGSQL." + std::to_string(host.port);
        if (path.size() >= sizeof(sockaddr_un::sun_path))
            throw connection_error(
                client_errc::cannot_connect, "the socket path " + path + " is longer than " +
                                                 std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
        co_return std::vector<endpoint>{endpoint(asio::local::stream_protocol::endpoint(path))};
    }
    const auto resolver = std::make_shared<asio::ip::tcp::resolver>(executor);
    const limit within(executor, deadline, [resolver] { resolver->cancel(); });
    error_code error;
    const auto found = co_await resolver->async_resolve(
        host.name(), std::to_string(host.port), asio::redirect_error(asio::use_awaitable, error));
    if (within.passed())
        throw too_slow(options);
    if (error)
        throw cannot_connect(options, error);
    std::vector<endpoint> endpoints;
    for (const auto& entry : found)
        endpoints.emplace_back(entry.endpoint());
    co_return endpoints;
}

error_code prepare_socket(socket_type& socket, const endpoint& peer)
{
    error_code error;
    socket.non_blocking(true, error);
    if (error || peer.protocol().family() == AF_UNIX)
        return error;
    socket.set_option(asio::ip::tcp::no_delay(true), error);
    if (!error)
        socket.set_option(asio::socket_base::keep_alive(true), error);
    return error;
}

asio::awaitable<std::shared_ptr<socket_type>>
open_socket(const asio::any_io_executor& executor, const connect_options& options, deadline_type deadline)
{
    const auto endpoints = co_await resolve(executor, options, deadline);
    error_code error = asio::error::host_not_found;
    for (const auto& peer : endpoints) {
        const auto socket = std::make_shared<socket_type>(executor);
        const limit within(executor, deadline, [socket] { socket->close(); });
        error.clear();
        co_await socket->async_connect(peer, asio::redirect_error(asio::use_awaitable, error));
        if (within.passed())
            throw too_slow(options);
        if (!error)
            error = prepare_socket(*socket, peer);
        if (error)
            continue;
        co_return socket;
    }
    throw cannot_connect(options, error);
}

// Plain text is all there is on the wire, so whoever asks for more must not believe to have it.
void check_supported(const connect_options& options)
{
    if (options.hosts.empty())
        throw connection_error(client_errc::cannot_connect, "cannot connect: no host is given");
    if (options.tls.mode >= ssl_mode::require)
        throw connection_error(
            client_errc::cannot_connect,
            "cannot connect to " + options.describe() + ": TLS is asked for, which this version does not speak");
}

asio::awaitable<std::shared_ptr<link>> connect_here(asio::any_io_executor executor, connect_options options)
{
    check_supported(options);
    const auto deadline = exchange::clock::now() + options.connect_timeout;
    const auto socket = co_await open_socket(executor, options, deadline);
    error_code unknown;
    const auto address = socket->remote_endpoint(unknown);
    const auto opened = std::make_shared<link>(std::move(*socket), options.describe());
    opened->cancel_timeout = options.cancel_timeout;
    if (!unknown)
        opened->server = peer_facts{.address = address, .name = options.describe(), .tls = nullptr};
    opened->statements.limit(options.statement_cache_size);
    const auto begin = make_exchange<fsm::startup>(options, fsm::scram_client::fresh_nonce());
    begin->deadline = deadline;
    begin->machine().begin(opened->outgoing());
    opened->start();
    opened->queue(begin);
    co_await opened->wait(begin);
    if (const auto& refusal = begin->machine().refusal()) {
        auto refused = make_server_error(*refusal, "connect to " + options.describe());
        opened->close(refused);
        std::rethrow_exception(refused);
    }
    opened->key = begin->machine().key();
    co_return opened;
}

} // namespace

asio::awaitable<std::shared_ptr<link>> connect(asio::any_io_executor executor, connect_options options)
{
    // On the socket's executor from the first step on, whoever asks for the connection.
    co_return co_await asio::co_spawn(executor, connect_here(executor, std::move(options)), asio::use_awaitable);
}

} // namespace tradecore::pg::engine
