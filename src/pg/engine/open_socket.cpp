// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/open_socket.hpp"

#include "pg/engine/connect_failure.hpp"
#include "pg/engine/time_limit.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// 0 leaves the operating system's value.
void set_tcp(
    const socket_ptr& socket, int option, std::int64_t value, const std::string& keyword, const std::string& server)
{
    if (value <= 0)
        return;
    const auto number = static_cast<int>(std::min<std::int64_t>(value, std::numeric_limits<int>::max()));
    if (::setsockopt(socket->native_handle(), IPPROTO_TCP, option, &number, sizeof number) != 0)
        throw_cannot_connect(
            server, keyword + "=" + std::to_string(value), error_code(errno, boost::system::system_category()));
}

void prepare(const socket_ptr& socket, int family, const tcp_options& tcp, const std::string& server)
{
    error_code error;
    socket->non_blocking(true, error);
    if (family != AF_UNIX && !error)
        socket->set_option(asio::ip::tcp::no_delay(true), error);
    if (family != AF_UNIX && !error)
        socket->set_option(asio::socket_base::keep_alive(tcp.keepalive), error);
    if (error)
        throw_cannot_connect(server, {}, error);
    if (family == AF_UNIX)
        return;
    if (tcp.keepalive) {
        set_tcp(socket, TCP_KEEPIDLE, tcp.keepalive_idle.count(), "keepalives_idle", server);
        set_tcp(socket, TCP_KEEPINTVL, tcp.keepalive_interval.count(), "keepalives_interval", server);
        set_tcp(socket, TCP_KEEPCNT, tcp.keepalive_count, "keepalives_count", server);
    }
    set_tcp(socket, TCP_USER_TIMEOUT, tcp.user_timeout.count(), "tcp_user_timeout", server);
}

std::string name_of(uid_t user)
{
    passwd entry{};
    passwd* found = nullptr;
    std::string buffer(16'384, '\0');
    if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return found->pw_name;
    return {};
}

} // namespace

asio::awaitable<socket_ptr> open_socket(
    asio::any_io_executor executor, asio::generic::stream_protocol::endpoint address, tcp_options tcp,
    std::string server, std::chrono::steady_clock::time_point deadline)
{
    const auto socket = std::make_shared<socket_ptr::element_type>(executor);
    const time_limit within(executor, deadline, [socket] { socket->close(); });
    error_code error;
    socket->open(address.protocol(), error);
    if (error)
        throw_cannot_connect(server, {}, error);
    // A program that is started later must not inherit the session, which would live on with it.
    (void)::fcntl(socket->native_handle(), F_SETFD, FD_CLOEXEC);
    co_await socket->async_connect(address, asio::redirect_error(asio::use_awaitable, error));
    if (within.passed())
        throw too_slow(server, "connecting");
    if (error)
        throw_cannot_connect(server, {}, error);
    prepare(socket, address.protocol().family(), tcp, server);
    co_return socket;
}

void require_peer(const socket_ptr& socket, const std::string& user, const std::string& server)
{
    if (user.empty() || socket->local_endpoint().protocol().family() != AF_UNIX)
        return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket->native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        throw_cannot_connect(
            server, "cannot tell who the server's process belongs to",
            error_code(errno, boost::system::system_category()));
    const auto owner = name_of(peer.uid);
    if (owner != user)
        throw connection_error(
            client_errc::authentication_failed,
            "cannot connect to " + server + ": requirepeer is \"" + user + "\", and the server's process belongs to " +
                (owner.empty() ? "user id " + std::to_string(peer.uid) : "\"" + owner + "\""));
}

} // namespace tradecore::pg::engine
