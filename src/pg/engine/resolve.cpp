// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/resolve.hpp"

#include "pg/engine/connect_failure.hpp"
#include "pg/engine/time_limit.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/un.h>

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
    const auto resolver = std::make_shared<tcp::resolver>(executor);
    const time_limit within(executor, deadline, [resolver] { resolver->cancel(); });
    error_code error;
    const auto found = co_await resolver->async_resolve(
        host.host, std::to_string(host.port), asio::redirect_error(asio::use_awaitable, error));
    if (within.passed())
        throw too_slow(server, "looking up the host's name");
    if (error)
        throw_cannot_connect(server, "the host's name has no address", error);
    for (const auto& entry : found)
        endpoints.emplace_back(entry.endpoint());
    co_return endpoints;
}

} // namespace tradecore::pg::engine
