// SPDX-License-Identifier: Apache-2.0
#include "db/support/allocations.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <new>
#include <optional>

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

/// Opens a pool whose connects do not end, and ends it with `end`.
template <class F>
void open_in_vain(F end)
{
    test::run([&]() -> asio::awaitable<void> {
        fake_server server;
        server.connects.close();
        const auto here = co_await asio::this_coro::executor;
        std::optional<pool> connections;
        connections.emplace(here, "main", sized(2, 2), server.make_connector());
        std::exception_ptr error;
        asio::co_spawn(here, connections->open(), [&](const std::exception_ptr& thrown) { error = thrown; });
        co_await settle();
        EXPECT_EQ(server.connects_running, 2);
        co_await end(connections);
        co_await settle();
        EXPECT_EQ(what_of(error), "database 'main' is closing");
        EXPECT_EQ(server.connects_running, 0);
    });
}

TEST(pool_life, opening_ends_when_the_pool_is_closed)
{
    open_in_vain([](std::optional<pool>& connections) -> asio::awaitable<void> { co_await connections->close(1h); });
}

TEST(pool_life, opening_ends_when_the_pool_object_does)
{
    open_in_vain([](std::optional<pool>& connections) -> asio::awaitable<void> {
        connections.reset();
        co_return;
    });
}

TEST(pool_life, an_opening_that_was_ended_does_not_open_the_next_life)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        server.connects.close();
        const auto here = co_await asio::this_coro::executor;
        pool connections(here, "main", sized(1, 1), server.make_connector());
        int refused = 0;
        int opened = 0;
        const auto count = [&](const std::exception_ptr& error) { ++(error ? refused : opened); };
        asio::co_spawn(here, connections.open(), count);
        co_await settle();
        co_await connections.close(1h);
        asio::co_spawn(here, connections.open(), count);
        co_await settle();
        EXPECT_EQ(refused, 1);
        EXPECT_FALSE(connections.is_open());
        server.connects.open();
        co_await settle();
        EXPECT_EQ(opened, 1);
        EXPECT_TRUE(connections.is_open());
        co_await connections.close(1s);
    });
}

TEST(pool_life, who_was_sent_away_takes_nothing_from_callers_of_the_next)
{
    with_pool(sized(0, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        connections.suspend();
        std::string log;
        test::gate until;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, until, "a"), asio::detached);
        co_await settle();
        // None of this lets the caller go before the next one is in line.
        co_await connections.close(1h);
        co_await connections.open();
        EXPECT_EQ(log, "");
        EXPECT_TRUE(co_await connections.acquire({}, pool::clock::now() + 5s));
        EXPECT_EQ(log, "a(database 'main' is closing);");
    });
}

TEST(pool_life, who_finds_no_memory_to_wait_leaves_no_place_in_line)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        // The event loop's own memory is made before.
        auto error = co_await test::error_of(connections.acquire({}, pool::clock::now()));
        EXPECT_TRUE(test::is<pool_timeout>(error)) << what_of(error);
        std::size_t step = 0;
        for (bool failed = true; failed; ++step) {
            {
                const test::failing_allocation one(step);
                error = co_await test::error_of(connections.acquire({}, pool::clock::now()));
            }
            failed = test::is<std::bad_alloc>(error);
            EXPECT_TRUE(failed || test::is<pool_timeout>(error)) << step << what_of(error);
            EXPECT_EQ(connections.stats().waiting, 0U) << step;
        }
        mine.reset();
        EXPECT_TRUE(connections.try_acquire({}));
    });
}

} // namespace
} // namespace tradecore
