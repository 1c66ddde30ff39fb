// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/retry_world.hpp"
#include "db/support/started_call.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::count;
using test::error_of;
using test::fake_server;
using test::is;
using test::lost;
using test::refused;
using test::say;
using test::server_error_of;
using test::settle;
using test::until;
using test::what_of;
using test::without_breaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using world = test::retry_world;

TEST(retry, ends_before_the_deadline)
{
    world w;
    w.time.chance = 1;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.refusal = refused();
        auto session = main.with({.timeout = 120ms});
        // 50 ms, then 100 ms would not do.
        const auto error = co_await error_of(say(session, "INSERT"));
        EXPECT_THAT(w.time.pauses, ElementsAre(50ms));
        EXPECT_EQ(w.server.connects_begun, 2);
        EXPECT_TRUE(is<connection_error>(error));
        EXPECT_THAT(
            what_of(error), testing::EndsWith("connection refused (2 attempts, no more because the deadline leaves no "
                                              "time for another attempt)"));
        EXPECT_EQ(what_of(w.server.refusal), "connection refused") << "others have this error too";
    });
}

TEST(retry, holds_no_connection_while_it_pauses_and_can_be_cancelled_there)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("SELECT 1", {server_error_of("53200")});
        w.time.end_of_pauses.close();
        test::started_call call(co_await asio::this_coro::executor, say(main, "SELECT 1"));
        co_await until([&] { return w.time.end_of_pauses.waiting() > 0; });
        EXPECT_EQ(main.pool_stats().active, 0U);
        EXPECT_EQ(main.pool_stats().waiting, 0U);
        call.cancel();
        co_await until([&] { return call.error() != nullptr; });
        EXPECT_TRUE(is<boost::system::system_error>(call.error()));
        EXPECT_EQ(count(w.server, "SELECT 1"), 1);
    });
}

TEST(retry, does_not_multiply_an_outage)
{
    world w;
    auto options = without_breaker();
    options.retry_budget = {};
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            constexpr int calls = 1'000;
            int refusals = 0;
            for (int i = 0; i < calls; ++i) {
                const auto error = co_await error_of(say(main, "SELECT 1"));
                refusals += what_of(error).find("the retry budget is used up") != std::string::npos ? 1 : 0;
                w.time.advance(1ms);
            }
            EXPECT_LE(w.server.connects_begun, calls * 12 / 10 + 3);
            EXPECT_GT(w.server.connects_begun, calls * 11 / 10) << "some are repeated";
            EXPECT_GT(refusals, calls / 2);
        },
        options);
}

TEST(retry, lets_the_breaker_see_each_attempt_and_does_not_repeat_its_refusals)
{
    world w;
    auto options = without_breaker();
    options.breaker_enabled = true;
    options.breaker.failure_threshold = 3;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            EXPECT_TRUE(is<connection_error>(co_await error_of(say(main, "INSERT"))));
            EXPECT_EQ(main.breaker_state(), resilience::breaker_state::open);
            w.time.pauses.clear();
            const auto refusal = co_await error_of(say(main, "INSERT"));
            EXPECT_TRUE(is<circuit_open>(refusal));
            EXPECT_THAT(what_of(refusal), Not(HasSubstr("attempt")));
            EXPECT_THAT(w.time.pauses, IsEmpty());
        },
        options);
}

TEST(retry, ends_with_the_failure_itself_when_the_breaker_opens_between_two_attempts)
{
    world w;
    auto options = without_breaker();
    options.breaker_enabled = true;
    options.breaker.failure_threshold = 1;
    options.breaker.caller_probe = 30s;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            const std::string wanted =
                "connection refused (1 attempt, no more because the circuit breaker refuses calls)";
            EXPECT_EQ(what_of(co_await error_of(say(main, "INSERT"))), wanted);
            EXPECT_EQ(w.server.connects_begun, 1);
            w.server.refusal = nullptr;
            w.time.advance(30s);
            co_await say(main, "a"); // the probe
            w.server.open_connections.front()->close();
            w.server.refusal = refused();
            const auto error =
                co_await error_of(main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "b"); }));
            EXPECT_EQ(what_of(error), wanted);
        },
        options);
}

TEST(retry, takes_policies_from_the_options_or_from_the_call)
{
    world w;
    auto options = without_breaker();
    options.retries.outage.max_attempts = 2;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            (void)co_await error_of(say(main, "INSERT"));
            EXPECT_EQ(w.server.connects_begun, 2);
            resilience::retry_policies own;
            own.outage.max_attempts = 4;
            auto session = main.with({}, own);
            (void)co_await error_of(say(session, "INSERT"));
            EXPECT_EQ(w.server.connects_begun, 6);
            own.outage.max_attempts = 1;
            const auto error =
                co_await error_of(main.transaction([]() -> asio::awaitable<void> { co_return; }, {.retries = own}));
            EXPECT_EQ(w.server.connects_begun, 7);
            EXPECT_EQ(error, w.server.refusal) << "an error that nobody thought of repeating is left alone";
        },
        options);
}

TEST(retry, checks_policies_by_name)
{
    asio::io_context context;
    fake_server server;
    auto options = without_breaker();
    options.retries.conflict.max_attempts = 0;
    const auto make = [&] { database(context.get_executor(), options, server.make_connector()); };
    EXPECT_THAT(make, testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_policies.conflict")));
    options = without_breaker();
    options.retry_budget.share = -1;
    EXPECT_THAT(make, testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_budget_options.share")));
    const database main(context.get_executor(), without_breaker(), server.make_connector());
    resilience::retry_policies wrong;
    wrong.outage.backoff.jitter = 2;
    EXPECT_THAT(
        [&] { (void)main.with({}, wrong); },
        testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_policies.outage")));
}

TEST(retry, logs_each_repetition)
{
    world w;
    const observe::capture log(observe::level::debug);
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("SELECT 1", {lost(), server_error_of("40001")});
        auto session = main.with({.name = "first"});
        co_await say(session, "SELECT 1");
    });
    std::vector<std::string> said;
    for (const auto& entry : log.entries()) {
        if (entry.message != "a call on main is repeated")
            continue;
        said.push_back(fmt::format(
            "{} {} {} {} {} {}", to_string(entry.severity), entry.value("database"), entry.value("name"),
            entry.value("attempt"), entry.value("wait_ms"), entry.value("error")));
    }
    EXPECT_THAT(
        said, ElementsAre(
                  "warn main first 1 25 connection reset",
                  "debug main first 2 0 ERROR 40001 (serialization_failure): refused as asked"));
}

/// A call that fails twice and is then served, and a transaction that does.
asio::awaitable<void> tried_thrice(database& on, bool in_transaction)
{
    if (in_transaction)
        co_await on.transaction([&on]() -> asio::awaitable<void> { co_await say(on, "SELECT 1"); });
    else
        co_await say(on, "SELECT 1");
}

TEST(retry, can_be_cancelled_or_destroyed_at_every_step)
{
    for (const bool in_transaction : {false, true}) {
        for (const bool cancels : {true, false}) {
            bool goes_on = true;
            int step = 0;
            for (; goes_on; ++step) {
                ASSERT_LT(step, 1'000) << "never ends";
                fake_server server;
                test::virtual_time time;
                asio::io_context context(1);
                database main(context.get_executor(), without_breaker(), server.make_connector(), time.source());
                test::stepped opening{context, {}, false, {}};
                opening.start(main.open());
                opening.finish();
                int failures = 0;
                server.on_command = [&](fake_server::connection& on, const std::string& command) {
                    if (command == "SELECT 1" && ++failures <= 2)
                        on.close();
                };
                test::stepped trial{context, {}, false, {}};
                trial.start(tried_thrice(main, in_transaction));
                goes_on = trial.turn(step);
                if (!goes_on || !cancels)
                    continue; // destroys it all
                trial.cancel.emit(asio::cancellation_type::terminal);
                trial.finish();
                EXPECT_TRUE(trial.ended) << step;
                const int failed = failures;
                failures = 2;
                test::stepped after{context, {}, false, {}};
                after.start(say(main, "SELECT 1"));
                after.finish();
                EXPECT_FALSE(after.error) << step;
                EXPECT_EQ(main.pool_stats().active, 0U) << step;
                EXPECT_LE(failed, 3);
            }
            EXPECT_GT(step, 10);
        }
    }
}

} // namespace
} // namespace tradecore
