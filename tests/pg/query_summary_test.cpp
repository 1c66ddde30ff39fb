// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/query_summary.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tradecore::pg {
namespace {

TEST(query_summary, has_the_command_and_its_table)
{
    EXPECT_EQ(query_summary("SELECT * FROM users WHERE id = $1"), "SELECT users");
    EXPECT_EQ(query_summary("select 1"), "select");
    EXPECT_EQ(query_summary("INSERT INTO public.orders (id, a) VALUES ($1, 'x')"), "INSERT public.orders");
    EXPECT_EQ(query_summary("UPDATE ONLY users SET a = $1 WHERE b = 7"), "UPDATE users");
    EXPECT_EQ(query_summary("DELETE FROM \"odd name\".\"t\" WHERE id = 1"), "DELETE \"odd name\".\"t\"");
    EXPECT_EQ(query_summary("CALL settle($1)"), "CALL settle");
    EXPECT_EQ(query_summary("CREATE TABLE IF NOT EXISTS a (b int)"), "CREATE a");
    EXPECT_EQ(query_summary("TRUNCATE TABLE a"), "TRUNCATE a");
    EXPECT_EQ(query_summary("-- who\n/* why */ VALUES (1), (2)"), "VALUES");
    EXPECT_EQ(query_summary(""), "");
    EXPECT_EQ(query_summary("BEGIN; SELECT a FROM b; COMMIT"), "BEGIN SELECT b COMMIT");
}

TEST(query_summary, has_all_that_is_read_and_written_in_its_order)
{
    EXPECT_EQ(query_summary("SELECT * FROM songs s, artists AS a WHERE s.a, b = 3"), "SELECT songs artists");
    EXPECT_EQ(
        query_summary("SELECT a.x, b.y FROM a LEFT JOIN b USING (x) JOIN s.c ON a.z = c.z ORDER BY a, b"),
        "SELECT a b s.c");
    EXPECT_EQ(
        query_summary("INSERT INTO fills (a, b) SELECT a, b FROM orders WHERE c = 'FROM secrets'"),
        "INSERT fills SELECT orders");
    EXPECT_EQ(
        query_summary("SELECT d FROM (SELECT * FROM orders o JOIN customers c ON o.i = c.i) t"),
        "SELECT SELECT orders customers");
    EXPECT_EQ(
        query_summary("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone"),
        "DELETE a INSERT b SELECT gone");
    EXPECT_EQ(query_summary("SELECT 1 FROM a UNION ALL SELECT 2 FROM b"), "SELECT a SELECT b");
}

TEST(query_summary, takes_no_other_word_for_a_table)
{
    EXPECT_EQ(query_summary("SELECT extract(year FROM created_at) FROM a"), "SELECT a");
    EXPECT_EQ(query_summary("SELECT substring($1 FROM 2) FROM a"), "SELECT a");
    EXPECT_EQ(query_summary("SELECT a FROM b WHERE c IS DISTINCT FROM d"), "SELECT b");
    EXPECT_EQ(query_summary("SELECT a FROM b WHERE c IS NOT DISTINCT FROM d FOR UPDATE OF b"), "SELECT b");
    EXPECT_EQ(query_summary("INSERT INTO a VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = 1"), "INSERT a");
    EXPECT_EQ(query_summary("SELECT 'x' || $$ FROM hidden $$ FROM unnest($1::int[], $2) AS t(a, b)"), "SELECT unnest");
}

TEST(query_summary, has_no_values_and_an_end)
{
    EXPECT_EQ(query_summary("ALTER ROLE app PASSWORD 'canary'"), "ALTER");
    std::string many = "SELECT 1 FROM first_table";
    for (int i = 0; i < 100; ++i)
        many += ", table_" + std::to_string(i);
    const auto summary = query_summary(many);
    EXPECT_LE(summary.size(), longest_query_summary);
    EXPECT_GT(summary.size(), longest_query_summary - 10);
    EXPECT_TRUE(many.find(summary.substr(summary.rfind(' ') + 1) + ",") != std::string::npos) << "cut in a name";
    EXPECT_EQ(query_summary("SELECT ((((("), "SELECT");
    EXPECT_EQ(query_summary(")))) FROM"), "FROM");
}

} // namespace
} // namespace tradecore::pg
