// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::borrow;
using test::fake_server;
using test::settle;
using test::sized;
using test::what_of;
using test::with_pool;

TEST(pool_evict, closes_what_is_idle_now_and_what_is_lent_when_it_comes_back)
{
    with_pool(sized(3, 3), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        EXPECT_EQ(connections.evict(), 3U);
        EXPECT_TRUE(mine->is_open());
        EXPECT_EQ(server.open_connections.size(), 1U);
        mine.reset();
        EXPECT_TRUE(server.open_connections.empty());
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 3U) << "refilled";
        const auto next = co_await connections.acquire({});
        EXPECT_GT(next->backend_pid(), 3);
    });
}

TEST(pool_evict, chooses)
{
    with_pool(sized(3, 3), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        EXPECT_EQ(connections.evict([](const physical_connection& one) { return one.backend_pid() == 2; }), 1U);
        EXPECT_EQ(connections.stats().idle, 2U);
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 3U);
    });
}

TEST(pool_evict, takes_connections_that_are_being_made)
{
    with_pool(sized(0, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connects.close();
        std::string log;
        test::gate end;
        end.open();
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(server.connects_running, 1);
        EXPECT_EQ(connections.evict(), 0U);
        server.connects.open();
        co_await settle();
        EXPECT_EQ(log, "a2;") << "the one begun before is not lent";
    });
}

TEST(pool_evict, ends_a_connection_whose_choice_fails_when_it_is_made)
{
    with_pool(sized(0, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connects.close();
        std::string log;
        test::gate end;
        end.open();
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(
            connections.evict([](const physical_connection&) -> bool { throw std::runtime_error("no choice"); }), 0U);
        server.connects.open();
        co_await settle();
        EXPECT_EQ(log, "a2;");
        EXPECT_EQ(connections.stats().connecting, 0U);
    });
}

TEST(pool_evict, reaches_a_connection_that_is_promised_but_not_taken)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        std::string log;
        test::gate end;
        end.open();
        const auto here = co_await asio::this_coro::executor;
        asio::co_spawn(here, borrow(connections, log, end, "a"), asio::detached);
        asio::co_spawn(here, borrow(connections, log, end, "b"), asio::detached);
        co_await settle();
        mine.reset(); // on its way to a
        EXPECT_EQ(connections.evict(), 1U);
        co_await settle();
        EXPECT_EQ(log, "a2;b2;") << "who has waited keeps its place";
    });
}

TEST(pool_suspend, callers_wait_until_it_ends_in_their_order)
{
    with_pool(sized(2, 2), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto lent = co_await connections.acquire({});
        connections.suspend();
        EXPECT_TRUE(connections.is_suspended());
        EXPECT_FALSE(connections.try_acquire({}));
        EXPECT_TRUE(lent->is_open());
        std::string log;
        test::gate end;
        end.open();
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(here, borrow(connections, log, end, name), asio::detached);
        lent.reset();
        co_await settle();
        EXPECT_EQ(log, "");
        EXPECT_EQ(connections.stats().waiting, 3U);
        connections.resume();
        EXPECT_FALSE(connections.is_suspended());
        co_await settle();
        std::erase_if(log, [](char c) { return c >= '0' && c <= '9'; });
        EXPECT_EQ(log, "a;b;c;");
    });
}

TEST(pool_suspend, lets_a_server_be_left_for_another)
{
    with_pool(sized(2, 4), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        auto first = co_await connections.acquire({});
        auto second = co_await connections.acquire({});
        server.connects.close();
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(server.connects_running, 1) << "to the server that is left";
        connections.suspend();
        EXPECT_EQ(connections.evict(), 2U);
        server.connects.open();
        first.reset();
        co_await settle();
        second.discard();
        co_await settle();
        EXPECT_EQ(connections.stats().active, 0U);
        EXPECT_TRUE(server.open_connections.empty()) << "nothing leads there any more";
        EXPECT_EQ(server.connects_begun, 3) << "and nothing new is made before it is left";
        EXPECT_EQ(connections.stats().waiting, 1U);
        connections.resume();
        co_await settle();
        EXPECT_EQ(log, "a4;");
        EXPECT_EQ(connections.stats().size, 2U) << "it is filled again";
        EXPECT_EQ(server.connects_begun, 5);
        end.open();
        co_await settle();
    });
}

TEST(pool_suspend, a_wait_in_vain_says_so)
{
    auto options = sized(1, 1);
    options.acquire_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        connections.suspend();
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({});
        }
        catch (const pool_timeout&) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown), testing::MatchesRegex("pool 'main': no connection within [0-9]+ ms: the pool is "
                                                   "suspended; 0 of 1 connections are in use"));
        connections.resume();
    });
}

TEST(pool_suspend, a_suspended_pool_can_be_closed)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        connections.suspend();
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        co_await connections.close(1h);
        co_await settle();
        EXPECT_EQ(log, "a(database 'main' is closing);");
        EXPECT_THROW(connections.suspend(), database_closed);
        co_await connections.open();
        EXPECT_FALSE(connections.is_suspended());
    });
}

} // namespace
} // namespace tradecore
