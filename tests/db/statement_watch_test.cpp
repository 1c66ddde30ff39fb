// SPDX-License-Identifier: Apache-2.0
#include "db/statement_watch.hpp"
#include "db/support/allocations.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <source_location>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::with_database;

std::string line_after(std::source_location here = std::source_location::current())
{
    return fmt::format("{}:{}", here.file_name(), here.line() + 1);
}

/// The entry whose message begins with `mark`.
observe::capture::entry find(const observe::capture& log, std::string_view mark)
{
    for (const auto& one : log.entries()) {
        if (one.message.starts_with(mark))
            return one;
    }
    ADD_FAILURE() << "nothing begins with " << mark;
    return {};
}

TEST(statement_watch, names_statement_transaction_and_both_places_of_a_slow_query)
{
    fake_server server;
    test::take_longer_than(server, 2ms);
    auto options = test::quiet_options();
    options.slow_query = 1ms;
    options.long_transaction = 1ms;
    const observe::capture log;
    std::string statement;
    std::string transaction;
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            statement = line_after();
            co_await main.with({.name = "touch"}).execute("UPDATE account SET seen = $1", 1);
        };
        transaction = line_after();
        co_await main.transaction(body, {.name = "visit"});
    });
    const auto slow = find(log, "[SLOW QUERY] main EXECUTE took ");
    EXPECT_THAT(slow.message, testing::EndsWith("ms: UPDATE account SET seen = $1 | args: 1"));
    EXPECT_EQ(slow.value("statement"), "touch");
    EXPECT_EQ(slow.value("location"), statement);
    EXPECT_EQ(slow.value("transaction"), "visit");
    EXPECT_EQ(slow.value("transaction_location"), transaction);
    EXPECT_EQ(slow.value("threshold_ms"), "1");
    EXPECT_EQ(slow.value("failed"), "false");
    const auto lasting = find(log, "[LONG TRANSACTION] main transaction took ");
    EXPECT_EQ(lasting.value("transaction"), "visit");
    EXPECT_EQ(lasting.value("location"), transaction);
    EXPECT_EQ(lasting.value("threshold_ms"), "1");
}

TEST(statement_watch, names_the_place_of_a_script_and_of_sql_made_at_run_time)
{
    fake_server server;
    test::take_longer_than(server, 2ms);
    auto options = test::quiet_options();
    options.slow_query = 1ms;
    const observe::capture log;
    std::string script;
    std::string made;
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        script = line_after();
        (void)co_await main.run_script("ANALYZE");
        made = line_after();
        const runtime_sql sql(std::string("VACUUM"));
        (void)co_await main.execute(sql);
    });
    EXPECT_EQ(find(log, "[SLOW QUERY] main SCRIPT took ").value("location"), script);
    const auto slow = find(log, "[SLOW QUERY] main EXECUTE took ");
    EXPECT_EQ(slow.value("location"), made);
    EXPECT_EQ(slow.value("transaction"), "");
    EXPECT_EQ(slow.value("transaction_location"), "");
}

TEST(statement_watch, lets_a_caller_of_transactions_name_another_place)
{
    fake_server server;
    test::take_longer_than(server, 2ms);
    auto options = test::quiet_options();
    options.long_transaction = 1ms;
    const observe::capture log;
    const auto elsewhere = std::source_location::current();
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { (void)co_await main.execute("a"); };
        co_await main.transaction(body, {}, elsewhere);
    });
    EXPECT_THAT(
        find(log, "[LONG TRANSACTION]").value("location"), testing::EndsWith(fmt::format(":{}", elsewhere.line())));
}

TEST(statement_watch, cuts_arguments_and_sql_and_says_that_a_statement_failed)
{
    fake_server server;
    test::take_longer_than(server, 2ms);
    auto options = test::quiet_options();
    options.slow_query = 1ms;
    options.logged_arguments_length = 8;
    options.logged_sql_length = 4;
    const observe::capture log;
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        try {
            (void)co_await main.fetch(runtime_sql("FAIL 23505"), "a long argument");
            ADD_FAILURE() << "was not refused";
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
    });
    const auto slow = find(log, "[SLOW QUERY]");
    EXPECT_THAT(slow.message, testing::EndsWith("ms: FAIL… | args: 'a long …"));
    EXPECT_EQ(slow.value("failed"), "true");
}

TEST(statement_watch, of_a_slow_wait_for_a_connection_names_who_waited_and_where)
{
    fake_server server;
    auto options = test::quiet_options(2);
    options.pool.minimum = 2;
    options.pool.slow_acquire = 1ms;
    const observe::capture log;
    std::string place;
    with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        while (main.pool_stats().idle != 2) // nobody but the one that is asked about has to wait
            co_await test::settle(1);
        const auto held = co_await main.pool().acquire({.kind = "session", .label = "archive"});
        asio::co_spawn(
            co_await asio::this_coro::executor,
            [&]() -> asio::awaitable<void> {
                co_await test::settle(); // the other one waits by now
                const auto began = std::chrono::steady_clock::now();
                while (std::chrono::steady_clock::now() - began <= 2ms) {
                }
                server.held("it").open();
            },
            asio::detached);
        asio::co_spawn(
            co_await asio::this_coro::executor,
            [&]() -> asio::awaitable<void> { (void)co_await main.execute("HOLD it"); }, asio::detached);
        co_await test::settle(5);
        place = line_after();
        (void)co_await main.with({.name = "patient"}).execute("a");
    });
    const auto slow = find(log, "[SLOW ACQUIRE] main acquire took ");
    EXPECT_EQ(slow.value("user"), "statement");
    EXPECT_EQ(slow.value("name"), "patient");
    EXPECT_EQ(slow.value("location"), place);
    EXPECT_EQ(slow.value("threshold_ms"), "1");
    EXPECT_THAT(
        slow.value("holders"),
        testing::MatchesRegex("waited for statement HOLD it at .*statement_watch_test.cpp:[0-9]+ \\([0-9]+ ms\\); "
                              "held longest by session archive for [0-9]+ ms"));
}

TEST(statement_watch, does_not_allocate_for_statements_it_has_met)
{
    auto options = test::quiet_options();
    options.statement_loop = 1'000; // a loop that is noticed gets its name copied
    detail::statement_monitor monitor(options);
    const auto made = runtime_sql(std::string("SELECT $1, $2 -- made at run time, and longer than a small string"));
    pg::statement literal{
        .sql = sql<int, std::string>("SELECT $1, $2").text(),
        .arguments = pg::parameters::encode(1, std::string(100, 'x'))};
    pg::statement named = literal;
    named.options.name = "a name that is longer than a small string";
    pg::statement other = literal;
    other.sql = made.text();
    const auto run = [&] {
        detail::transaction_trace trace(options, "a transaction", {});
        for (int i = 0; i < 100; ++i) {
            for (auto* what : {&literal, &named, &other}) {
                detail::statement_watch watch(monitor, *what, i % 2 == 0 ? &trace : nullptr);
                watch.ended(1, nullptr);
            }
        }
    };
    run();
    const auto before = test::allocations();
    run();
    EXPECT_EQ(test::allocations() - before, 0U);
    EXPECT_GT(before, 0U) << "nothing is counted";
    database_statistics counted;
    monitor.table().report(counted);
    ASSERT_EQ(counted.statements.size(), 3U);
    EXPECT_EQ(counted.statements.at(0).calls, 200U);
}

} // namespace
} // namespace tradecore
