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
using testing::HasSubstr;

TEST(pool_upkeep, lends_nothing_that_has_lived_long_enough)
{
    auto options = sized(1, 1);
    options.max_lifetime = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        const auto first = mine->backend_pid();
        asio::steady_timer timer(co_await asio::this_coro::executor, 2ms);
        co_await timer.async_wait(asio::use_awaitable);
        EXPECT_TRUE(mine->is_open()) << "nobody's connection is taken away";
        mine.reset();
        mine = co_await connections.acquire({});
        EXPECT_GT(mine->backend_pid(), first);
    });
}

TEST(pool_upkeep, shrinks_to_its_minimum_and_not_below)
{
    auto options = sized(1, 3);
    options.idle_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto first = co_await connections.acquire({});
            const auto second = co_await connections.acquire({});
            const auto third = co_await connections.acquire({});
            EXPECT_EQ(connections.stats().size, 3U);
        }
        connections.evict([](const physical_connection&) { return false; }); // looks at the clock before its time
        co_await until([&] { return connections.stats().size == 1; });
        co_await settle();
        EXPECT_EQ(connections.stats().size, 1U);
    });
}

TEST(pool_upkeep, opens_with_what_a_full_server_gives_and_works_with_it)
{
    const observe::capture log;
    fake_server server;
    test::run([&]() -> asio::awaitable<void> {
        server.connect_errors = {nullptr, nullptr};
        server.refusal = test::server_error_of("53300");
        pool connections(co_await asio::this_coro::executor, "main", sized(5, 5), server.make_connector());
        co_await connections.open();
        EXPECT_TRUE(connections.is_open());
        EXPECT_EQ(connections.stats().size, 2U);
        std::string order;
        test::gate end;
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(here, borrow(connections, order, end, name), asio::detached);
        co_await settle();
        EXPECT_EQ(connections.stats().waiting, 1U) << "who waits is not told: it will be served";
        end.open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 2U);
        EXPECT_THAT(order, HasSubstr("c"));
        EXPECT_THAT(order, testing::Not(HasSubstr("53300")));
        co_await connections.close(1s);
    });
}

TEST(pool_upkeep, cannot_be_opened_on_a_server_without_any_room)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        server.refusal = test::server_error_of("53300");
        pool connections(co_await asio::this_coro::executor, "main", sized(2, 2), server.make_connector());
        EXPECT_THROW(co_await connections.open(), too_many_connections);
        EXPECT_FALSE(connections.is_open());
    });
}

TEST(pool_upkeep, forgets_the_connections_of_its_life_before)
{
    with_pool(sized(0, 3), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto first = co_await connections.acquire({});
            const auto second = co_await connections.acquire({});
            const auto third = co_await connections.acquire({});
        }
        co_await connections.close(1s);
        co_await connections.open();
        EXPECT_EQ(connections.stats().size, 0U);
        EXPECT_EQ(connections.evict(), 0U);
        co_await connections.close(1s);
        co_await connections.open();
    });
}

// --- who has it ------------------------------------------------------------------------------------

TEST(pool_holders, are_named_with_the_place_of_their_call)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        const auto mine = co_await connections.acquire(usage::here("import"));
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({}, pool::clock::now() + 1ms);
        }
        catch (const pool_timeout&) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown),
            testing::MatchesRegex(".*held longest by session import at .*pool_upkeep_test.cpp:[0-9]+ for [0-9]+ ms"));
    });
}

TEST(pool_leaks, are_told_once_with_who_has_the_connection_and_again_when_it_comes_back)
{
    auto options = sized(2, 2);
    options.leak_detection = 1ms;
    const observe::capture log;
    with_pool(options, [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto leaked = co_await connections.acquire(usage::here("import"));
        const char* const suspicion = "a connection was not given back in time: is it leaked?";
        co_await until([&] { return !log.messages().empty(); });
        EXPECT_THAT(log.messages(), ElementsAre(suspicion));
        EXPECT_THAT(log.entries()[0].value("held_by"), testing::StartsWith("session import at "));
        EXPECT_THAT(log.entries()[0].value("held_by"), HasSubstr("pool_upkeep_test.cpp:"));
        EXPECT_EQ(log.entries()[0].value("backend_pid"), std::to_string(leaked->backend_pid()));
        leaked.reset();
        EXPECT_THAT(log.messages(), ElementsAre(suspicion, "a connection that seemed leaked was given back"));
        EXPECT_EQ(log.entries()[1].value("held_by"), log.entries()[0].value("held_by"));

        auto another = co_await connections.acquire({});
        co_await until([&] { return log.messages().size() == 3; });
        another.discard();
        EXPECT_EQ(log.messages().size(), 4U);
    });
}

TEST(pool_leaks, are_not_looked_for_when_nobody_asked)
{
    const observe::capture log;
    with_pool(sized(1, 1), [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        co_await settle();
        mine.reset();
        EXPECT_TRUE(log.entries().empty());
    });
}

} // namespace
} // namespace tradecore
