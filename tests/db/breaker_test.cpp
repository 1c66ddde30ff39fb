// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/fake_server.hpp"
#include "db/support/virtual_time.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using resilience::breaker_state;
using test::error_of;
using test::fake_server;
using test::is;
using test::settle;
using testing::HasSubstr;

/// Far away: what is not to happen in a test.
constexpr std::chrono::milliseconds never = 24h;

/// A breaker that nobody probes, and calls that are one attempt.
database_options sized(std::size_t maximum, std::size_t minimum = 0)
{
    database_options options;
    options.pool = {.minimum = minimum, .maximum = maximum};
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 1ms;
    options.breaker.background_probe = never;
    options.breaker.background_probe_limit = never;
    options.breaker.caller_probe = never;
    options.retries.outage.max_attempts = 1;
    options.retries.conflict.max_attempts = 1;
    return options;
}

database_options probed(std::size_t maximum, std::size_t minimum = 0)
{
    auto options = sized(maximum, minimum);
    options.breaker.background_probe = 1ms;
    options.breaker.background_probe_limit = 1ms;
    return options;
}

std::exception_ptr refused()
{
    return std::make_exception_ptr(pg::connection_error(pg::client_errc::cannot_connect, "connection refused"));
}

asio::awaitable<void> say(database& on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

/// Lets the loop run until it is so; the test as a whole has a limit.
asio::awaitable<void> until(std::function<bool()> holds)
{
    while (!holds())
        co_await settle(1);
}

asio::awaitable<void> fail(database& on, int times, std::string text = "a")
{
    for (int i = 0; i < times; ++i) {
        const auto error = co_await error_of(say(on, text));
        EXPECT_TRUE(error) << i;
        EXPECT_FALSE(is<circuit_open>(error)) << i;
    }
}

struct world {
    fake_server server;
    test::virtual_time* time = nullptr;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options)
    {
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(
                co_await asio::this_coro::executor, options, server.make_connector(),
                time != nullptr ? time->source() : time_source());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            co_await main->close(10s);
        });
        EXPECT_TRUE(server.open_connections.empty());
    }
};

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
        sized(4));
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

TEST(breaker, is_closed_by_a_background_probe_that_fills_the_pool)
{
    world w;
    const observe::capture log;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            while (!w.server.open_connections.empty())
                w.server.open_connections.front()->close();
            co_await fail(main, 5);
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
    test::virtual_time time;
    world w;
    w.time = &time;
    auto options = sized(4);
    options.breaker.caller_probe = 30s;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            co_await fail(main, 5);
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
        options);
}

TEST(breaker, admits_one_probe_at_a_time_and_takes_its_permit_back_when_it_is_cancelled)
{
    test::virtual_time time;
    world w;
    w.time = &time;
    auto options = sized(4);
    options.breaker.caller_probe = 30s;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            w.server.refusal = refused();
            co_await fail(main, 5);
            w.server.refusal = nullptr;
            time.advance(30s);
            asio::cancellation_signal cancel;
            bool ended = false;
            asio::co_spawn(
                here, say(main, "HOLD probe"),
                asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
            co_await until([&] { return w.server.held("probe").waiting() == 1; });
            EXPECT_EQ(main.breaker_state(), breaker_state::half_open);
            EXPECT_TRUE(is<circuit_open>(co_await error_of(say(main, "b"))));
            cancel.emit(asio::cancellation_type::terminal);
            co_await until([&] { return ended; });
            EXPECT_EQ(main.breaker_state(), breaker_state::open);
            co_await say(main, "c"); // the turn is the next caller's
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        },
        options);
    EXPECT_THAT(w.server.log(), testing::Not(HasSubstr(":b")));
}

TEST(breaker, does_not_count_what_callers_do_wrong)
{
    world w;
    auto options = sized(2);
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
            asio::cancellation_signal cancel;
            std::exception_ptr cancelled;
            asio::co_spawn(
                here, say(main, "HOLD 1"),
                asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) { cancelled = error; }));
            co_await until([&] { return w.server.held("1").waiting() == 1; });
            cancel.emit(asio::cancellation_type::terminal);
            co_await until([&] { return cancelled != nullptr; });

            // Everything in use.
            int done = 0;
            for (int i = 0; i < 2; ++i)
                asio::co_spawn(here, say(main, "HOLD 2"), [&](const std::exception_ptr&) { ++done; });
            co_await until([&] { return w.server.held("2").waiting() == 2; });
            EXPECT_TRUE(is<pool_timeout>(co_await error_of(say(main, "a"))));
            w.server.held("2").open();
            co_await until([&] { return done == 2; });

            // Credentials.
            while (!w.server.open_connections.empty())
                w.server.open_connections.front()->close();
            w.server.refusal = test::server_error_of("28P01");
            co_await fail(main, 3);
            EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        },
        options);
}

TEST(breaker, counts_waiting_in_vain_when_connecting_fails)
{
    world w;
    auto options = sized(2);
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
    auto options = sized(4);
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
                while (!w.server.open_connections.empty())
                    w.server.open_connections.front()->close();
            }
        },
        options);
}

TEST(breaker, counts_a_transaction_once_and_does_not_stop_one_under_way)
{
    world w;
    auto options = sized(4);
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

TEST(breaker, is_closed_by_the_first_answer_in_a_callers_transaction)
{
    test::virtual_time time;
    world w;
    w.time = &time;
    auto options = sized(4);
    options.breaker.caller_probe = 30s;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            co_await fail(main, 5);
            w.server.refusal = nullptr;
            time.advance(30s);
            co_await main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_EQ(main.breaker_state(), breaker_state::half_open);
                co_await say(main, "a");
                EXPECT_EQ(main.breaker_state(), breaker_state::closed);
            });
        },
        options);
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
            w.server.refusal = refused();
            co_await fail(main, 5);
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
    for (const bool stuck : {false, true}) {
        fake_server server;
        std::optional<database> main;
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, stuck ? probed(4) : sized(4), server.make_connector());
            co_await main->open();
            server.refusal = refused();
            co_await fail(*main, 5);
            if (!stuck)
                co_return;
            server.connects.close();
            co_await until([&] { return server.connects_running > 0; });
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
            database main(co_await asio::this_coro::executor, sized(4), server.make_connector());
            co_await main.open();
            server.refusal = refused();
            co_await fail(main, 5);
        },
        [&](const std::exception_ptr& error) { failure = error; });
    context.run(); // returns, because nothing is waited for
    EXPECT_FALSE(failure);
}

TEST(breaker, of_one_database_does_not_touch_another)
{
    fake_server down;
    fake_server up;
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        auto vb_options = sized(4);
        vb_options.name = "vb";
        database main(here, sized(4), down.make_connector());
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
    auto options = sized(4);
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
