// SPDX-License-Identifier: Apache-2.0
// What errors say: which database, which transaction, which limit, in which unit.
#include "db/support/fake_database.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/db/pool_sizing.hpp>
#include <tradecore/db/registry.hpp>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::fake_server;
using test::gate;
using test::quiet_options;
using test::what_of;
using test::with_database;
namespace asio = boost::asio;

std::string complaint(const std::function<void()>& of)
{
    try {
        of();
    }
    catch (const std::exception& e) {
        return e.what();
    }
    return "nothing";
}

TEST(error_texts, of_database_options_name_the_member_and_what_it_may_be)
{
    constexpr auto too_long = std::chrono::hours(24 * 366 * 100);
    const std::vector<std::pair<std::function<void(database_options&)>, std::string>> wrong{
        {[](auto& o) { o.name.clear(); }, "database_options.name must not be empty"},
        {[](auto& o) { o.command_timeout = -1ms; }, "database_options.command_timeout must not be negative"},
        {[](auto& o) { o.command_timeout = 2'147'483'648ms; },
         "database_options.command_timeout must not be above 2147483647 ms, PostgreSQL's longest; 0 is no limit"},
        {[](auto& o) { o.rollback_timeout = 0ms; }, "database_options.rollback_timeout must be positive"},
        {[&](auto& o) { o.rollback_timeout = too_long; },
         "database_options.rollback_timeout must not be above 100 years"},
        {[](auto& o) { o.commit_resolution = -1ms; }, "database_options.commit_resolution must not be negative"},
        {[&](auto& o) { o.commit_resolution = too_long; },
         "database_options.commit_resolution must not be above 100 years"},
        {[](auto& o) { o.slow_query = -1ms; }, "database_options.slow_query must not be negative"},
        {[](auto& o) { o.long_transaction = -1ms; }, "database_options.long_transaction must not be negative"},
        {[](auto& o) { o.pool.maximum_connecting = 0; }, "pool_options.maximum_connecting must be at least 1"},
        {[](auto& o) { o.pool.acquire_timeout = 0ms; }, "pool_options.acquire_timeout must be positive"},
        {[&](auto& o) { o.pool.acquire_timeout = too_long; },
         "pool_options.acquire_timeout must not be above 100 years"},
        {[](auto& o) { o.pool.idle_check_after = -1ms; }, "pool_options.idle_check_after must not be negative"},
        {[](auto& o) { o.pool.validation_timeout = 0ms; }, "pool_options.validation_timeout must be positive"},
        {[](auto& o) { o.pool.keepalive_time = -1ms; }, "pool_options.keepalive_time must not be negative"},
        {[](auto& o) { o.pool.idle_timeout = -1ms; }, "pool_options.idle_timeout must not be negative"},
        {[](auto& o) { o.pool.max_lifetime = -1ms; }, "pool_options.max_lifetime must not be negative"},
        {[](auto& o) { o.pool.cleanup_timeout = 0ms; }, "pool_options.cleanup_timeout must be positive"},
        {[](auto& o) { o.pool.connect_backoff = 0ms; }, "pool_options.connect_backoff must be positive"},
        {[](auto& o) { o.pool.connect_backoff_limit = 99ms; },
         "pool_options.connect_backoff_limit must not be below connect_backoff"},
        {[](auto& o) { o.pool.slow_acquire = -1ms; }, "pool_options.slow_acquire must not be negative"},
        {[](auto& o) { o.pool.leak_detection = -1ms; }, "pool_options.leak_detection must not be negative"},
        {[](auto& o) { o.pool.hooks.on_connect_timeout = 0ms; }, "pool_hooks.on_connect_timeout must be positive"},
        {[](auto& o) { o.breaker.failure_threshold = 0; }, "breaker_options.failure_threshold must be at least 1"},
        {[](auto& o) { o.retry_budget.window = 9ms; }, "retry_budget_options.window must be at least 10 ms"},
    };
    asio::io_context context;
    fake_server server;
    for (const auto& [spoil, told] : wrong) {
        auto options = quiet_options();
        spoil(options);
        EXPECT_EQ(complaint([&] { database(context.get_executor(), options, server.make_connector()); }), told);
    }
    EXPECT_EQ(complaint([] { (void)share_of_worker(pool_options{}, 0); }), "there must be at least 1 worker");
}

TEST(error_texts, of_transactions_name_the_transaction_and_its_database)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(nothing, {.max_attempts = 0}))),
            "transaction_options.max_attempts must be at least 1");
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(nothing, {.timeout = 0ms}))),
            "transaction_options.timeout must be positive");
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                const auto told = [&](transaction_options wanted) -> asio::awaitable<std::string> {
                    wanted.name = "inner";
                    co_return what_of(co_await error_of(main.transaction(nothing, wanted)));
                };
                EXPECT_EQ(
                    co_await told({.isolation = isolation_level::serializable}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot have an isolation level of its own");
                EXPECT_EQ(
                    co_await told({.read_only = true}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot be read-only in one that is not");
                EXPECT_EQ(
                    co_await told({.deferrable = true}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot be deferrable in one that is not");
            },
            {.name = "outer"});
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(
                [&]() -> asio::awaitable<void> { (void)co_await error_of(main.execute(runtime_sql("FAIL 23505"))); },
                {.name = "careless"}))),
            "COMMIT of the transaction 'careless' of 'main' was answered with ROLLBACK: an earlier statement had "
            "failed "
            "with 23505 (unique_violation)");
    });
}

TEST(error_texts, of_a_transaction_that_is_late_say_how_long_it_might_take)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        std::string inside;
        const auto late = co_await error_of(main.transaction(
            [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("SELECT 1");
                const auto began = std::chrono::steady_clock::now();
                while (std::chrono::steady_clock::now() - began <= 5ms) {
                }
                const auto error = co_await error_of(main.execute("SELECT 2"));
                inside = what_of(error);
                std::rethrow_exception(error);
            },
            {.name = "order", .timeout = 5ms}));
        EXPECT_EQ(inside, "the transaction 'order' of 'main' has used up its 5 ms");
        EXPECT_EQ(what_of(late), "transaction 'order' of 'main' was not finished within 5 ms and was rolled back");
    });
}

TEST(error_texts, of_who_could_only_wait_for_himself_say_what_he_holds)
{
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        const auto outside = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1"); };
        const auto error = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
            (void)co_await main.execute("SELECT 1");
            co_await main.outside(outside);
        }));
        EXPECT_TRUE(test::is<waits_for_itself>(error));
        EXPECT_EQ(
            what_of(error), "pool 'main': all 1 connections are held by the transactions this call is inside of, so "
                            "waiting for another "
                            "one would never end");
    });
}

TEST(error_texts, of_a_child_that_outlives_its_transaction_name_the_transaction)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        gate ended;
        std::string told;
        bool over = false;
        const auto child = [&]() -> asio::awaitable<void> {
            (void)co_await ended.wait();
            told = what_of(co_await error_of(main.execute("SELECT 1")));
            over = true;
        };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("SELECT 1");
                asio::co_spawn(co_await asio::this_coro::executor, child(), asio::detached);
            },
            {.name = "short"});
        ended.open();
        while (!over)
            co_await test::settle(1);
        EXPECT_EQ(told, "the transaction 'short' of 'main' is finished");
    });
}

TEST(error_texts, of_a_database_that_is_not_there_name_it_and_say_why)
{
    EXPECT_EQ(
        complaint([] { (void)database::disabled("vb", "VB_POSTGRES_DSN is not set").pool(); }),
        "database 'vb' is switched off: VB_POSTGRES_DSN is not set");
    EXPECT_EQ(complaint([] { (void)database("spare").pool(); }), "database 'spare' is not open");
    EXPECT_EQ(complaint([] { (void)get_pool("nowhere"); }), "there is no database 'nowhere'");
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(what_of(co_await error_of(main.open())), "database 'main' is open already");
        co_await main.close();
        EXPECT_EQ(what_of(co_await error_of(main.execute("SELECT 1"))), "database 'main' is not open");
        co_await main.open();
        auto kept = co_await main.pool().acquire({});
        const auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(executor, main.close(10s), asio::detached);
        co_await test::settle();
        EXPECT_EQ(what_of(co_await error_of(main.execute("SELECT 1"))), "database 'main' is closing");
        EXPECT_EQ(what_of(co_await error_of(main.open())), "database 'main' is being opened or closed");
        kept.reset();
        co_await test::settle();
    });
}

} // namespace
} // namespace tradecore
