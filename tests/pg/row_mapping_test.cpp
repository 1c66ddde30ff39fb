// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/row_mapping.hpp>

#include <boost/describe/class.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tradecore::pg {
namespace row_mapping_test {

struct identified {
    std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(identified, (), (id))

struct user : identified {
    std::string email;
    std::optional<std::string> first_name;
};
BOOST_DESCRIBE_STRUCT(user, (identified), (email, first_name))

struct plain {
    std::int32_t count;
    std::string name;
};

struct settings {
    std::string theme;
};
BOOST_DESCRIBE_STRUCT(settings, (), (theme))

} // namespace row_mapping_test

namespace {

using row_mapping_test::plain;
using row_mapping_test::settings;
using row_mapping_test::user;
using test::big_endian;
using test::make_result;
using test::message_of;

result users()
{
    return make_result(
        {{"email", oids::text}, {"added_later", oids::int4}, {"id", oids::int4}, {"first_name", oids::varchar}},
        {{"a@x", std::nullopt, big_endian(1), "Ann"}, {"b@x", big_endian(9), big_endian(2), std::nullopt}});
}

result one(oid type, const test::wire_value& value)
{
    return make_result({{"v", type}}, {{value}});
}

TEST(RowMapping, FillsDescribedStructsByName)
{
    const auto all = map_rows<user>(users());
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, 1);
    EXPECT_EQ(all[0].email, "a@x");
    EXPECT_EQ(all[0].first_name, "Ann");
    EXPECT_EQ(all[1].first_name, std::nullopt);
}

TEST(RowMapping, NamesTheMemberWithoutAColumn)
{
    const auto rows = make_result({{"id", oids::int8}, {"mail", oids::text}}, {});
    EXPECT_EQ(
        message_of<type_error>([&] { (void)map_rows<user>(rows); }),
        "no column for member \"email\" of tradecore::pg::row_mapping_test::user; columns: id, mail");
    const auto twice =
        make_result({{"id", oids::int8}, {"email", oids::text}, {"email", oids::text}, {"first_name", oids::text}}, {});
    EXPECT_EQ(
        message_of<type_error>([&] { (void)map_rows<user>(twice); }),
        "more than one column is called \"email\", which is a member of tradecore::pg::row_mapping_test::user");
}

TEST(RowMapping, ChecksTypesOnceAndWithoutRows)
{
    const auto rows = make_result({{"id", oids::numeric}, {"email", oids::text}, {"first_name", oids::text}}, {});
    EXPECT_EQ(
        message_of<type_error>([&] { (void)map_rows<user>(rows); }),
        "column \"id\" is of type numeric, which does not go into std::int64_t");
}

TEST(RowMapping, NamesTheColumnThatIsNull)
{
    const auto rows = make_result(
        {{"id", oids::int8}, {"email", oids::text}, {"first_name", oids::text}},
        {{big_endian<std::int64_t>(1), std::nullopt, std::nullopt}});
    EXPECT_EQ(
        message_of<type_error>([&] { (void)map_rows<user>(rows); }),
        "column \"email\" of type text as std::string: it is NULL; take a std::optional");
}

TEST(RowMapping, FillsTuplesAndPlainAggregatesByPosition)
{
    const auto rows = make_result({{"a", oids::int4}, {"b", oids::text}}, {{big_endian(3), "x"}});
    EXPECT_EQ((map_rows<std::tuple<int, std::string>>(rows)[0]), std::tuple(3, "x"));
    EXPECT_EQ((map_rows<std::pair<std::int64_t, std::optional<std::string>>>(rows)[0].second), "x");
    EXPECT_EQ(map_rows<plain>(rows)[0].name, "x");
    EXPECT_EQ(
        message_of<type_error>([&] { (void)map_rows<std::tuple<int>>(rows); }),
        "std::tuple<int> takes 1 columns, the statement returns 2: a, b");
    EXPECT_THROW((void)map_rows<plain>(one(oids::int4, big_endian(1))), type_error);
    EXPECT_THROW((void)map_rows<plain>(make_result({{"a", oids::int8}, {"b", oids::text}}, {})), type_error);
}

TEST(RowMapping, TakesScalarsFromTheOnlyColumn)
{
    EXPECT_EQ(map_rows<int>(one(oids::int4, big_endian(5))), std::vector<int>{5});
    EXPECT_EQ(map_rows<tradecore::uuid>(one(oids::uuid, std::string(16, '\0')))[0], tradecore::uuid{});
    EXPECT_EQ(
        (map_rows<std::vector<int>>(one(oids::int4_array, test::from_hex("000000000000000000000017")))),
        std::vector<std::vector<int>>(1));
    EXPECT_EQ(
        message_of<cardinality_error>([&] { (void)map_rows<int>(users()); }),
        "the statement returns 4 columns (email, added_later, id, first_name), expected exactly one");
}

TEST(RowMapping, TakesAtMostOneRow)
{
    EXPECT_EQ(map_optional_row<int>(one(oids::int4, big_endian(5))), 5);
    EXPECT_EQ(map_optional_row<int>(make_result({{"v", oids::int4}}, {})), std::nullopt);
    EXPECT_EQ(
        message_of<cardinality_error>([] { (void)map_optional_row<user>(users()); }),
        "the statement returned 2 rows, expected at most one");
}

TEST(RowMapping, TakesExactlyOneValue)
{
    const auto none = make_result({{"v", oids::int4}}, {});
    const auto two = make_result({{"v", oids::int4}}, {{big_endian(1)}, {big_endian(2)}});
    EXPECT_EQ(map_value<int>(one(oids::int4, big_endian(5))), 5);
    EXPECT_EQ(map_value<std::optional<int>>(none), std::nullopt);
    EXPECT_EQ(map_value<std::optional<int>>(one(oids::int4, std::nullopt)), std::nullopt);
    EXPECT_EQ(
        message_of<cardinality_error>([&] { (void)map_value<int>(none); }),
        "the statement returned no rows, expected exactly one");
    EXPECT_EQ(
        message_of<cardinality_error>([&] { (void)map_value<int>(two); }),
        "the statement returned 2 rows, expected exactly one");
    EXPECT_THROW((void)map_value<std::optional<int>>(two), cardinality_error);
    EXPECT_EQ(
        message_of<cardinality_error>([&] { (void)map_value<int>(one(oids::int4, std::nullopt)); }),
        "column \"v\" is NULL; fetch a std::optional to allow it");
    EXPECT_THROW((void)map_value<int>(users()), cardinality_error);
    EXPECT_THROW((void)map_value<int>(result()), cardinality_error);
}

TEST(RowMapping, ReadsDescribedStructsFromJsonAsValuesAndInTuples)
{
    EXPECT_EQ(map_value<settings>(one(oids::jsonb, "\1{\"theme\":\"dark\"}")).theme, "dark");
    const auto rows = make_result({{"id", oids::int4}, {"s", oids::json}}, {{big_endian(1), "{\"theme\":\"light\"}"}});
    EXPECT_EQ((std::get<1>(map_rows<std::tuple<int, settings>>(rows)[0]).theme), "light");
}

} // namespace
} // namespace tradecore::pg
