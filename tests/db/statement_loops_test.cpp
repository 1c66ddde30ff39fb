// SPDX-License-Identifier: Apache-2.0
#include "db/statement_loops.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/observe/capture.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <source_location>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using detail::statement_loops;
using test::fake_server;

sql_text literal(std::string_view text)
{
    return {text, nullptr};
}

sql_text made(const std::string& text)
{
    return runtime_sql(text).text();
}

TEST(statement_loops, are_statements_run_often_enough_for_one_row_at_most)
{
    statement_loops loops(3);
    loops.note(literal("a"), "", 1, 2ms);
    loops.note(literal("a"), "", 0, 3ms);
    EXPECT_EQ(loops.worst(), nullptr);
    loops.note(literal("a"), "", 2, 100ms); // several rows: that is how it should be
    EXPECT_EQ(loops.worst(), nullptr);
    loops.note(literal("a"), "third", 1, 4ms);
    loops.note(literal("a"), "fourth", 1, 1ms);
    const auto* worst = loops.worst();
    ASSERT_NE(worst, nullptr);
    EXPECT_EQ(worst->sql.text, "a");
    EXPECT_EQ(worst->name, "third");
    EXPECT_EQ(worst->count, 4U);
    EXPECT_EQ(worst->took, 10ms);
}

TEST(statement_loops, with_several_statements_in_their_body_are_seen)
{
    statement_loops loops(10);
    for (int i = 0; i < 10; ++i) {
        for (const auto* text : {"a", "b", "c", "d", "e", "f", "g", "h"})
            loops.note(literal(text), "", 1, 1ms);
    }
    ASSERT_NE(loops.worst(), nullptr);
    EXPECT_EQ(loops.worst()->count, 10U);
}

TEST(statement_loops, are_not_forgotten_for_statements_that_are_run_once)
{
    statement_loops loops(10);
    for (int i = 0; i < 10; ++i) {
        loops.note(literal("again"), "", 1, 1ms);
        loops.note(literal("again"), "", 1, 1ms);
        loops.note(made(fmt::format("once {}", i)), "", 1, 1ms);
    }
    ASSERT_NE(loops.worst(), nullptr);
    EXPECT_EQ(loops.worst()->sql.text, "again");
    EXPECT_EQ(loops.worst()->count, 20U);
}

TEST(statement_loops, of_sql_made_at_run_time_are_known_by_the_text_and_not_by_its_address)
{
    statement_loops loops(3);
    for (int i = 0; i < 3; ++i)
        loops.note(made("the same text"), "", 1, 1ms);
    ASSERT_NE(loops.worst(), nullptr);
    EXPECT_EQ(loops.worst()->sql.text, "the same text");
}

TEST(statement_loops, can_be_switched_off)
{
    statement_loops loops(0);
    for (int i = 0; i < 100; ++i)
        loops.note(literal("a"), "", 1, 1ms);
    EXPECT_EQ(loops.worst(), nullptr);
}

TEST(statement_loops, come_with_advice_that_fits_the_statement)
{
    EXPECT_THAT(detail::instead_of_loop("  insert into a values ($1)"), testing::StartsWith("copy_in, execute_many"));
    EXPECT_THAT(detail::instead_of_loop("UPDATE a SET b = $1"), testing::StartsWith("execute_many"));
    EXPECT_THAT(detail::instead_of_loop("(SELECT 1)"), testing::HasSubstr("ANY($1)"));
    EXPECT_EQ(detail::instead_of_loop("WITH a AS (…) …"), "execute_many, UNNEST or COPY");
    EXPECT_EQ(detail::instead_of_loop(""), "execute_many, UNNEST or COPY");
}

std::vector<observe::capture::entry> loops_of(const observe::capture& log)
{
    auto found = log.entries();
    std::erase_if(found, [](const auto& one) { return !one.message.starts_with("[STATEMENT LOOP] "); });
    return found;
}

TEST(statement_loops, are_reported_once_with_everything_one_needs_to_find_them)
{
    fake_server server;
    auto options = test::quiet_options();
    options.statement_loop = 5;
    const observe::capture log;
    unsigned begun = 0;
    unsigned sent = 0;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 7; ++i) {
                sent = std::source_location::current().line() + 1;
                (void)co_await main.with({.name = "add"}).execute("INSERT INTO a VALUES ($1)", i);
                if (i % 2 == 0)
                    co_await main.transaction([&]() -> asio::awaitable<void> { (void)co_await main.execute("b"); });
            }
        };
        begun = std::source_location::current().line() + 1;
        co_await main.transaction(body, {.name = "import"});
        EXPECT_EQ(loops_of(log).size(), 1U);
    });
    const auto reports = loops_of(log);
    ASSERT_EQ(reports.size(), 1U);
    const auto& report = reports.front();
    EXPECT_EQ(report.severity, observe::level::warn);
    EXPECT_THAT(
        report.message,
        testing::MatchesRegex("\\[STATEMENT LOOP\\] main transaction ran one statement 7 times for one row each "
                              "\\([0-9]+ms in all\\), use copy_in, execute_many, or INSERT … SELECT FROM "
                              "UNNEST\\(\\$1, …\\): INSERT INTO a VALUES \\(\\$1\\)"));
    EXPECT_EQ(report.value("database"), "main");
    EXPECT_EQ(report.value("statement"), "add");
    EXPECT_EQ(report.value("transaction"), "import");
    EXPECT_EQ(report.value("count"), "7");
    EXPECT_EQ(report.value("threshold"), "5");
    EXPECT_NE(report.value("took_ms"), "");
    EXPECT_THAT(report.value("location"), testing::EndsWith(fmt::format("statement_loops_test.cpp:{}", sent)));
    EXPECT_THAT(
        report.value("transaction_location"), testing::EndsWith(fmt::format("statement_loops_test.cpp:{}", begun)));
}

TEST(statement_loops, are_not_reported_outside_of_transactions_or_when_few)
{
    fake_server server;
    auto options = test::quiet_options();
    options.statement_loop = 5;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        for (int i = 0; i < 10; ++i)
            (void)co_await main.execute("a");
        for (int i = 0; i < 2; ++i) {
            const auto body = [&]() -> asio::awaitable<void> {
                for (int k = 0; k < 4; ++k)
                    (void)co_await main.execute("a");
            };
            co_await main.transaction(body);
        }
    });
    EXPECT_EQ(loops_of(log).size(), 0U);
}

TEST(statement_loops, are_not_of_scripts)
{
    fake_server server;
    auto options = test::quiet_options();
    options.statement_loop = 5;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 10; ++i)
                (void)co_await main.run_script("many; statements");
        };
        co_await main.transaction(body);
    });
    EXPECT_EQ(loops_of(log).size(), 0U);
}

TEST(statement_loops, are_reported_when_the_transaction_fails_too)
{
    fake_server server;
    auto options = test::quiet_options();
    options.statement_loop = 3;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i)
                (void)co_await main.execute("SELECT 1");
            throw std::logic_error("no");
        };
        try {
            co_await main.transaction(body);
            ADD_FAILURE() << "did not throw";
        }
        catch (const std::logic_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
    });
    ASSERT_EQ(loops_of(log).size(), 1U);
    EXPECT_EQ(loops_of(log).front().value("count"), "3");
}

} // namespace
} // namespace tradecore
