// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/open_socket.hpp"
#include "pg/engine/resolve.hpp"
#include "support/run.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>

namespace {

using namespace tradecore;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;
using pg::engine::socket_ptr;

constexpr auto soon = 1min;

int option(const socket_ptr& socket, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(socket->native_handle(), level, name, &value, &size);
    return value;
}

/// Opens a socket to a listener of its own.
asio::awaitable<socket_ptr> open(pg::tcp_options options)
{
    const auto executor = co_await asio::this_coro::executor;
    const tcp::acceptor listener(executor, {asio::ip::make_address("127.0.0.1"), 0});
    co_return co_await pg::engine::open_socket(
        executor, listener.local_endpoint(), options, "here", std::chrono::steady_clock::now() + soon);
}

asio::awaitable<std::string> why_not(pg::host_address host)
{
    const auto executor = co_await asio::this_coro::executor;
    std::string why;
    try {
        (void)co_await pg::engine::resolve(executor, std::move(host), "here", std::chrono::steady_clock::now() + soon);
    }
    catch (const pg::connection_error& error) {
        why = error.what();
    }
    co_return why;
}

TEST(open_socket, says_that_no_server_has_its_socket_there)
{
    test::run([]() -> asio::awaitable<void> {
        const asio::local::stream_protocol::endpoint nobody("/nowhere/.s.PGSQL.5432");
        std::string why;
        try {
            (void)co_await pg::engine::open_socket(
                co_await asio::this_coro::executor, nobody, {}, "here", std::chrono::steady_clock::now() + soon);
        }
        catch (const pg::connection_error& error) {
            why = error.what();
        }
        EXPECT_EQ(why, "cannot connect to here: no server has its socket there: No such file or directory");
    });
}

TEST(open_socket, notices_silence_as_it_is_told)
{
    test::run([]() -> asio::awaitable<void> {
        pg::tcp_options options;
        options.keepalive_idle = 61s;
        options.keepalive_interval = 7s;
        options.keepalive_count = 4;
        options.user_timeout = 12'345ms;
        const auto socket = co_await open(options);
        EXPECT_EQ(option(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 61);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 7);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 4);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345);
    });
}

TEST(open_socket, leaves_the_rest_to_the_operating_system)
{
    test::run([]() -> asio::awaitable<void> {
        pg::tcp_options options;
        options.keepalive = false;
        options.keepalive_idle = 61s;
        const auto socket = co_await open(options);
        EXPECT_EQ(option(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
        EXPECT_NE(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 61);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    });
}

asio::awaitable<std::string> why_not(pg::tcp_options options)
{
    try {
        (void)co_await open(options);
    }
    catch (const pg::connection_error& error) {
        co_return error.what();
    }
    co_return "";
}

TEST(open_socket, names_the_option_that_the_operating_system_refuses)
{
    test::run([]() -> asio::awaitable<void> {
        pg::tcp_options options;
        options.keepalive_idle = 1'000'000s;
        EXPECT_THAT(co_await why_not(options), testing::HasSubstr("keepalives_idle=1000000: Invalid argument"));
        options.keepalive_idle = std::chrono::seconds((std::int64_t{1} << 32) + 61); // not cut to 61
        EXPECT_THAT(co_await why_not(options), testing::HasSubstr("keepalives_idle=4294967357"));
        options.keepalive_idle = 0s;
        options.keepalive_count = 1'000;
        EXPECT_THAT(co_await why_not(options), testing::HasSubstr("keepalives_count=1000"));
    });
}

TEST(open_socket, knows_the_abstract_name_space)
{
    test::run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const std::string name = "tradecore-test-" + std::to_string(::getpid());
        const std::string path = std::string(1, '\0') + name + "/.s.PGSQL.5432";
        const asio::local::stream_protocol::acceptor listener(executor, asio::local::stream_protocol::endpoint(path));
        const auto deadline = std::chrono::steady_clock::now() + soon;
        const auto found = co_await pg::engine::resolve(executor, {.host = "@" + name}, "here", deadline);
        const auto socket = co_await pg::engine::open_socket(executor, found.at(0), {}, "here", deadline);
        EXPECT_TRUE(socket->is_open());
    });
}

TEST(resolve, says_what_is_wrong_with_a_host)
{
    test::run([]() -> asio::awaitable<void> {
        const auto path = co_await why_not({.host = "/" + std::string(200, 'x')});
        EXPECT_THAT(path, testing::HasSubstr("longer than 107 bytes"));
        const auto address = co_await why_not({.host = "db", .hostaddr = "10.0.0.999"});
        EXPECT_THAT(address, testing::HasSubstr("hostaddr \"10.0.0.999\" is no address"));
        const auto name = co_await why_not({.host = "no-such-host.invalid"});
        EXPECT_THAT(name, testing::HasSubstr("cannot connect to here: the host's name has no address"));
    });
}

TEST(resolve, takes_a_numeric_address_without_looking_up_the_name)
{
    test::run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto found = co_await pg::engine::resolve(
            executor, {.host = "no-such-host.invalid", .hostaddr = "127.0.0.1", .port = 77}, "here",
            std::chrono::steady_clock::now() + soon);
        EXPECT_EQ(
            found, (std::vector<asio::generic::stream_protocol::endpoint>{
                       tcp::endpoint(asio::ip::make_address("127.0.0.1"), 77)}));
    });
}

} // namespace
