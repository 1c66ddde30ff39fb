// SPDX-License-Identifier: Apache-2.0
#include "db/support/breaker_world.hpp"
#include "db/support/started_call.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using resilience::breaker_state;
using test::error_of;
using test::fail;
using test::fake_server;
using test::is;
using test::never;
using test::refused;
using test::say;
using test::unprobed;
using test::until;
using testing::HasSubstr;
using world = test::breaker_world;

TEST(breaker, opens_after_five_failures_and_refuses_without_asking_the_pool)
{
    world w;
    const observe::capture log;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            co_await fail(main, 4);
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
            co_await fail(main, 1);
            EXPECT_EQ(main.breaker_state(), breaker_state::open);

            const auto connects = w.server.connects_begun;
            const auto error = co_await error_of(say(main, "a"));
            EXPECT_EQ(w.server.connects_begun, connects);
            EXPECT_EQ(main.pool_stats().waiting, 0U);
            try {
                std::rethrow_exception(error);
            }
            catch (const circuit_open& refusal) {
                EXPECT_GT(refusal.come_again_in().count(), 0);
                EXPECT_EQ(refusal.last_failure(), "connection refused");
                EXPECT_THAT(refusal.what(), HasSubstr("database 'main'"));
                EXPECT_THAT(refusal.what(), HasSubstr("connection refused"));
                EXPECT_EQ(refusal.code(), pg::disposition::transient);
            }
            const auto script = co_await error_of(
                [](database& on) -> asio::awaitable<void> { co_await on.run_script({"a", nullptr}); }(main));
            EXPECT_TRUE(is<circuit_open>(script));
        },
        unprobed(4));
    int opened = 0;
    for (const auto& entry : log.entries()) {
        if (!entry.message.starts_with("circuit breaker"))
            continue;
        ++opened;
        EXPECT_EQ(entry.severity, observe::level::warn);
        EXPECT_EQ(entry.message, "circuit breaker of main: closed -> open: too many failures in a row");
        EXPECT_EQ(entry.value("database"), "main");
        EXPECT_EQ(entry.value("from"), "closed");
        EXPECT_EQ(entry.value("to"), "open");
        EXPECT_EQ(entry.value("why"), "too many failures in a row");
        EXPECT_EQ(entry.value("error"), "connection refused");
    }
    EXPECT_EQ(opened, 1);
}

TEST(breaker, does_not_count_what_callers_do_wrong)
{
    world w;
    auto options = unprobed(2);
    options.breaker.failure_threshold = 1;
    options.pool.acquire_timeout = 1ms;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            for (const auto* state : {"23505", "42P01", "40001", "57014", "0A000", "57P01"})
                co_await fail(main, 3, std::string("FAIL ") + state);
            const auto thrown = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "a");
                throw std::logic_error("no");
            }));
            EXPECT_TRUE(is<std::logic_error>(thrown));

            // Cancelled, and its connection with it.
            test::started_call cancelled(here, say(main, "HOLD 1"));
            co_await until([&] { return w.server.held("1").waiting() == 1; });
            cancelled.cancel();
            co_await until([&] { return cancelled.error() != nullptr; });

            // Everything in use.
            int done = 0;
            for (int i = 0; i < 2; ++i)
                asio::co_spawn(here, say(main, "HOLD 2"), [&](const std::exception_ptr&) { ++done; });
            co_await until([&] { return w.server.held("2").waiting() == 2; });
            EXPECT_TRUE(is<pool_timeout>(co_await error_of(say(main, "a"))));
            w.server.held("2").open();
            co_await until([&] { return done == 2; });

            // Credentials.
            w.server.close_connections();
            w.server.refusal = test::server_error_of("28P01");
            co_await fail(main, 3);
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        },
        options);
}

TEST(breaker, counts_waiting_in_vain_when_connecting_fails)
{
    world w;
    auto options = unprobed(2);
    options.breaker.failure_threshold = 2;
    options.pool.acquire_timeout = 1ms;
    options.pool.connect_backoff = never;
    options.pool.connect_backoff_limit = never;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            EXPECT_TRUE(is<connection_error>(co_await error_of(say(main, "a"))));
            EXPECT_TRUE(is<pool_timeout>(co_await error_of(say(main, "b"))));
            EXPECT_EQ(main.breaker_state(), breaker_state::open);
        },
        options);
}

TEST(breaker, takes_connections_lost_together_for_one_failure_and_an_answer_for_the_end_of_all)
{
    world w;
    auto options = unprobed(4);
    options.breaker.burst = never;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await fail(main, 20, "DIE");
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
            for (int i = 0; i < 3; ++i) {
                w.server.refusal = refused();
                co_await fail(main, i == 0 ? 3 : 4);
                w.server.refusal = nullptr;
                co_await fail(main, 1, "FAIL 23505");
                EXPECT_EQ(main.breaker_state(), breaker_state::closed) << i;
                w.server.close_connections();
            }
        },
        options);
}

TEST(breaker, counts_a_transaction_once_and_does_not_stop_one_under_way)
{
    world w;
    auto options = unprobed(4);
    options.breaker.burst = 0ms;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            const auto dies = [&]() -> asio::awaitable<void> {
                co_await say(main, "x");
                (void)co_await error_of(say(main, "DIE"));
                co_await say(main, "y");
            };
            for (int i = 0; i < 4; ++i)
                EXPECT_TRUE(is<connection_error>(co_await error_of(main.transaction(dies))));
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
            w.server.clear_log();
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "a");
                const auto outside = [&]() -> asio::awaitable<void> { co_await say(main, "DIE"); };
                EXPECT_TRUE(is<connection_error>(co_await error_of(main.outside(outside))));
                EXPECT_EQ(main.breaker_state(), breaker_state::open);
                EXPECT_TRUE(is<circuit_open>(co_await error_of(main.outside(outside))));
                co_await say(main, "b");
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "c"); });
            });
            EXPECT_THAT(w.server.log(), testing::EndsWith(":COMMIT"));
            int bodies = 0;
            const auto refusal = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                co_return;
            }));
            EXPECT_TRUE(is<circuit_open>(refusal));
            EXPECT_EQ(bodies, 0);
        },
        options);
}

TEST(breaker, of_one_database_does_not_touch_another)
{
    fake_server down;
    fake_server up;
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        auto vb_options = unprobed(4);
        vb_options.name = "vb";
        database main(here, unprobed(4), down.make_connector());
        database vb(here, vb_options, up.make_connector());
        co_await main.open();
        co_await vb.open();
        down.refusal = refused();
        co_await fail(main, 5);
        EXPECT_TRUE(is<circuit_open>(co_await error_of(say(main, "a"))));
        EXPECT_EQ(vb.breaker_state(), breaker_state::closed);
        co_await say(vb, "a");
        const auto health = co_await main.health_check(1s);
        EXPECT_EQ(health.breaker, breaker_state::open);
        EXPECT_FALSE(health.reachable);
        co_await main.close(1s);
        co_await vb.close(1s);
    });
}

TEST(breaker, can_be_switched_off_and_has_options_that_are_checked)
{
    world w;
    auto options = unprobed(4);
    options.breaker_enabled = false;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            co_await fail(main, 20);
            EXPECT_FALSE(main.breaker_state());
        },
        options);
    options.breaker_enabled = true;
    options.breaker.failure_threshold = 0;
    asio::io_context context;
    EXPECT_THROW(database(context.get_executor(), options, w.server.make_connector()), std::invalid_argument);
}

} // namespace
} // namespace tradecore
