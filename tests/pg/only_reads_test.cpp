// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/only_reads.hpp>

#include <gtest/gtest.h>

namespace tradecore::pg {
namespace {

TEST(only_reads, is_said_of_plain_queries)
{
    for (const auto* sql :
         {"SELECT 1", "select a, b FROM t WHERE id = $1 AND (c OR d) AND e IN ($2, $3) ORDER BY a LIMIT 5;",
          "  -- which\n /* ones */ ((SELECT a FROM t) UNION ALL (SELECT b FROM u))", "VALUES (1, 'a'), (2, 'b')",
          "TABLE accounts", "SHOW server_version ; ;",
          "SELECT count(*), sum(amount) FILTER (WHERE amount > 0) OVER (PARTITION BY side) FROM orders",
          "WITH recent AS (SELECT * FROM orders) SELECT coalesce(max(id), 0)::numeric(20, 2) FROM recent",
          "SELECT pg_catalog.lower(name), ARRAY_AGG(id) FROM t",
          "SELECT * FROM a JOIN b USING (id) JOIN LATERAL (SELECT 1) c ON (true) WHERE EXISTS (SELECT 1)",
          "SELECT 'INSERT INTO t; DELETE FROM f(x)', \"update\" FROM t",
          "SELECT substring(name FROM 1 FOR 3), extract(epoch FROM at) FROM t",
          "SELECT $$ nextval('s') $$, a FROM unnest($1) AS ids"})
        EXPECT_TRUE(only_reads(sql)) << sql;
}

TEST(only_reads, is_not_said_of_what_writes_or_locks)
{
    for (const auto* sql :
         {"", ";", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "CALL p()", "DO $$ BEGIN END $$",
          "EXPLAIN ANALYZE DELETE FROM t", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR NO KEY UPDATE",
          "SELECT * FROM t for share", "SELECT * FROM t FOR /* it */ KEY SHARE", "SELECT * INTO u FROM t",
          "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
          "WITH made AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM made", "SELECT 1; SELECT 2",
          "SELECT 1; DELETE FROM t"})
        EXPECT_FALSE(only_reads(sql)) << sql;
}

TEST(only_reads, is_not_said_of_calls_that_are_not_known)
{
    for (const auto* sql :
         {"SELECT nextval('orders_id_seq')", "SELECT pg_catalog.pg_notify($1, $2)", "SELECT place_order($1)",
          "SELECT place_order /* now */ ($1)", "SELECT * FROM \"count\"($1)", "SELECT mine.lower(name) FROM t",
          "SELECT \"pg_catalog\".lower(name) FROM t", "SELECT pg_advisory_lock(1)",
          "VALUES (set_config('a', 'b', false))", "SELECT a FROM t WHERE \xc3\xa4(1)"})
        EXPECT_FALSE(only_reads(sql)) << sql;
}

TEST(only_reads, knows_what_may_commit_in_parts)
{
    for (const auto* sql : {"CALL p()", "do $$ BEGIN COMMIT; END $$", "COMMIT"})
        EXPECT_TRUE(may_commit_in_parts(sql)) << sql;
    for (const auto* sql : {"INSERT INTO t VALUES (1)", "SELECT call FROM t"})
        EXPECT_FALSE(may_commit_in_parts(sql)) << sql;
}

TEST(only_reads, knows_what_leaves_its_session_alone)
{
    for (const auto* sql :
         {"SELECT 1", "insert into t values (1)", " UPDATE t SET a = 1", "/* x */ DELETE FROM t",
          "MERGE INTO t USING u", "WITH a AS (SELECT 1) SELECT * FROM a", "TABLE t", "VALUES (1)"})
        EXPECT_TRUE(leaves_session_alone(sql)) << sql;
    for (const auto* sql :
         {"SET a = 1", "RESET ALL", "LISTEN a", "PREPARE a AS SELECT 1", "DECLARE a CURSOR FOR SELECT 1", "CALL p()",
          "DO $$ BEGIN END $$", "DISCARD ALL", "CREATE TEMP TABLE t (a int)", "BEGIN", "EXPLAIN ANALYZE SELECT 1", "",
          "SELECT 1 INTO TEMP t"})
        EXPECT_FALSE(leaves_session_alone(sql)) << sql;
}

TEST(only_reads, ends_with_any_text)
{
    for (const auto* sql : {"SELECT '", "SELECT \"", "SELECT /*", "SELECT $a$", "SELECT (", "(((", "SELECT E'\\"})
        (void)only_reads(sql);
}

} // namespace
} // namespace tradecore::pg
