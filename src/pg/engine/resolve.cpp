// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/resolve.hpp"

#include "pg/engine/connect_failure.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <sys/un.h>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using endpoint = asio::generic::stream_protocol::endpoint;

namespace {

endpoint unix_endpoint(const host_address& host)
{
    std::string path = host.host + "/.s.PGSQL." + std::to_string(host.port);
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        throw connection_error(
            client_errc::cannot_connect, "the socket path " + path + " is longer than " +
                                             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
    if (path.starts_with('@'))
        path.front() = '\0'; // how Linux marks its abstract name space (unix(7))
    return {asio::local::stream_protocol::endpoint(path)};
}

endpoint numeric_endpoint(const host_address& host, const std::string& server)
{
    error_code error;
    const auto address = asio::ip::make_address(host.hostaddr, error);
    if (error)
        throw_cannot_connect(server, "hostaddr \"" + host.hostaddr + "\" is no address", error);
    return {tcp::endpoint(address, host.port)};
}

/// A question to the system's resolver. It may outlive who asked: nothing can interrupt getaddrinfo.
struct look_up {
    explicit look_up(const asio::any_io_executor& executor) : resolver(executor), answered(executor) {}

    tcp::resolver resolver;
    asio::steady_timer answered;
    bool over = false;
    error_code failure;
    tcp::resolver::results_type found;
};

void begin(const std::shared_ptr<look_up>& asked, const host_address& host)
{
    auto take_answer = [asked](const error_code& failure, tcp::resolver::results_type found) {
        asked->over = true;
        asked->failure = failure;
        asked->found = std::move(found);
        asked->answered.cancel();
    };
    asked->resolver.async_resolve(host.host, std::to_string(host.port), std::move(take_answer));
}

} // namespace

asio::awaitable<std::vector<endpoint>> resolve(
    asio::any_io_executor executor, host_address host, std::string server,
    std::chrono::steady_clock::time_point deadline)
{
    std::vector<endpoint> endpoints;
    if (host.is_unix_socket()) {
        endpoints.push_back(unix_endpoint(host));
        co_return endpoints;
    }
    if (!host.hostaddr.empty()) {
        endpoints.push_back(numeric_endpoint(host, server));
        co_return endpoints;
    }
    // The timer is waited for, not the resolver, which heeds a cancellation only before it has begun.
    const auto asked = std::make_shared<look_up>(executor);
    asked->answered.expires_at(deadline);
    begin(asked, host);
    error_code woken;
    co_await asked->answered.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!asked->over) {
        asked->resolver.cancel();
        if (woken)
            throw_cannot_connect(server, {}, woken); // the caller's own cancellation
        throw too_slow(server, "looking up the host's name");
    }
    if (asked->failure)
        throw_cannot_connect(server, "the host's name has no address", asked->failure);
    for (const auto& entry : asked->found)
        endpoints.emplace_back(entry.endpoint());
    co_return endpoints;
}

} // namespace tradecore::pg::engine
