// SPDX-License-Identifier: Apache-2.0
#include "db/support/fake_database.hpp"
#include "support/errors.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <stdexcept>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::fake_server;
using test::say;
using test::settle;
using test::throws;
using test::what_of;
using test::with_database;

/// More than the clock can hold.
constexpr milliseconds for_ever = milliseconds::max();

TEST(transaction, its_limit_cancels_the_body)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        test::gate never;
        std::exception_ptr thrown;
        try {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> {
                    co_await say(main, "a");
                    (void)co_await never.wait();
                    co_await settle();
                },
                {.name = "slow", .timeout = 1s});
        }
        catch (const timeout_error&) {
            thrown = std::current_exception();
        }
        EXPECT_EQ(what_of(thrown), "transaction 'slow' of 'main' was not finished within 1000 ms and was rolled back");
        EXPECT_THAT(server.log(), testing::EndsWith("1:a | 1:ROLLBACK"));
    });
}

TEST(transaction, tells_the_server_of_its_limits)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await main.with({.timeout = 250ms}).execute("a");
            co_await main.with({.timeout = 250ms}).execute("b");
            co_await say(main, "c");
            EXPECT_TRUE(co_await throws<std::logic_error>(main.transaction([&]() -> asio::awaitable<void> {
                co_await main.with({.timeout = 250ms}).execute("d");
                throw std::logic_error("the server takes the limit back with the savepoint");
            })));
            co_await say(main, "e");
        });
        EXPECT_EQ(
            server.log(), "1:BEGIN | 1:SET LOCAL statement_timeout = 250 | 1:a | 1:b | "
                          "1:SET LOCAL statement_timeout = 60000 | 1:c | 1:SAVEPOINT tradecore_1 | "
                          "1:SET LOCAL statement_timeout = 250 | 1:d | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
                          "1:RELEASE SAVEPOINT tradecore_1 | 1:e | 1:COMMIT");
        server.clear_log();
        co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "a"); }, {.timeout = 30s});
        EXPECT_THAT(
            server.log(), testing::MatchesRegex(
                              "1:BEGIN \\| 1:SET LOCAL statement_timeout = (29[0-9]{3}|30000) \\| 1:a \\| 1:COMMIT"));
    });
}

TEST(transaction, knows_the_limit_again_that_a_level_left_open_takes_back)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        test::gate never;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const auto leaves_open = [&]() -> asio::awaitable<void> {
                co_await say(main, "b");
                const auto inner = [&]() -> asio::awaitable<void> {
                    co_await main.with({.timeout = 250ms}).execute("c");
                    (void)co_await never.wait();
                };
                const auto child = [&]() -> asio::awaitable<void> {
                    EXPECT_TRUE(co_await throws<transaction_closed>(main.transaction(inner)));
                };
                asio::co_spawn(co_await asio::this_coro::executor, child, asio::detached);
                co_await settle();
            };
            co_await main.transaction(leaves_open);
            co_await say(main, "d");
        });
        never.open();
        co_await settle();
        EXPECT_EQ(
            server.log(), "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:b | 1:SAVEPOINT tradecore_2 | "
                          "1:SET LOCAL statement_timeout = 250 | 1:c | 1:ROLLBACK TO SAVEPOINT tradecore_2 | "
                          "1:RELEASE SAVEPOINT tradecore_1 | 1:d | 1:COMMIT");
    });
}

TEST(transaction, tells_the_server_of_no_limit_that_it_does_not_take)
{
    fake_server server;
    auto options = test::quiet_options();
    options.command_timeout = 0ms;
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        for (const milliseconds limit : {milliseconds(24h * 365), for_ever}) {
            server.clear_log();
            co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "a"); }, {.timeout = limit});
            EXPECT_EQ(server.log(), "1:BEGIN | 1:SET LOCAL statement_timeout = 2147483647 | 1:a | 1:COMMIT");
        }
    });
}

TEST(transaction, limits_whatever_it_sends)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            (void)co_await main.run_script("a; b");
            (void)co_await main.run_script("c; d", {.timeout = 250ms});
            (void)co_await main.run_script("takes; long", {.timeout = 1h});
            co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "e"); });
        });
        // A little later than the server's, whose answer comes first.
        for (const auto* const text : {"BEGIN", "a; b", "SAVEPOINT tradecore_1", "e"})
            EXPECT_EQ(server.limits[text], 61s) << text;
        EXPECT_EQ(server.limits["c; d"], 350ms);
        EXPECT_EQ(server.limits["takes; long"], 1h + 1s) << "one of its own takes the place of the database's";

        // The time is over while the server answers.
        server.on_command = [began = std::chrono::steady_clock::now()](auto&, const std::string&) {
            while (std::chrono::steady_clock::now() - began <= 250ms) {
            }
        };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await say(main, "f");
                EXPECT_TRUE(test::is<timeout_error>(co_await test::error_of(main.run_script("g"))));
            },
            {.timeout = 200ms});
        EXPECT_THAT(server.log(), testing::EndsWith("1:f | 1:COMMIT"));
    });
}

TEST(transaction, waits_for_its_turn_and_begins_in_a_calls_own_time)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        test::take_longer_than(server, 100ms);
        auto script = [&](const char* text) -> asio::awaitable<void> {
            (void)co_await main.run_script({text, nullptr}, {.timeout = 1s});
        };
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await script("behind; BEGIN");
            co_await when_all(say(main, "first"), script("behind; first"));
        });
        // A tenth more than what is left.
        EXPECT_LE(server.limits["behind; BEGIN"], 1'000ms);
        EXPECT_LE(server.limits["behind; first"], 1'000ms);
    });
}

TEST(transaction, that_its_body_has_ended_is_not_said_to_be_rolled_back_when_its_time_is_over)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        test::gate never;
        auto body = [&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            co_await say(main, "COMMIT");
            (void)co_await never.wait();
            co_await settle();
        };
        const auto error = co_await test::error_of(main.transaction(body, {.name = "slow", .timeout = 300ms}));
        EXPECT_TRUE(test::is<timeout_error>(error));
        EXPECT_THAT(what_of(error), testing::Not(testing::HasSubstr("rolled back")));
        EXPECT_THAT(what_of(error), testing::HasSubstr("not finished within 300 ms"));
    });
}

TEST(transaction, its_limit_holds_for_its_commit)
{
    for (const auto command_timeout : {0ms, 60'000ms}) {
        fake_server server;
        auto options = test::quiet_options();
        options.command_timeout = command_timeout;
        with_database(server, options, [&](database& main) -> asio::awaitable<void> {
            server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (command == "COMMIT")
                    on.hold_next("for ever");
            };
            const auto error = co_await test::error_of(
                main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "a"); }, {.timeout = 300ms}));
            EXPECT_TRUE(test::is<commit_unknown>(error)) << what_of(error);
        });
    }
}

TEST(transaction, its_statements_may_wait_for_each_other_without_a_limit)
{
    fake_server server;
    with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            auto patient = main.with({.timeout = for_ever});
            auto open = [&]() -> asio::awaitable<void> {
                co_await settle();
                server.held("first").open();
            };
            co_await when_all(say(main, "HOLD first"), say(patient, "second"), open());
        });
        EXPECT_THAT(server.log(), testing::EndsWith("1:second | 1:COMMIT"));
    });
}

TEST(with_timeout, takes_any_time)
{
    test::run([]() -> asio::awaitable<void> {
        co_await with_timeout(for_ever, settle());
        co_await with_timeout(std::chrono::hours::max(), settle());
        EXPECT_TRUE(co_await throws<timeout_error>(with_timeout(milliseconds::min(), settle())));
    });
}

TEST(database, is_closed_as_late_as_its_user_says)
{
    fake_server server;
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        database main(here, test::quiet_options(), server.make_connector());
        co_await main.open();
        auto lent = co_await main.pool().acquire(usage::here("test"));
        bool closed = false;
        asio::co_spawn(here, main.close(for_ever), [&](const std::exception_ptr&) { closed = true; });
        co_await settle();
        EXPECT_TRUE(lent->is_open());
        EXPECT_FALSE(closed);
        lent.reset();
        co_await test::until([&] { return closed; });
    });
}

TEST(database, takes_no_time_that_the_server_or_the_clock_does_not)
{
    fake_server server;
    asio::io_context context(1);
    const auto refusal = [&](auto change) {
        auto options = test::quiet_options();
        change(options);
        try {
            const database made(context.get_executor(), options, server.make_connector());
        }
        catch (const std::invalid_argument& e) {
            return std::string(e.what());
        }
        return std::string("taken");
    };
    using options = database_options;
    EXPECT_THAT(refusal([](options& o) { o.command_timeout = for_ever; }), testing::HasSubstr("command_timeout"));
    EXPECT_THAT(refusal([](options& o) { o.rollback_timeout = for_ever; }), testing::HasSubstr("rollback_timeout"));
    EXPECT_THAT(refusal([](options& o) { o.commit_resolution = for_ever; }), testing::HasSubstr("commit_resolution"));
    EXPECT_THAT(refusal([](options& o) { o.pool.acquire_timeout = for_ever; }), testing::HasSubstr("acquire_timeout"));
    EXPECT_THAT(refusal([](options& o) { o.pool.max_lifetime = for_ever; }), testing::HasSubstr("max_lifetime"));
    EXPECT_EQ(refusal([](options& o) { o.pool.acquire_timeout = 24h * 365; }), "taken");
}

} // namespace
} // namespace tradecore
