// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/result.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace tradecore::pg {
namespace {

using test::big_endian;
using test::data_row;
using test::from_hex;
using test::make_result;
using test::message_of;

TEST(CommandTag, EndsInTheNumberOfRows)
{
    EXPECT_EQ(command_tag("INSERT 0 5").rows_affected(), 5U);
    EXPECT_EQ(command_tag("UPDATE 3").rows_affected(), 3U);
    EXPECT_EQ(command_tag("CREATE TABLE").rows_affected(), 0U);
    EXPECT_EQ(command_tag("BEGIN").rows_affected(), 0U);
    EXPECT_EQ(command_tag().rows_affected(), 0U);
    EXPECT_EQ(command_tag("UPDATE 99999999999999999999999").rows_affected(), 0U);
}

TEST(Result, GivesRowsByNameAndPosition)
{
    const auto rows = make_result(
        {{"symbol", oids::text}, {"quantity", oids::int4}}, {{"AAPL", big_endian(3)}, {"MSFT", std::nullopt}});
    std::string symbols;
    for (const auto row : rows) {
        symbols += row["symbol"].as<std::string_view>();
    }
    EXPECT_EQ(symbols, "AAPLMSFT");
    EXPECT_EQ(rows[0][1].as<int>(), 3);
    EXPECT_TRUE(rows[1]["quantity"].is_null());
    EXPECT_EQ(rows.tag().text(), "SELECT 2");
    EXPECT_EQ(rows[0].size(), 2U);
    EXPECT_EQ(message_of<type_error>([&] { (void)rows[0]["price"]; }), "no column is called \"price\"");
    EXPECT_EQ(message_of<type_error>([&] { (void)rows[0][2]; }), "no column at position 2 of 2");
    const auto twice = make_result({{"a", oids::int4}, {"a", oids::int4}}, {{big_endian(1), big_endian(2)}});
    EXPECT_EQ(message_of<type_error>([&] { (void)twice[0]["a"]; }), "more than one column is called \"a\"");
}

TEST(Result, HoldsRowsWithoutColumns)
{
    const auto rows = make_result({}, {{}, {}});
    EXPECT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1].size(), 0U);
}

TEST(Result, WithoutADescriptionIsEmpty)
{
    const result nothing;
    EXPECT_TRUE(nothing.empty());
    EXPECT_TRUE(nothing.columns().empty());
    EXPECT_EQ(nothing.begin(), nothing.end());
}

TEST(Result, StaysReadableWhenMoved)
{
    auto rows = make_result({{"v", oids::text}}, {{"short"}});
    const auto moved = std::move(rows);
    EXPECT_EQ(moved[0][0].as<std::string>(), "short");
}

TEST(Result, RefusesMalformedRowsAndKeepsTheOthers)
{
    auto rows = make_result({{"v", oids::text}}, {{"good"}});
    for (const auto* const wrong : {
             "", "00",
             "0000",                   // too few columns
             "0002 ffffffff ffffffff", // too many
             "0001", "0001 0000",
             "0001 00000002 61", // shorter than it says
             "0001 7fffffff",
             "0001 fffffffe",       // below -1
             "0001 00000001 61 61", // bytes after the end
         }) {
        EXPECT_FALSE(rows.append_row(from_hex(wrong))) << wrong;
    }
    EXPECT_TRUE(rows.append_row(data_row({"better"})));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0][0].as<std::string>(), "good");
    EXPECT_EQ(rows[1][0].as<std::string>(), "better");
}

RC_GTEST_PROP(Result, AnyBytesAreARowOrRefused, (const std::string& bytes))
{
    auto rows = make_result({{"a", oids::text}, {"b", oids::text}}, {});
    const auto payload = std::string("\0\2", 2) + bytes;
    if (rows.append_row(payload)) {
        RC_ASSERT(rows[0][0].bytes().size() + rows[0][1].bytes().size() + 8 == bytes.size());
    }
    else {
        RC_ASSERT(rows.empty());
    }
}

} // namespace
} // namespace tradecore::pg
