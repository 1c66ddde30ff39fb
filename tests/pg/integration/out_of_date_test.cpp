// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace {

using namespace tradecore;
using test::run;
namespace asio = boost::asio;

/// What is remembered of statements, with names and without.
class out_of_date : public testing::TestWithParam<pg::prepared_statements> {
protected:
    static asio::awaitable<std::unique_ptr<pg::connection>> connect()
    {
        auto options = pg::connect_options::parse(test::dsn());
        options.prepared_statements = GetParam();
        co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    }
    static bool named() { return GetParam() == pg::prepared_statements::named; }
};

asio::awaitable<std::size_t> columns(pg::connection& on)
{
    const auto rows = co_await on.fetch("SELECT * FROM t");
    co_return rows.columns().size();
}

TEST_P(out_of_date, is_healed_when_columns_come_and_go)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (a int)");
        co_await db->execute("INSERT INTO t VALUES (1)");
        EXPECT_EQ(co_await columns(*db), 1U);
        co_await db->run_script({"ALTER TABLE t ADD b text", nullptr});
        EXPECT_EQ(co_await columns(*db), 2U);
        EXPECT_EQ(co_await columns(*db), 2U);
        co_await db->run_script({"ALTER TABLE t DROP a, ADD c point, ADD d int", nullptr});
        EXPECT_EQ(co_await columns(*db), 3U);
        co_await db->run_script({"ALTER TABLE t DROP b, DROP c, DROP d", nullptr});
        EXPECT_EQ(co_await columns(*db), 0U);
    });
}

TEST_P(out_of_date, is_healed_when_a_columns_type_changes)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (a int)");
        co_await db->execute("INSERT INTO t VALUES ($1)", 1);
        EXPECT_EQ(co_await db->fetchval<int>("SELECT a FROM t WHERE a = $1", 1), 1);
        co_await db->run_script({"ALTER TABLE t ALTER a TYPE bigint", nullptr});
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT a FROM t WHERE a = $1", 1), 1);
        co_await db->run_script({"ALTER TABLE t ALTER a TYPE text", nullptr});
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT a FROM t WHERE a = $1", "1"), "1");
    });
}

TEST_P(out_of_date, is_healed_when_all_statements_are_dropped)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
        co_await db->run_script({"DISCARD ALL", nullptr});
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST_P(out_of_date, is_the_callers_error_inside_a_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
        co_await db->execute("BEGIN");
        co_await db->run_script({"DEALLOCATE ALL", nullptr});
        if (named()) {
            bool refused = false;
            try {
                (void)co_await db->fetchval<int>("SELECT 1");
            }
            catch (const pg::invalid_sql_statement_name&) {
                refused = true;
            }
            EXPECT_TRUE(refused);
            co_await db->execute("ROLLBACK");
        }
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST_P(out_of_date, takes_an_error_for_what_it_is_the_second_time)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (a int)");
        EXPECT_EQ(co_await columns(*db), 1U);
        co_await db->run_script({"DROP TABLE t", nullptr});
        bool refused = false;
        try {
            (void)co_await columns(*db);
        }
        catch (const pg::undefined_table&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
    });
}

TEST_P(out_of_date, never_meets_a_name_that_is_taken)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->run_script({"PREPARE tc1 AS SELECT 0; PREPARE tc2 AS SELECT 0", nullptr});
        co_await db->run_script({"DEALLOCATE tc2", nullptr});
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

INSTANTIATE_TEST_SUITE_P(
    with_and_without_names, out_of_date,
    testing::Values(pg::prepared_statements::named, pg::prepared_statements::unnamed),
    [](const auto& tested) { return tested.param == pg::prepared_statements::named ? "named" : "unnamed"; });

} // namespace
