// SPDX-License-Identifier: Apache-2.0
#include "db/support/database_world.hpp"
#include "db/support/each_step.hpp"
#include "support/errors.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <optional>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::quiet_options;
using test::say;
using test::settle;
using test::throws;
using test::what_of;
using testing::HasSubstr;
using world = test::database_world;

asio::awaitable<void> deep(database& on)
{
    co_await say(on, "deep");
}

TEST(transaction, carries_every_statement_below_it)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const int result = co_await main.transaction([&]() -> asio::awaitable<int> {
            co_await say(main, "a");
            co_await deep(main);
            co_return 3;
        });
        EXPECT_EQ(result, 3);
        co_await say(main, "outside");
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:deep | 1:COMMIT | 1:outside");
    });
}

TEST(transaction, without_statements_costs_nothing)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([]() -> asio::awaitable<void> { co_return; });
        EXPECT_EQ(w.server.log(), "");
    });
}

TEST(transaction, result_may_be_movable_only)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        auto made = co_await main.transaction([&]() -> asio::awaitable<std::unique_ptr<int>> {
            co_await say(main, "a");
            co_return std::make_unique<int>(5);
        });
        EXPECT_EQ(*made, 5);
    });
}

TEST(transaction, begins_as_asked)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "a"); };
        co_await main.transaction(
            body, {.isolation = isolation_level::serializable, .read_only = true, .deferrable = true});
        co_await main.transaction(body, {.isolation = isolation_level::repeatable_read});
        co_await main.transaction(body, {.isolation = isolation_level::read_committed, .read_only = true});
        EXPECT_EQ(
            w.server.log(), "1:BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE | 1:a | 1:COMMIT | "
                            "1:BEGIN ISOLATION LEVEL REPEATABLE READ | 1:a | 1:COMMIT | "
                            "1:BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY | 1:a | 1:COMMIT");
    });
}

TEST(transaction, of_two_databases_are_independent)
{
    world w;
    fake_server other;
    w.run([&](database& main) -> asio::awaitable<void> {
        database vb(co_await asio::this_coro::executor, quiet_options(2), other.make_connector());
        co_await vb.open();
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await vb.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "m");
                co_await say(vb, "v");
            });
            const auto here = co_await asio::this_coro::executor;
            EXPECT_TRUE(main.in_transaction(here));
            EXPECT_FALSE(vb.in_transaction(here));
        });
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:m | 1:COMMIT");
        EXPECT_EQ(other.log(), "1:BEGIN | 1:v | 1:COMMIT");
        co_await vb.close();
    });
}

// --- outside ---------------------------------------------------------------------------------------

TEST(transaction, outside_uses_another_connection)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const int result = co_await main.outside([&]() -> asio::awaitable<int> {
                co_await say(main, "b");
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "c"); });
                co_return 2;
            });
            EXPECT_EQ(result, 2);
            co_await say(main, "d");
        });
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 2:b | 2:BEGIN | 2:c | 2:COMMIT | 1:d | 1:COMMIT");
    });
}

TEST(transaction, outside_is_refused_when_it_could_only_wait_for_itself)
{
    world w;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "b"); };
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await main.outside([&]() -> asio::awaitable<void> {
                    co_await main.transaction([&]() -> asio::awaitable<void> {
                        EXPECT_TRUE(co_await throws<waits_for_itself>(main.outside(body)));
                    });
                });
            });
        },
        quiet_options(2));
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_TRUE(
                    co_await throws<waits_for_itself>(main.outside([]() -> asio::awaitable<void> { co_return; })));
            });
        },
        quiet_options(1));
}

// --- the log ---------------------------------------------------------------------------------------

TEST(transaction, a_long_one_is_logged_with_its_idle_time)
{
    auto options = quiet_options(2);
    options.long_transaction = 1ms;
    world w;
    const observe::capture log;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> {
                    co_await say(main, "a");
                    asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
                    co_await timer.async_wait(asio::use_awaitable);
                },
                {.name = "sleepy"});
            const auto entries = log.entries();
            EXPECT_EQ(entries.size(), 1U);
            EXPECT_THAT(
                entries.at(0).message,
                testing::MatchesRegex("\\[LONG TRANSACTION\\] main transaction took [0-9]+ms \\(threshold: 1ms\\)"));
            EXPECT_EQ(entries.at(0).value("transaction"), "sleepy");
            EXPECT_EQ(entries.at(0).value("statements"), "1");
            EXPECT_GE(std::stoi(entries.at(0).value("idle_ms")), 4);
        },
        options);
}

TEST(transaction, a_slow_query_is_logged_with_its_arguments_unless_switched_off)
{
    auto options = quiet_options(2);
    options.slow_query = 1ms;
    world w;
    test::take_longer_than(w.server, 2ms);
    const observe::capture log;
    const auto slow = [&](database& main) -> asio::awaitable<void> {
        (void)co_await main.fetch(runtime_sql("SELECT it"), "active");
    };
    w.run(slow, options);
    options.log_arguments = false;
    w.run(slow, options);
    const auto lines = log.messages();
    EXPECT_EQ(lines.size(), 2U);
    EXPECT_THAT(
        lines.at(0), testing::MatchesRegex("\\[SLOW QUERY\\] main FETCH took [0-9]+ms: SELECT it \\| args: 'active'"));
    EXPECT_THAT(lines.at(1), testing::MatchesRegex("\\[SLOW QUERY\\] main FETCH took [0-9]+ms: SELECT it"));
}

// --- the handle ------------------------------------------------------------------------------------

TEST(database, options_of_a_call_outlive_the_object_they_were_given_to)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        auto kept = main.with({.name = "kept"}).execute("a");
        co_await settle();
        (void)co_await std::move(kept);
        EXPECT_EQ(w.server.log(), "1:a");
    });
}

TEST(database, that_is_not_there_says_so)
{
    test::run([]() -> asio::awaitable<void> {
        database closed("main");
        EXPECT_TRUE(co_await throws<database_closed>(say(closed, "a")));
        EXPECT_TRUE(co_await throws<database_closed>(closed.transaction([]() -> asio::awaitable<void> { co_return; })));
        EXPECT_THROW((void)closed.pool(), database_closed);
        auto off = database::disabled("vb", "ENABLE_VB_DATABASE is false");
        std::exception_ptr thrown;
        try {
            co_await say(off, "a");
        }
        catch (const database_disabled&) {
            thrown = std::current_exception();
        }
        EXPECT_EQ(what_of(thrown), "database 'vb' is switched off: ENABLE_VB_DATABASE is false");
        const auto health = co_await off.health_check();
        EXPECT_FALSE(health.reachable);
        EXPECT_THAT(health.error, HasSubstr("switched off"));
    });
}

// --- every suspension point ------------------------------------------------------------------------

asio::awaitable<void> some_work(database& main, test::gate& until)
{
    co_await main.transaction([&]() -> asio::awaitable<void> {
        co_await say(main, "a");
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await when_all(say(main, "b"), say(main, "c"));
            (void)co_await until.wait();
        });
        co_await main.outside([&]() -> asio::awaitable<void> { co_await say(main, "d"); });
    });
    co_await say(main, "e");
}

TEST(transaction, leaves_no_trace_when_cancelled_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        asio::io_context context;
        database main(context.get_executor(), quiet_options(2), server.make_connector());
        test::gate until;
        until.open();
        test::stepped opening{context, {}, false, nullptr};
        opening.start(main.open());
        opening.finish();
        test::stepped work{context, {}, false, nullptr};
        work.start(some_work(main, until));
        interrupted = work.turn(step);
        work.cancel.emit(asio::cancellation_type::terminal);
        work.finish();
        ASSERT_TRUE(work.ended) << step;
        test::stepped again{context, {}, false, nullptr};
        again.start(some_work(main, until));
        again.finish();
        ASSERT_FALSE(again.error) << step << ": " << what_of(again.error);
        context.poll();
        ASSERT_EQ(main.pool_stats().active, 0U) << step;
        ASSERT_EQ(main.pool_stats().waiting, 0U) << step;
        for (const auto* connection : server.open_connections)
            ASSERT_EQ(connection->status(), pg::transaction_status::idle) << step;
        test::stepped closing{context, {}, false, nullptr};
        closing.start(main.close(1s));
        closing.finish();
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

TEST(transaction, its_loop_may_be_destroyed_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        std::optional<database> main;
        test::gate until;
        until.open();
        {
            asio::io_context context;
            main.emplace(context.get_executor(), quiet_options(4), server.make_connector());
            const auto all = [&]() -> asio::awaitable<void> {
                co_await main->open();
                asio::co_spawn(context, some_work(*main, until), asio::detached);
                co_await some_work(*main, until);
            };
            test::stepped whole{context, {}, false, nullptr};
            whole.start(all());
            interrupted = whole.turn(step);
        }
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

} // namespace
} // namespace tradecore
