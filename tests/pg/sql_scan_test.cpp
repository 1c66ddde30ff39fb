// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/sql.hpp>
#include <tradecore/pg/sql_scan.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace tradecore::pg::detail {
namespace {

constexpr std::size_t highest(std::string_view sql)
{
    return scan_parameters(sql).highest;
}

// The point is that the compiler does it.
static_assert(highest("SELECT 1") == 0);
static_assert(highest("SELECT $1, $2") == 2);
static_assert(scan_parameters("SELECT $2").hole);
static_assert(!scan_parameters("SELECT $2, $1, $1").hole);

TEST(SqlScan, SkipsWhatIsNoParameter)
{
    EXPECT_EQ(highest("SELECT '$9', $1"), 1U);
    EXPECT_EQ(highest("SELECT 'it''s $9', $1"), 1U);
    EXPECT_EQ(highest(R"(SELECT '\', $1, '$9')"), 1U);
    EXPECT_EQ(highest(R"(SELECT E'\' $9', $1)"), 1U);
    EXPECT_EQ(highest(R"(SELECT e'\\', $1)"), 1U);
    EXPECT_EQ(highest(R"(SELECT "a$9""b$8", $1)"), 1U);
    EXPECT_EQ(highest("SELECT $1 -- $9\n, $2"), 2U);
    EXPECT_EQ(highest("SELECT $1 /* $9 /* $8 */ $7 */, $2"), 2U);
    EXPECT_EQ(highest("DO $$ SELECT $9 $$, $1"), 1U);
    EXPECT_EQ(highest("DO $body$ $$ $9 $other$ $8 $body$, $1"), 1U);
    EXPECT_EQ(highest("SELECT foo$9, _x$8, \xc3\xa4$7, $1"), 1U);
    EXPECT_EQ(highest("SELECT a-$1"), 1U);
    EXPECT_EQ(highest("SELECT $1::int+$2*3/$3"), 3U);
    EXPECT_EQ(highest("SELECT U&'\\0041$9', N'$8', $1"), 1U);
    EXPECT_EQ(highest("SELECT name'$9', $1"), 1U);
}

TEST(SqlScan, SurvivesTextThatEndsTooSoon)
{
    for (const auto* const sql :
         {"'$1", "\"$1", "E'\\", "$", "$tag", "$tag$ $1", "/* $1 /*", "/* $1 *", "-- $1", "E'", "$$", "$1$"}) {
        EXPECT_LE(highest(sql), 1U) << sql;
    }
}

TEST(SqlScan, FindsHolesAndNul)
{
    EXPECT_TRUE(scan_parameters("SELECT $1, $3").hole);
    EXPECT_TRUE(scan_parameters("SELECT $0, $1").hole);
    EXPECT_FALSE(scan_parameters("SELECT $3, $1, $2").hole);
    EXPECT_TRUE(scan_parameters(std::string_view("a\0b", 3)).contains_nul);
    EXPECT_FALSE(scan_parameters("ab").contains_nul);
}

TEST(SqlScan, DoesNotOverflowOnHugeNumbers)
{
    EXPECT_GT(highest("$99999999999999999999999999999999999999"), 65'535U);
    EXPECT_EQ(highest("$65535"), 65'535U);
}

RC_GTEST_PROP(SqlScan, TakesAnyText, (const std::string& text))
{
    const auto found = scan_parameters(text);
    RC_ASSERT(found.contains_nul == (text.find('\0') != std::string::npos));
}

RC_GTEST_PROP(SqlScan, QuotingHidesParameters, (const std::string& text))
{
    std::string quoted = "SELECT '";
    for (const char c : text) {
        quoted += c;
        if (c == '\'') {
            quoted += c;
        }
    }
    RC_ASSERT(highest(quoted + "', $1") == 1U);
}

TEST(Sql, KeepsALiteralAndOwnsARuntimeText)
{
    const sql<int> literal("SELECT $1");
    EXPECT_EQ(literal.text().text, "SELECT $1");
    EXPECT_EQ(literal.text().owner, nullptr);
    sql_text owned;
    {
        const runtime_sql text(std::string("SELECT ") + "$1, $2");
        owned = sql<int>(text).text();
    }
    EXPECT_EQ(owned.text, "SELECT $1, $2");
}

} // namespace
} // namespace tradecore::pg::detail
