// SPDX-License-Identifier: Apache-2.0
#include "db/support/fake_database.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::borrow;
using test::fake_server;
using test::settle;
using test::sized;
using test::until;
using test::what_of;
using test::with_pool;
using testing::ElementsAre;

/// Every connection is checked before it serves again.
pool_options suspicious(std::size_t minimum, std::size_t maximum)
{
    auto options = sized(minimum, maximum);
    options.idle_check_after = 0ms;
    return options;
}

TEST(pool_check, an_idle_connection_answers_before_it_is_lent)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        EXPECT_FALSE(connections.try_acquire({})) << "that would have to wait";
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 1);
        EXPECT_EQ(server.log(), "1:");
    });
}

TEST(pool_check, costs_a_pool_that_is_used_nothing)
{
    with_pool(sized(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i)
            EXPECT_TRUE(connections.try_acquire({}));
        EXPECT_EQ(server.log(), "");
        co_return;
    });
}

TEST(pool_check, replaces_what_had_ended_within_the_same_acquire)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        // The end of the stream is in the socket, but nobody has read it yet.
        asio::post(co_await asio::this_coro::executor, [&] { server.open_connections.front()->close(); });
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool_check, replaces_what_does_not_answer_within_the_same_acquire_and_what_was_silent_as_long)
{
    auto options = suspicious(3, 3);
    options.validation_timeout = 1ms;
    options.maximum_connecting = 1;
    std::vector<std::size_t> open_when_made;
    fake_server* seen = nullptr;
    options.hooks.on_connect = [&](physical_connection&) {
        open_when_made.push_back(seen == nullptr ? 0 : seen->open_connections.size());
        return settle(0);
    };
    const observe::capture log;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        seen = &server;
        for (auto* silent : server.open_connections)
            silent->hold_next("for ever");
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 4);
        EXPECT_EQ(open_when_made.at(3), 1U) << "the silent ones are closed by then";
        co_await until([&] { return connections.stats().size == 3; });
        EXPECT_THAT(log.messages(), ElementsAre("an idle connection did not answer and was closed"))
            << "one caller waits for one of them";
        EXPECT_EQ(log.entries()[0].value("closed_with_it"), "2");
        for (const auto* now : server.open_connections)
            EXPECT_GT(now->backend_pid(), 3);
    });
}

TEST(pool_check, who_waits_for_one_takes_what_comes_back_first)
{
    with_pool(suspicious(2, 2), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        for (auto* other : server.open_connections) {
            if (other->backend_pid() != mine->backend_pid())
                other->hold_next("later");
        }
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(log, "");
        const auto returned = std::to_string(mine->backend_pid());
        mine.reset();
        co_await settle();
        EXPECT_EQ(log, "a" + returned + ";");
        server.held("later").open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 1U);
        end.open();
        co_await settle();
    });
}

TEST(pool_check, a_late_one_does_not_hold_back_who_could_have_a_new_connection)
{
    auto options = suspicious(1, 2);
    options.validation_timeout = 2s;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("later");
        auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
        EXPECT_EQ(connections.stats().size, 2U) << "the check goes on";
        server.held("later").open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 1U);
    });
}

TEST(pool_check, a_caller_that_leaves_during_one_does_not_cost_the_connection)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("later");
        EXPECT_THROW((void)co_await connections.acquire({}, pool::clock::now() + 1ms), pool_timeout);
        server.held("later").open();
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 1);
    });
}

TEST(pool_check, a_wait_in_vain_names_the_check)
{
    with_pool(suspicious(2, 2), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        for (auto* one : server.open_connections)
            one->hold_next("later");
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({}, pool::clock::now() + 1ms);
        }
        catch (...) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown),
            testing::MatchesRegex("pool 'main': no connection within [0-9]+ ms: 1 of at most 2 are in use, 0 are being "
                                  "made; held longest by check for [0-9]+ ms"));
        server.held("later").open();
    });
}

TEST(pool_check, one_under_way_does_not_hold_back_the_end)
{
    auto options = suspicious(1, 1);
    options.validation_timeout = 1h;
    const observe::capture told;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("for ever");
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        co_await connections.close(100ms);
        co_await settle();
        EXPECT_EQ(log, "a(database 'main' is closing);");
        EXPECT_TRUE(told.messages().empty()) << "nothing had to be closed by force";
    });
}

TEST(pool_check, keeps_idle_connections_alive)
{
    auto options = sized(2, 2);
    options.keepalive_time = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        co_await until([&] {
            return server.log().find("1:") != std::string::npos && server.log().find("2:") != std::string::npos;
        });
        EXPECT_EQ(connections.stats().size, 2U);
    });
}

TEST(pool_check, replaces_idle_connections_that_are_found_dead_without_a_caller)
{
    auto options = sized(1, 2);
    options.keepalive_time = 1ms;
    options.validation_timeout = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("for ever");
        co_await until([&] {
            return !server.open_connections.empty() && connections.stats().idle == 1 &&
                   server.open_connections.front()->backend_pid() > 1;
        });
    });
}

} // namespace
} // namespace tradecore
