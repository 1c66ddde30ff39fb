// SPDX-License-Identifier: Apache-2.0
#include "harness/hostile_server.hpp"

#include "harness/require.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tradecore::fuzz {

namespace {

// One for all runs; in Linux's abstract name space, so that nothing is left behind.
int open_acceptor()
{
    const int acceptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    auto path = hostile_server::host() + "/.s.PGSQL.5432";
    path.front() = '\0';
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the way of sockets
    require(::bind(acceptor, reinterpret_cast<const sockaddr*>(&address), size) == 0, "the server has an address");
    require(::listen(acceptor, 16) == 0, "the server listens");
    return acceptor;
}

int acceptor()
{
    static const int opened = open_acceptor();
    return opened;
}

bool throw_away(int socket)
{
    std::array<char, 4096> bytes{};
    bool some = false;
    while (::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0)
        some = true;
    return some;
}

} // namespace

const std::string& hostile_server::host()
{
    static const std::string name = "@tradecore-fuzz-" + std::to_string(::getpid());
    return name;
}

hostile_server::hostile_server()
{
    // What an earlier run has left in the queue is not of this one.
    for (int left = acceptor(); left >= 0;) {
        left = ::accept4(acceptor(), nullptr, nullptr, SOCK_CLOEXEC);
        if (left >= 0)
            ::close(left);
    }
}

hostile_server::~hostile_server()
{
    if (session_ >= 0)
        ::close(session_);
}

bool hostile_server::listen()
{
    bool some = false;
    for (;;) {
        const int added = ::accept4(acceptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (added < 0)
            break;
        some = true;
        if (session_ < 0)
            session_ = added;
        else
            ::close(added);
    }
    return (session_ >= 0 && throw_away(session_)) || some;
}

void hostile_server::say(std::string_view bytes)
{
    if (session_ >= 0 && !hung_up_)
        (void)::send(session_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void hostile_server::hang_up()
{
    if (session_ >= 0 && !hung_up_)
        ::shutdown(session_, SHUT_WR);
    hung_up_ = true;
}

} // namespace tradecore::fuzz
