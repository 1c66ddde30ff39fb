// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/cancel_request.hpp"
#include "support/test_server.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <pwd.h>
#include <string>
#include <unistd.h>

namespace {

using namespace tradecore;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using unix_socket = asio::local::stream_protocol;

constexpr std::size_t bytes_of_request = 16;

/// Takes one client's request and hangs up.
asio::awaitable<void> take_request(unix_socket::acceptor& listener, std::string& request)
{
    auto client = co_await listener.async_accept(asio::use_awaitable);
    std::array<char, bytes_of_request> bytes{};
    boost::system::error_code error;
    const auto count =
        co_await asio::async_read(client, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    request.assign(bytes.data(), count);
}

asio::awaitable<void> send(pg::engine::peer_facts server, std::string& why_not)
{
    const auto executor = co_await asio::this_coro::executor;
    try {
        co_await pg::engine::send_cancel_request(
            executor, std::move(server), {.pid = 1, .secret = 2}, std::chrono::steady_clock::now() + 1min);
    }
    catch (const pg::connection_error& error) {
        EXPECT_EQ(error.code(), pg::client_errc::authentication_failed);
        why_not = error.what();
    }
}

struct outcome {
    std::string request; ///< what the server got
    std::string why_not; ///< why it was not asked
};

/// Sends a request to a server on a Unix socket, which is this process.
outcome ask(const std::string& process_user)
{
    asio::io_context context(1);
    const test::temporary_folder folder;
    const unix_socket::endpoint address((folder.path() / "socket").string());
    unix_socket::acceptor listener(context, address);
    outcome seen;
    asio::co_spawn(context, take_request(listener, seen.request), asio::detached);
    asio::co_spawn(
        context, send({.address = address, .name = "here", .process_user = process_user}, seen.why_not),
        asio::detached);
    context.run();
    return seen;
}

TEST(cancel_request, is_sent_only_to_whom_the_connection_requires)
{
    const std::string ours = ::getpwuid(::geteuid())->pw_name; // NOLINT(concurrency-mt-unsafe): one thread
    for (const auto& anybody_or_us : {std::string(), ours}) {
        const auto seen = ask(anybody_or_us);
        EXPECT_EQ(seen.why_not, "");
        EXPECT_EQ(seen.request.size(), bytes_of_request);
    }
    const auto seen = ask("not-" + ours);
    EXPECT_EQ(seen.request, "");
    EXPECT_THAT(seen.why_not, testing::HasSubstr("requirepeer is \"not-" + ours + "\""));
}

} // namespace
