// SPDX-License-Identifier: Apache-2.0
#include "db/statement_table.hpp"
#include "db/support/fake_database.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using detail::statement_table;
using observe::latency_histogram;
using test::fake_server;

sql_text literal(std::string_view text)
{
    return {text, nullptr};
}

sql_text made(const std::string& text)
{
    return runtime_sql(text).text();
}

database_statistics report(const statement_table& table)
{
    database_statistics all;
    table.report(all);
    return all;
}

TEST(latency_histogram, counts_a_time_in_the_first_bucket_that_reaches_it)
{
    latency_histogram times;
    times.add(0ns);
    times.add(100us);
    times.add(100us + 1ns);
    times.add(10s);
    times.add(10s + 1ns);
    const auto& buckets = times.buckets();
    EXPECT_EQ(buckets.front(), 2U);
    EXPECT_EQ(buckets[1], 1U);
    EXPECT_EQ(buckets[latency_histogram::bounds.size() - 1], 1U);
    EXPECT_EQ(buckets.back(), 1U);
    EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}), times.count());
    EXPECT_EQ(times.sum(), 20s + 200us + 2ns);
    EXPECT_TRUE(std::ranges::is_sorted(latency_histogram::bounds));
}

TEST(latency_histogram, estimates_quantiles_by_the_bounds_of_its_buckets)
{
    latency_histogram times;
    EXPECT_EQ(times.quantile(0.5), 0ns);
    for (int i = 0; i < 99; ++i)
        times.add(3ms);
    times.add(20s);
    EXPECT_EQ(times.quantile(0), 5ms);
    EXPECT_EQ(times.quantile(0.5), 5ms);
    EXPECT_EQ(times.quantile(0.99), 5ms);
    EXPECT_EQ(times.quantile(1), 10s) << "the largest there is";
}

TEST(statement_table, tells_statements_apart_by_name_else_by_text)
{
    statement_table table(10);
    table.count(literal("SELECT 1"), "", 1ms, 1, false);
    table.count(made("SELECT 1"), "", 2ms, 1, true);
    table.count(literal("SELECT 2"), "two", 3ms, 5, false);
    table.count(literal("SELECT 3"), "two", 4ms, 6, false);
    table.count(literal("two"), "", 5ms, 0, false);
    const auto all = report(table);
    ASSERT_EQ(all.statements.size(), 3U);
    EXPECT_EQ(all.statements[0].name, "");
    EXPECT_EQ(all.statements[0].sql, "SELECT 1");
    EXPECT_EQ(all.statements[0].calls, 2U);
    EXPECT_EQ(all.statements[0].rows, 2U);
    EXPECT_EQ(all.statements[0].errors, 1U);
    EXPECT_EQ(all.statements[0].latency.count(), 2U);
    EXPECT_EQ(all.statements[0].latency.sum(), 3ms);
    EXPECT_EQ(all.statements[1].name, "two");
    EXPECT_EQ(all.statements[1].sql, "SELECT 2");
    EXPECT_EQ(all.statements[1].rows, 11U);
    EXPECT_EQ(all.statements[2].sql, "two") << "a text is not a name";
    EXPECT_EQ(all.others.calls, 0U);
}

TEST(statement_table, is_bounded_and_counts_the_rest_together)
{
    statement_table table(3);
    for (const auto* text : {"a", "b", "c", "d", "e", "a", "d"})
        table.count(literal(text), "", 1ms, 2, true);
    const auto all = report(table);
    ASSERT_EQ(all.statements.size(), 3U);
    EXPECT_EQ(all.statements[0].calls, 2U);
    EXPECT_EQ(all.others.calls, 3U);
    EXPECT_EQ(all.others.rows, 6U);
    EXPECT_EQ(all.others.errors, 3U);
    EXPECT_EQ(all.others.latency.count(), 3U);
}

TEST(statement_table, keeps_half_of_its_places_from_texts_made_at_run_time)
{
    statement_table table(10);
    for (int i = 0; i < 100; ++i)
        table.count(made(fmt::format("SELECT {}", i)), "", 1ms, 1, false);
    EXPECT_EQ(report(table).statements.size(), 5U);
    table.count(made("x"), "with a name", 1ms, 1, false);
    for (const auto* text : {"a", "b", "c", "d"})
        table.count(literal(text), "", 1ms, 1, false);
    const auto all = report(table);
    EXPECT_EQ(all.statements.size(), 10U);
    EXPECT_EQ(all.others.calls, 95U);
}

TEST(statement_table, tells_literals_at_one_place_apart_by_their_length)
{
    static constexpr std::string_view both = "SELECT 1, 2";
    statement_table table(10);
    for (int i = 0; i < 2; ++i) {
        table.count(literal(both), "", 1ms, 1, false);
        table.count(literal(both.substr(0, 8)), "", 1ms, 1, false);
    }
    const auto all = report(table);
    ASSERT_EQ(all.statements.size(), 2U);
    EXPECT_EQ(all.statements[0].calls, 2U);
    EXPECT_EQ(all.statements[1].calls, 2U);
}

TEST(statement_table, finds_literals_again_when_there_are_more_than_it_remembers_places_of)
{
    std::string text(40'000, 'x');
    for (std::size_t i = 0; i < text.size(); i += 16)
        text.replace(i, 8, fmt::format("{:08}", i));
    statement_table table(5'000);
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < text.size(); i += 16)
            table.count(literal(std::string_view(text).substr(i, 16)), "", 1ms, 1, false);
    }
    const auto all = report(table);
    ASSERT_EQ(all.statements.size(), text.size() / 16);
    for (const auto& one : all.statements)
        EXPECT_EQ(one.calls, 3U);
}

TEST(statement_table, counts_huge_texts_together_and_named_ones_by_their_name)
{
    const std::string huge(10'000, 'x');
    statement_table table(10);
    table.count(made(huge), "", 1ms, 1, false);
    table.count(made(huge), "import", 1ms, 1, false);
    const auto all = report(table);
    ASSERT_EQ(all.statements.size(), 1U);
    EXPECT_EQ(all.statements[0].sql.size(), 8'192U);
    EXPECT_EQ(all.others.calls, 1U);
}

TEST(statement_table, can_be_switched_off)
{
    statement_table table(0);
    table.count(literal("a"), "", 1ms, 1, false);
    EXPECT_EQ(report(table).statements.size(), 0U);
    EXPECT_EQ(report(table).others.calls, 0U);
}

TEST(statistics, of_a_database_have_what_ran_inside_and_outside_of_transactions)
{
    fake_server server;
    test::with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
        (void)co_await main.execute("a");
        (void)co_await main.with({.name = "b"}).execute("b");
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("a");
            (void)co_await main.run_script("some; script");
            (void)co_await main.execute("FAIL 23505");
        };
        try {
            co_await main.transaction(body);
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
        const auto all = main.statistics();
        EXPECT_EQ(all.statements.size(), 4U);
        EXPECT_EQ(all.statements.at(0).sql, "a");
        EXPECT_EQ(all.statements.at(0).calls, 2U);
        EXPECT_EQ(all.statements.at(0).errors, 0U);
        EXPECT_EQ(all.statements.at(1).name, "b");
        EXPECT_EQ(all.statements.at(2).sql, "some; script");
        EXPECT_EQ(all.statements.at(3).errors, 1U);
    });
    EXPECT_EQ(database("nowhere").statistics().statements.size(), 0U);
}

TEST(statistics, of_a_script_in_a_transaction_have_the_text_that_was_given)
{
    for (const auto* const incarnation : {"", "asks for the transaction's id behind it"}) {
        fake_server server;
        server.incarnation = incarnation;
        const std::string text = "a script that was made at run time; and is no literal";
        test::with_database(server, test::quiet_options(), [&](database& main) -> asio::awaitable<void> {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> { (void)co_await main.run_script(runtime_sql(text).text()); });
            const auto all = main.statistics();
            EXPECT_EQ(all.statements.size(), 1U);
            EXPECT_EQ(all.statements.at(0).sql, text);
        });
    }
}

} // namespace
} // namespace tradecore
