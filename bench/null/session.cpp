// SPDX-License-Identifier: Apache-2.0
#include "null/session.hpp"

#include "common/wire.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tradecore::bench {
namespace {

[[noreturn]] void fail(const char* what, const char* why)
{
    std::fprintf(stderr, "%s: %s\n", what, why);
    std::exit(1);
}

int connected(const arguments& where)
{
    if (where.over_tcp()) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(where.port);
        const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        if (::inet_pton(AF_INET, where.host.c_str(), &address.sin_addr) != 1)
            fail(where.host.c_str(), "is no IPv4 address");
        if (made < 0 || ::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            fail("connect", std::strerror(errno));
        ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return made;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int length = std::snprintf(
        address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", where.host.c_str(), static_cast<int>(where.port));
    if (length >= static_cast<int>(sizeof address.sun_path))
        fail(where.host.c_str(), "is too long for a socket");
    if (made < 0 || ::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("connect", std::strerror(errno));
    return made;
}

} // namespace

null_session::null_session(const arguments& where) : socket_(connected(where))
{
    std::string payload;
    wire::append(payload, std::int32_t{196'608}); // protocol 3.0
    const std::string_view words[] = {"user", where.user, "database", where.database};
    for (const auto word : words) {
        payload += word;
        payload += '\0';
    }
    payload += '\0';
    std::string packet;
    wire::append(packet, static_cast<std::int32_t>(payload.size() + 4));
    send(packet + payload);
    receive_until('Z');
}

null_session::~null_session()
{
    ::close(socket_);
}

void null_session::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        else if (errno == EAGAIN) {
            pollfd room{socket_, POLLOUT, 0};
            ::poll(&room, 1, -1);
        }
        else if (errno != EINTR) {
            fail("send", std::strerror(errno));
        }
    }
}

void null_session::prepare(std::string_view sql)
{
    std::string payload("s");
    payload += '\0';
    payload += sql;
    payload += '\0';
    wire::append(payload, std::int16_t{0});
    std::string messages;
    wire::append_message(messages, 'P', payload);
    wire::append_message(messages, 'S', {});
    send(messages);
    receive_until('Z');
}

void null_session::run(std::string_view sql)
{
    std::string message;
    wire::append_message(message, 'Q', std::string(sql) + '\0');
    send(message);
    receive_until('Z');
}

std::size_t null_session::receive(char wanted)
{
    const auto count = ::recv(socket_, buffer_.get() + filled_, capacity - filled_, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count <= 0)
        fail("receive", count == 0 ? "the server has closed the connection" : std::strerror(errno));
    filled_ += static_cast<std::size_t>(count);
    std::size_t found = 0;
    std::size_t at = 0;
    while (filled_ - at >= 5) {
        const char type = buffer_[at];
        const auto size = std::size_t{1} + wire::load<std::uint32_t>(buffer_.get() + at + 1);
        if (size > capacity)
            fail("receive", "a message is longer than this program can take");
        if (filled_ - at < size)
            break;
        if (type == 'E') {
            std::string text(buffer_.get() + at + 5, size - 5);
            for (char& c : text)
                c = c == '\0' ? ' ' : c;
            fail("the server", text.c_str());
        }
        if (type == 'R' && wire::load<std::int32_t>(buffer_.get() + at + 5) != 0)
            fail("the server", "asks for a password");
        found += type == wanted ? 1 : 0;
        at += size;
    }
    filled_ -= at;
    if (at != 0 && filled_ != 0)
        std::memmove(buffer_.get(), buffer_.get() + at, filled_);
    return found;
}

void null_session::receive_until(char wanted)
{
    while (receive(wanted) == 0) {
        pollfd bytes{socket_, POLLIN, 0};
        ::poll(&bytes, 1, -1);
    }
}

void null_session::make_non_blocking()
{
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

} // namespace tradecore::bench
