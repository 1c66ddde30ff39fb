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
#include <optional>
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
using test::probed;
using test::probed_by_callers;
using test::refused;
using test::say;
using test::settle;
using test::unprobed;
using test::until;
using testing::HasSubstr;
using world = test::breaker_world;

TEST(breaker, is_closed_by_a_background_probe_that_fills_the_pool)
{
    world w;
    const observe::capture log;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.close_connections();
            co_await w.open_breaker();
            EXPECT_NE(main.breaker_state(), breaker_state::closed);
            // Several probes that fail, and one that does not.
            const auto connects = w.server.connects_begun;
            co_await until([&] { return w.server.connects_begun > connects + 3; });
            EXPECT_NE(main.breaker_state(), breaker_state::closed);
            w.server.refusal = nullptr;
            co_await until([&] { return main.breaker_state() == breaker_state::closed; });
            co_await until([&] { return main.pool_stats().size == 2; });
            co_await say(main, "again");
        },
        probed(4, 2));
    EXPECT_THAT(w.server.log(), HasSubstr("SELECT 1"));
    EXPECT_THAT(w.server.log(), HasSubstr("again"));
    EXPECT_THAT(
        log.messages(observe::level::info),
        testing::Contains("circuit breaker of main: half-open -> closed: the probe succeeded"));
}

TEST(breaker, lets_a_caller_probe_when_nobody_else_has_found_out)
{
    world w;
    auto& time = w.stop_time();
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await w.open_breaker();
            time.advance(29s);
            EXPECT_TRUE(is<circuit_open>(co_await error_of(say(main, "a"))));
            time.advance(1s);
            co_await fail(main, 1); // the probe
            EXPECT_EQ(main.breaker_state(), breaker_state::open);
            w.server.refusal = nullptr;
            EXPECT_TRUE(is<circuit_open>(co_await error_of(say(main, "b"))));
            time.advance(30s);
            co_await say(main, "c");
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        },
        probed_by_callers(4));
}

TEST(breaker, admits_one_probe_at_a_time_and_takes_its_permit_back_when_it_is_cancelled)
{
    world w;
    auto& time = w.stop_time();
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await w.open_breaker();
            w.server.refusal = nullptr;
            time.advance(30s);
            test::started_call probe(co_await asio::this_coro::executor, say(main, "HOLD probe"));
            co_await until([&] { return w.server.held("probe").waiting() == 1; });
            EXPECT_EQ(main.breaker_state(), breaker_state::half_open);
            EXPECT_TRUE(is<circuit_open>(co_await error_of(say(main, "b"))));
            probe.cancel();
            co_await until([&] { return probe.has_ended(); });
            EXPECT_EQ(main.breaker_state(), breaker_state::open);
            co_await say(main, "c"); // the turn is the next caller's
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        },
        probed_by_callers(4));
    EXPECT_THAT(w.server.log(), testing::Not(HasSubstr(":b")));
}

TEST(breaker, is_closed_by_the_first_answer_in_a_callers_transaction)
{
    world w;
    auto& time = w.stop_time();
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await w.open_breaker();
            w.server.refusal = nullptr;
            time.advance(30s);
            co_await main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_EQ(main.breaker_state(), breaker_state::half_open);
                co_await say(main, "a");
                EXPECT_EQ(main.breaker_state(), breaker_state::closed);
            });
        },
        probed_by_callers(4));
}

TEST(breaker, ends_a_probe_that_is_stuck)
{
    world w;
    auto options = probed(4);
    options.breaker.probe_timeout = 5ms;
    const observe::capture log;
    const auto overdue = [&] {
        const auto said = log.messages();
        return std::ranges::count(said, "circuit breaker of main: half-open -> open: the probe did not end in time");
    };
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await w.open_breaker();
            // Connecting.
            w.server.connects.close();
            co_await until([&] { return overdue() >= 1; });
            // Its statement.
            w.server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (command == "SELECT 1")
                    on.hold_next("stuck");
            };
            w.server.refusal = nullptr;
            w.server.connects.open();
            co_await until([&] { return w.server.held("stuck").waiting() > 0; });
            const auto before = overdue();
            co_await until([&] { return overdue() > before && w.server.held("stuck").waiting() == 0; });
            w.server.on_command = nullptr;
            co_await until([&] { return main.breaker_state() == breaker_state::closed; });
        },
        options);
}

TEST(breaker, replaces_idle_connections_that_were_lost_unnoticed)
{
    world w;
    auto options = probed(4, 3);
    options.breaker.failure_threshold = 1;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (on.backend_pid() <= 3 && (command == "SELECT 1" || command == "a"))
                    on.close();
            };
            co_await fail(main, 1);
            co_await until([&] { return main.breaker_state() == breaker_state::closed; });
            co_await say(main, "b");
        },
        options);
}

TEST(breaker, probes_no_more_when_the_database_is_closed_and_again_when_it_is_opened)
{
    world w;
    auto options = probed(4);
    options.breaker.failure_threshold = 1;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            co_await fail(main, 1);
            w.server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (command == "SELECT 1")
                    on.hold_next("stuck");
            };
            w.server.refusal = nullptr;
            co_await until([&] { return w.server.held("stuck").waiting() == 1; });
            co_await main.close(10s); // not waiting for the probe
            EXPECT_TRUE(is<database_closed>(co_await error_of(say(main, "a"))));
            w.server.on_command = nullptr;
            const auto connects = w.server.connects_begun;
            co_await settle();
            EXPECT_EQ(w.server.connects_begun, connects);
            co_await main.open();
            co_await until([&] { return main.breaker_state() == breaker_state::closed; });
            co_await say(main, "b");
        },
        options);
}

TEST(breaker, of_a_database_that_outlives_its_event_loop_is_left_in_peace)
{
    enum class stage { waiting, connecting, asking };
    for (const auto left_at : {stage::waiting, stage::connecting, stage::asking}) {
        fake_server server;
        std::optional<database> main;
        test::run([&]() -> asio::awaitable<void> {
            const bool probes = left_at != stage::waiting;
            main.emplace(co_await asio::this_coro::executor, probes ? probed(4) : unprobed(4), server.make_connector());
            co_await main->open();
            server.refusal = refused();
            co_await fail(*main, 5);
            if (left_at == stage::connecting) {
                server.connects.close();
                co_await until([&] { return server.connects_running > 0; });
            }
            if (left_at == stage::asking) {
                server.on_command = [](fake_server::connection& on, const std::string&) { on.hold_next("stuck"); };
                server.refusal = nullptr;
                co_await until([&] { return server.held("stuck").waiting() == 1; });
            }
        });
        EXPECT_NE(main->breaker_state(), breaker_state::closed);
        main.reset();
    }
}

TEST(breaker, gives_up_probing_for_a_database_nobody_has_any_more)
{
    fake_server server;
    asio::io_context context(1);
    std::exception_ptr failure;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, unprobed(4), server.make_connector());
            co_await main.open();
            server.refusal = refused();
            co_await fail(main, 5);
        },
        [&](const std::exception_ptr& error) { failure = error; });
    context.run(); // returns, because nothing is waited for
    EXPECT_FALSE(failure);
}

} // namespace
} // namespace tradecore
