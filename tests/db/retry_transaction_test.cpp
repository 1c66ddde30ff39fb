// SPDX-License-Identifier: Apache-2.0
#include "db/support/retry_world.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
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
using world = test::retry_world;

/// A body of three commands.
asio::awaitable<void> three(database& on)
{
    co_await say(on, "a");
    co_await on.transaction([&on]() -> asio::awaitable<void> { co_await say(on, "b"); });
    co_await say(on, "c");
}

TEST(retry, repeats_a_transaction_whose_connection_is_lost_at_any_step_before_its_commit)
{
    // BEGIN a SAVEPOINT b RELEASE c COMMIT
    for (int step = 0; step < 6; ++step) {
        for (const bool by_error : {false, true}) {
            world w;
            w.run([&](database& main) -> asio::awaitable<void> {
                int commands = 0;
                w.server.on_command = [&](fake_server::connection& on, const std::string&) {
                    if (commands++ != step)
                        return;
                    on.close();
                    if (by_error)
                        std::rethrow_exception(server_error_of("57P01"));
                };
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await three(main); });
                EXPECT_EQ(count(w.server, "COMMIT"), 1) << step;
                EXPECT_THAT(
                    w.server.log(), testing::EndsWith("2:BEGIN | 2:a | 2:SAVEPOINT tradecore_1 | 2:b | "
                                                      "2:RELEASE SAVEPOINT tradecore_1 | 2:c | 2:COMMIT"))
                    << step;
            });
        }
    }
}

TEST(retry, repeats_a_transaction_for_a_conflict_at_any_step)
{
    for (int step = 0; step < 7; ++step) {
        for (const auto* state : {"40001", "40P01", "53200"}) {
            world w;
            w.run([&](database& main) -> asio::awaitable<void> {
                int commands = 0;
                w.server.on_command = [&](fake_server::connection& on, const std::string& command) {
                    if (commands++ != step)
                        return;
                    if (command == "COMMIT")
                        on.abort_transaction();
                    else if (command != "BEGIN")
                        on.fail_transaction();
                    std::rethrow_exception(server_error_of(state));
                };
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await three(main); });
                // Where the end of a savepoint fails nobody knows in which state the connection is.
                EXPECT_THAT(
                    w.server.log(),
                    testing::EndsWith(fmt::format(
                        "{0}:BEGIN | {0}:a | {0}:SAVEPOINT tradecore_1 | {0}:b | {0}:RELEASE SAVEPOINT tradecore_1 | "
                        "{0}:c | {0}:COMMIT",
                        step == 4 ? 2 : 1)))
                    << step << state;
            });
        }
    }
}

TEST(retry, never_repeats_a_transaction_that_may_have_been_committed)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "a");
        };
        w.fail("COMMIT", {lost()});
        EXPECT_TRUE(is<commit_unknown>(co_await error_of(main.transaction(body))));
        EXPECT_EQ(bodies, 1);
        w.fail("COMMIT", {lost()});
        co_await main.transaction(body, {.idempotent = true});
        EXPECT_EQ(bodies, 3);
    });
}

TEST(retry, never_repeats_a_body_that_has_ended_its_transaction_itself)
{
    struct ending {
        std::vector<std::string> statements;
        bool is_script = false;
        bool is_lost_at_commit = false;
    };
    const std::vector<ending> endings{
        {.statements = {"INSERT", "COMMIT", "DIE"}},
        {.statements = {"INSERT", "COMMIT", "BEGIN", "FAIL 40001"}},
        {.statements = {"INSERT; COMMIT; DIE"}, .is_script = true},
        {.statements = {"INSERT; COMMIT; FAIL 40001", "DIE"}, .is_script = true},
        {.statements = {"INSERT; COMMIT; BEGIN; FAIL 40001"}, .is_script = true},
        {.statements = {"INSERT", "COMMIT"}, .is_lost_at_commit = true},
        {.statements = {"INSERT", "-- all\n /* of it */ Commit"}, .is_lost_at_commit = true},
        {.statements = {"INSERT; SELECT 1;\nCOMMIT"}, .is_script = true, .is_lost_at_commit = true},
        {.statements = {"INSERT", "END"}, .is_lost_at_commit = true},
        {.statements = {"INSERT", "PREPARE TRANSACTION 'a'"}, .is_lost_at_commit = true},
    };
    for (const auto& each : endings) {
        world w;
        w.run([&](database& main) -> asio::awaitable<void> {
            if (each.is_lost_at_commit) {
                w.server.on_command = [&](fake_server::connection& on, const std::string& command) {
                    if (each.statements.back().ends_with(command))
                        on.close();
                };
            }
            int bodies = 0;
            const auto error = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                for (const auto& text : each.statements) {
                    if (!each.is_script)
                        co_await say(main, text);
                    else if (const auto failed = co_await error_of(main.run_script(runtime_sql(text).text()));
                             failed && text == each.statements.back())
                        std::rethrow_exception(failed);
                }
            }));
            EXPECT_EQ(bodies, 1) << each.statements.back();
            EXPECT_TRUE(error) << each.statements.back();
        });
    }
}

TEST(retry, repeats_a_body_that_goes_back_to_a_savepoint_of_its_own)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "SAVEPOINT s");
            co_await say(main, "ROLLBACK TO SAVEPOINT s");
            if (bodies == 1)
                co_await say(main, "DIE");
        });
        EXPECT_EQ(bodies, 2);
    });
}

TEST(retry, does_not_repeat_a_body_for_errors_that_are_not_its_databases)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto& error :
             {server_error_of("40001"), lost(), std::make_exception_ptr(std::logic_error("no")), refused()}) {
            int bodies = 0;
            const auto thrown = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                co_await say(main, "a");
                std::rethrow_exception(error); // as another database would
            }));
            EXPECT_EQ(thrown, error);
            EXPECT_EQ(bodies, 1);
        }
    });
}

TEST(retry, does_not_repeat_a_statement_inside_a_transaction_by_itself)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            if (++bodies == 1)
                co_await say(main, "FAIL 40001");
        });
        EXPECT_EQ(bodies, 2);
        EXPECT_EQ(count(w.server, "FAIL 40001"), 1);
    });
}

TEST(retry, repeats_for_a_lock_that_was_not_to_be_had_when_asked)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "LOCK"); };
        w.fail("LOCK", {server_error_of("55P03")});
        EXPECT_TRUE(is<lock_not_available>(co_await error_of(main.transaction(body))));
        w.fail("LOCK", {server_error_of("55P03")});
        co_await main.transaction(body, {.repeat_lock_timeouts = true});
        EXPECT_EQ(count(w.server, "LOCK"), 3);
    });
}

TEST(retry, makes_no_more_attempts_at_a_transaction_than_its_options_say)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        const auto conflict = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "FAIL 40001");
        };
        (void)co_await error_of(main.transaction(conflict, {.max_attempts = 8}));
        EXPECT_EQ(bodies, 8);
        const auto dies = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "DIE");
        };
        bodies = 0;
        (void)co_await error_of(main.transaction(dies, {.max_attempts = 8}));
        EXPECT_EQ(bodies, 3) << "outages have their own limit";
        bodies = 0;
        (void)co_await error_of(main.transaction(dies, {.max_attempts = 2}));
        EXPECT_EQ(bodies, 2);
    });
}

} // namespace
} // namespace tradecore
