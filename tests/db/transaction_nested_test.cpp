// SPDX-License-Identifier: Apache-2.0
#include "db/support/database_world.hpp"
#include "support/errors.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::say;
using test::settle;
using test::throws;
using world = test::database_world;

// --- savepoints ------------------------------------------------------------------------------------

TEST(transaction, nested_is_a_savepoint)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const bool failed = co_await throws<std::runtime_error>(main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "b");
                throw std::runtime_error("no");
            }));
            EXPECT_TRUE(failed);
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "c");
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "d"); });
            });
            co_await say(main, "e");
        });
        EXPECT_EQ(
            w.server.log(),
            "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:b | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
            "1:RELEASE SAVEPOINT tradecore_1 | "
            "1:SAVEPOINT tradecore_1 | 1:c | 1:SAVEPOINT tradecore_2 | 1:d | 1:RELEASE SAVEPOINT tradecore_2 | "
            "1:RELEASE SAVEPOINT tradecore_1 | 1:e | 1:COMMIT");
    });
}

TEST(transaction, nested_recovers_from_a_refused_statement)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            EXPECT_TRUE(co_await throws<unique_violation>(
                main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "FAIL 23505"); })));
            co_await say(main, "after");
        });
        EXPECT_THAT(w.server.log(), testing::EndsWith("1:after | 1:COMMIT"));
    });
}

TEST(transaction, nested_that_swallows_an_error_says_it_was_rolled_back)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_TRUE(co_await throws<unique_violation>(say(main, "FAIL 23505")));
            })));
            co_await say(main, "b");
        });
        EXPECT_THAT(w.server.log(), testing::EndsWith("1:b | 1:COMMIT"));
    });
}

TEST(transaction, nested_may_not_ask_for_another_mode)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await main.transaction(nothing, {.isolation = isolation_level::serializable});
                EXPECT_TRUE(co_await throws<std::invalid_argument>(
                    main.transaction(nothing, {.isolation = isolation_level::read_committed})));
                EXPECT_TRUE(co_await throws<std::invalid_argument>(main.transaction(nothing, {.read_only = true})));
            },
            {.isolation = isolation_level::serializable});
    });
}

// --- children --------------------------------------------------------------------------------------

TEST(transaction, children_use_its_connection_one_after_the_other)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto nested = [&](std::string name) {
                return main.transaction([&main, name]() -> asio::awaitable<void> {
                    co_await say(main, name + "x");
                    co_await say(main, name + "y");
                });
            };
            co_await when_all(say(main, "1"), say(main, "2"), nested("p"), nested("q"), say(main, "3"));
        });
        EXPECT_EQ(
            w.server.log(),
            "1:BEGIN | 1:1 | 1:2 | 1:SAVEPOINT tradecore_1 | 1:px | 1:py | 1:RELEASE SAVEPOINT tradecore_1 | "
            "1:SAVEPOINT tradecore_1 | 1:qx | 1:qy | 1:RELEASE SAVEPOINT tradecore_1 | 1:3 | 1:COMMIT");
    });
}

TEST(transaction, a_child_that_outlives_it_is_told_so)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate later;
        bool told = false;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto child = [&]() -> asio::awaitable<void> {
                (void)co_await later.wait();
                told = co_await throws<transaction_closed>(say(main, "late"));
            };
            asio::co_spawn(co_await asio::this_coro::executor, child, asio::detached);
            co_await say(main, "a");
        });
        later.open();
        co_await settle();
        EXPECT_TRUE(told);
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:COMMIT");
    });
}

TEST(transaction, waits_for_a_childs_statement_in_flight_and_refuses_those_that_queue)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        bool done = false;
        bool refused = false;
        const auto here = co_await asio::this_coro::executor;
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                const auto inside = co_await asio::this_coro::executor;
                asio::co_spawn(inside, say(main, "HOLD child"), [&](const std::exception_ptr& e) { done = !e; });
                const auto queued = [&]() -> asio::awaitable<void> {
                    refused = co_await throws<transaction_closed>(say(main, "queued"));
                };
                asio::co_spawn(inside, queued, asio::detached);
                co_await settle();
            });
        };
        bool ended = false;
        asio::co_spawn(here, whole, [&](const std::exception_ptr& e) { ended = !e; });
        co_await settle(200);
        EXPECT_FALSE(ended);
        w.server.held("child").open();
        co_await settle();
        EXPECT_TRUE(done);
        EXPECT_TRUE(refused);
        EXPECT_TRUE(ended);
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:HOLD child | 1:COMMIT");
    });
}

TEST(transaction, an_unfinished_nested_child_is_rolled_back_before_the_commit)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate later;
        bool told = false;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const auto child = [&]() -> asio::awaitable<void> {
                told = co_await throws<transaction_closed>(main.transaction([&]() -> asio::awaitable<void> {
                    co_await say(main, "half");
                    (void)co_await later.wait();
                    co_await say(main, "other half");
                }));
            };
            asio::co_spawn(co_await asio::this_coro::executor, child, asio::detached);
            co_await settle();
        });
        later.open();
        co_await settle();
        EXPECT_TRUE(told);
        EXPECT_EQ(
            w.server.log(), "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:half | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
                            "1:COMMIT");
    });
}

} // namespace
} // namespace tradecore
