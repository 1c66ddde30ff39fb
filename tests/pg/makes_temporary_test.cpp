// SPDX-License-Identifier: Apache-2.0
#include "pg/makes_temporary.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace tradecore::pg::detail {
namespace {

TEST(makes_temporary, is_said_of_whatever_makes_temporary_objects)
{
    for (const auto* sql :
         {"CREATE TEMP TABLE t (id int)",
          "create temporary table t as select 1",
          "CREATE LOCAL TEMP TABLE t ()",
          "CREATE /* a */ GLOBAL -- b\n TEMPORARY TABLE t ()",
          "CREATE TEMP VIEW v AS SELECT 1",
          "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
          "CREATE TEMPORARY RECURSIVE VIEW v (a) AS SELECT 1",
          "CREATE TEMP SEQUENCE s",
          "SELECT 1 INTO TEMP t",
          "SELECT a, b INTO LOCAL TEMPORARY TABLE t FROM u",
          "WITH x AS (SELECT 1) SELECT * INTO TEMP t FROM x",
          "CREATE TABLE pg_temp.t ()",
          "CREATE FUNCTION \"pg_temp\".f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
          "CREATE TABLE pg_temp_3.t ()",
          "BEGIN; SELECT '--'; CREATE TEMP TABLE t (); COMMIT",
          "DO $$ BEGIN CREATE TEMP TABLE t (); END $$",
          "DO $do$ BEGIN EXECUTE $x$ CREATE /* it */ TEMP TABLE t () $x$; END $do$",
          "DO 'BEGIN EXECUTE ''CREATE TEMP TABLE t ()''; END'",
          "DO E'BEGIN CREATE TEMP TABLE t (); END'",
          "SELECT set_config('search_path', 'pg_temp', false)"})
        EXPECT_TRUE(makes_temporary(sql)) << sql;
}

TEST(makes_temporary, is_not_said_of_what_is_called_so)
{
    for (const auto* sql :
         {"", "t", "SELECT temp FROM sensors", "SELECT max(temporary) FROM temp", "INSERT INTO temp VALUES (1)",
          "insert /* x */ into temporary values (1)", "MERGE INTO temp USING u ON true WHEN MATCHED THEN DELETE",
          "UPDATE temp SET temporary = 'temp'", "CREATE TABLE temperatures (temp int)", "CREATE TABLE \"temp\" ()",
          "SELECT 'create', 'temp'", "-- CREATE TEMP TABLE t ()\nSELECT 1 /* INTO TEMP */",
          "SET LOCAL temp_buffers = 8", "SELECT replace(temp, 'a', 'b') FROM t", "SELECT my_pg_temp FROM t",
          "SELECT $1, $2 AS temp", "$temp$", "'temp", "$$ temp"})
        EXPECT_FALSE(makes_temporary(sql)) << sql;
}

TEST(makes_temporary, does_not_look_into_quotes_without_end)
{
    std::string nested = "CREATE TEMP TABLE t ()";
    for (char tag = 'a'; tag <= 'e'; ++tag)
        nested = fmt::format("${0}$ {1} ${0}$", tag, nested);
    EXPECT_FALSE(makes_temporary("DO " + nested));
}

} // namespace
} // namespace tradecore::pg::detail
