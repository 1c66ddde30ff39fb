// SPDX-License-Identifier: Apache-2.0
#include "pg/support/user_types.hpp"

#include <tradecore/pg/enum_labels.hpp>
#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore::pg {
namespace user_parameters_test {

BOOST_DEFINE_ENUM_CLASS(mood, calm, wild)

enum class spelled { calm, wild };

struct address {
    std::optional<spelled> m;
    std::string street;
    std::optional<std::int64_t> zip;
};
BOOST_DESCRIBE_STRUCT(address, (), (m, street, zip))

struct person {
    std::string name;
    std::optional<address> home;
    std::vector<std::optional<address>> others;
};
BOOST_DESCRIBE_STRUCT(person, (), (name, home, others))

struct misfit {
    std::string street;
};
BOOST_DESCRIBE_STRUCT(misfit, (), (street))

/// All that JSON has.
struct everything {
    bool yes = true;
    std::int16_t small = -1;
    std::uint64_t large = std::numeric_limits<std::uint64_t>::max();
    double precise = 0.1;
    float single = 1.5F;
    std::string words = "a\"b\n\xc3\xa4";
    mood described = mood::wild;
    spelled only_spelled = spelled::wild;
    tradecore::uuid id{};
    tradecore::timestamptz at{};
    numeric price = numeric::from_string("1.50");
    std::optional<int> nothing{};
    std::vector<std::optional<int>> numbers = {1, std::nullopt};
    std::vector<std::vector<int>> grid = {{1, 2}, {3, 4}};
    std::vector<std::vector<int>> ragged = {{1}, {2, 3}, {}};
    std::vector<std::vector<int>> empty{};
    std::map<std::string, double> tags = {{"x", 1.0}};
    std::vector<misfit> structs = {{"s"}, {"t"}};
    boost::json::value free = {1, nullptr, "x"};
    std::list<int> listed = {1};
};
BOOST_DESCRIBE_STRUCT(
    everything, (),
    (yes, small, large, precise, single, words, described, only_spelled, id, at, price, nothing, numbers, grid, ragged,
     empty, tags, structs, free, listed))

struct with_bytes {
    std::vector<std::byte> bytes;
};
BOOST_DESCRIBE_STRUCT(with_bytes, (), (bytes))

struct measured {
    double value = 0;
};
BOOST_DESCRIBE_STRUCT(measured, (), (value))

struct cube {
    std::int32_t side = 0;
};

} // namespace user_parameters_test

template <>
struct enum_labels<user_parameters_test::spelled> {
    static constexpr std::pair<user_parameters_test::spelled, std::string_view> values[] = {
        {user_parameters_test::spelled::calm, "calm"},
        {user_parameters_test::spelled::wild, "wild thing"},
    };
};

template <>
struct parameter_traits<user_parameters_test::cube> {
    static constexpr std::string_view type_name = "cube";
    static void encode(const user_parameters_test::cube& value, parameter_writer& to) { to.append(value.side); }
};

namespace {

using test::from_hex;
using test::message_of;
using test::to_hex;
using user_parameters_test::address;
using user_parameters_test::mood;
using user_parameters_test::person;
using user_parameters_test::spelled;

struct bound {
    wire_format format = wire_format::binary;
    std::string bytes;
};

template <class T>
bound bound_as(const T& value, oid server)
{
    std::string out;
    const auto format = parameters::encode(value).write_value(out, 0, {server, test::user_types().get()});
    EXPECT_GE(detail::load<std::int32_t>(out), 0);
    return {format, out.substr(4)};
}

template <class T>
std::string binary(const T& value, oid server)
{
    const auto one = bound_as(value, server);
    EXPECT_EQ(one.format, wire_format::binary) << one.bytes;
    return to_hex(one.bytes);
}

template <class T>
std::string text(const T& value, oid server)
{
    const auto one = bound_as(value, server);
    EXPECT_EQ(one.format, wire_format::text) << to_hex(one.bytes);
    return one.bytes;
}

template <class T>
std::string refusal(const T& value, oid server)
{
    return message_of<argument_error>([&] { (void)bound_as(value, server); });
}

std::string hex(std::string_view blanks)
{
    return to_hex(from_hex(blanks));
}

TEST(EnumArgument, IsItsLabel)
{
    EXPECT_EQ(bound_as(spelled::wild, test::mood).bytes, "wild thing");
    EXPECT_EQ(binary(mood::calm, test::mood), to_hex("calm"));
    EXPECT_EQ(binary(spelled::wild, oids::text), to_hex("wild thing"));
    EXPECT_EQ(
        binary(std::vector{spelled::calm}, test::mood_array),
        hex("00000001 00000000 0000405d 00000001 00000001 00000004 63616c6d"));
    EXPECT_EQ(text(spelled::calm, 99'999), "calm");
    EXPECT_EQ(
        refusal(mood::wild, test::mood),
        "argument $1: \"wild\" of tradecore::pg::user_parameters_test::mood is no label of enum mood");
    EXPECT_EQ(
        refusal(mood::wild, oids::int4),
        "argument $1: tradecore::pg::user_parameters_test::mood does not go into int4");
    EXPECT_EQ(
        message_of<argument_error>([] { (void)parameters::encode(static_cast<spelled>(7)); }),
        "argument $1: 7 is no labelled value of tradecore::pg::user_parameters_test::spelled");
    EXPECT_EQ(bound_as("calm", test::mood).bytes, "calm");
}

TEST(CompositeArgument, HasItsAttributesInTheServersOrder)
{
    const address home{spelled::wild, "Main \"St\"", 12'345};
    EXPECT_EQ(
        binary(home, test::address),
        hex("00000003 00000019 00000009 4d61696e2022537422 00004065 00000004 00003039 0000405d 0000000a "
            "77696c64207468696e67"));
    EXPECT_EQ(
        binary(address{std::nullopt, "", std::nullopt}, test::address),
        hex("00000003 00000019 00000000 00004065 ffffffff 0000405d ffffffff"));
    const person all{"x", address{spelled::calm, "s", 1}, {address{spelled::calm, "s", 1}, std::nullopt}};
    EXPECT_EQ(
        binary(all, test::person),
        hex("00000003 00000019 00000001 78 00004068 00000025 00000003 00000019 00000001 73 00004065 00000004 00000001 "
            "0000405d 00000004 63616c6d 00004067 00000041 00000001 00000001 00004068 00000002 00000001 00000025 "
            "00000003 00000019 00000001 73 00004065 00000004 00000001 0000405d 00000004 63616c6d ffffffff"));
}

TEST(CompositeArgument, IsATupleByPosition)
{
    EXPECT_EQ(
        binary(std::tuple("s", 7, std::optional<spelled>()), test::address),
        hex("00000003 00000019 00000001 73 00004065 00000004 00000007 0000405d ffffffff"));
    EXPECT_EQ(
        binary(std::vector{std::tuple("s", nullptr == nullptr ? 7 : 0, spelled::calm)}, test::address_array),
        hex("00000001 00000000 00004068 00000001 00000001 00000025 00000003 00000019 00000001 73 00004065 00000004 "
            "00000007 0000405d 00000004 63616c6d"));
    EXPECT_NE(
        refusal(std::pair("s", 7), test::address).find("has 2 elements, composite address has 3 attributes"),
        std::string::npos);
}

TEST(CompositeArgument, GoesInTextWhereAPartDoes)
{
    // The zip code as text, which only the server's input function reads.
    EXPECT_EQ(text(std::tuple("a \"b\" \\", "7", std::optional<spelled>()), test::address), R"_(("a \"b\" \\","7",))_");
    const std::vector<std::tuple<std::string, std::string, spelled>> some = {{"s", "7", spelled::wild}};
    EXPECT_EQ(text(some, test::address_array), R"_({"(\"s\",\"7\",\"wild thing\")"})_");
    // An array literal in a row literal.
    const std::vector<std::optional<std::string>> items = {"a{b,\"c", std::nullopt};
    EXPECT_EQ(
        text(std::tuple("x", std::optional<address>(), std::vector{std::tuple("s", "1", "calm")}), test::person),
        R"_(("x",,"{\"(\\\"s\\\",\\\"1\\\",\\\"calm\\\")\"}"))_");
}

TEST(CompositeArgument, SaysWhatDoesNotFit)
{
    EXPECT_EQ(
        refusal(user_parameters_test::misfit{"s"}, test::address),
        "argument $1: tradecore::pg::user_parameters_test::misfit has no member for attribute \"zip\" of composite "
        "address");
    EXPECT_EQ(
        refusal(address{std::nullopt, "s", 5'000'000'000}, test::address), "argument $1: 5000000000 does not fit int4");
    EXPECT_EQ(
        refusal(std::tuple("s", true, "calm"), test::address), "argument $1: bool (bool) does not go into domain zip2");
    EXPECT_EQ(
        refusal(address{}, oids::record),
        "argument $1: tradecore::pg::user_parameters_test::address does not go into record: cast the parameter to a "
        "composite type in the SQL");
    EXPECT_NE(refusal(address{}, test::mood).find("does not go into enum mood"), std::string::npos);
}

TEST(StructArgument, IsTheSameJsonAsBefore)
{
    const user_parameters_test::everything all;
    const auto expected = boost::json::serialize(to_json(all));
    EXPECT_EQ(bound_as(all, oids::jsonb).bytes, "\1" + expected);
    EXPECT_EQ(bound_as(all, oids::json).bytes, expected);
    EXPECT_EQ(parameters::encode(all).describe(10'000), "'" + expected + "'");
}

TEST(StructArgument, NamesWhatJsonCannotSayOnlyWhenJsonIsWanted)
{
    const auto nan = parameters::encode(user_parameters_test::measured{std::nan("")});
    std::string out;
    EXPECT_EQ(
        message_of<argument_error>([&] { (void)nan.write_value(out, 0, oids::jsonb); }),
        "argument $1: value: JSON has no NaN");
    EXPECT_EQ(out, "");
    const auto bytes = parameters::encode(user_parameters_test::with_bytes{{std::byte{1}}});
    EXPECT_EQ(
        message_of<argument_error>([&] { (void)bytes.write_value(out, 0, oids::jsonb); }),
        "argument $1: bytes: the value has no JSON");
    EXPECT_EQ(nan.describe(100), "'tradecore::pg::user_parameters_test::measured'");
}

TEST(DomainArgument, IsOfItsBase)
{
    EXPECT_EQ(binary(7, test::zip2), hex("00000007"));
    EXPECT_EQ(binary(std::int64_t{7}, test::zip2), hex("00000007"));
    EXPECT_EQ(refusal(true, test::zip2), "argument $1: bool (bool) does not go into domain zip2");
    EXPECT_EQ(
        binary(std::vector{7}, test::numbers), hex("00000001 00000000 00000017 00000001 00000001 00000004 00000007"));
    EXPECT_EQ(
        binary(std::vector{array<int>(std::vector{7}), array<int>()}, test::numbers_array),
        hex("00000001 00000000 00004075 00000002 00000001 0000001c 00000001 00000000 00000017 00000001 00000001 "
            "00000004 00000007 0000000c 00000000 00000000 00000017"));
}

TEST(ArrayArgument, HasAsManyDimensionsAsRangesLieInEachOther)
{
    const std::vector<std::list<std::optional<int>>> grid = {{1, std::nullopt}, {3, 4}};
    EXPECT_EQ(
        binary(grid, oids::int4_array),
        hex("00000002 00000001 00000017 00000002 00000001 00000002 00000001 00000004 00000001 ffffffff 00000004 "
            "00000003 00000004 00000004"));
    EXPECT_EQ(text(std::vector<std::vector<std::string>>{{"a", "b"}}, oids::date_array), R"({{"a","b"}})");
    EXPECT_EQ(binary(std::vector<std::vector<int>>{{}, {}}, oids::int4_array), hex("00000000 00000000 00000017"));
    EXPECT_EQ(
        message_of<argument_error>(
            [] { (void)parameters::encode(1, std::vector<std::vector<std::vector<int>>>{{{1}, {2}}, {{3}, {4, 5}}}); }),
        "argument $2: element [1][1] has 2 elements where element [0][0] has 1: arrays of SQL are rectangular");
    const std::array<int, 2> fixed = {1, 2};
    const auto flat = hex("00000001 00000000 00000017 00000002 00000001 00000004 00000001 00000004 00000002");
    EXPECT_EQ(binary(fixed, oids::int4_array), flat);
    EXPECT_EQ(binary(std::span<const int>(fixed), oids::int4_array), flat);
    EXPECT_EQ(
        binary(std::vector{1, 2}, oids::int2vector),
        hex("00000001 00000000 00000015 00000002 00000000 00000002 0001 00000002 0002"));
}

TEST(ArrayArgument, KeepsItsBounds)
{
    const array<std::optional<int>> shifted({1, std::nullopt, 3, 4}, {{2, 0}, {2, 2}});
    EXPECT_EQ(
        binary(shifted, oids::int4_array),
        hex("00000002 00000001 00000017 00000002 00000000 00000002 00000002 00000004 00000001 ffffffff 00000004 "
            "00000003 00000004 00000004"));
    const array<std::string> dates({"a", "b"}, {{2, -1}});
    EXPECT_EQ(text(dates, oids::date_array), R"([-1:0]={"a","b"})");
    EXPECT_EQ(
        message_of<argument_error>([] { (void)parameters::encode(array<int>({1, 2, 3}, {{2, 1}, {2, 1}})); }),
        "argument $1: the array's dimensions do not hold its 3 elements");
    EXPECT_THROW((void)parameters::encode(array<int>({}, {{-1, 1}})), argument_error);
}

TEST(ArrayArgument, HasItsTypesDelimiterInText)
{
    const std::vector<std::string> boxes = {"(1,1),(0,0)", "(2,2),(0,0)"};
    const auto* const literal = R"_({"(1,1),(0,0)";"(2,2),(0,0)"})_";
    EXPECT_EQ(text(boxes, oids::box_array), literal);
    EXPECT_EQ(text(boxes, test::boxes_array), literal);
}

TEST(NamedArgument, GoesToTheTypeOfThatName)
{
    EXPECT_EQ(binary(user_parameters_test::cube{3}, test::cube), hex("00000003"));
    EXPECT_EQ(
        refusal(user_parameters_test::cube{3}, test::mood),
        "argument $1: tradecore::pg::user_parameters_test::cube does not go into enum mood");
}

TEST(TextArgument, GoesToAnyType)
{
    EXPECT_EQ(text("(1,2,3)", test::cube), "(1,2,3)");
    EXPECT_EQ(text("(a,1,calm)", test::address), "(a,1,calm)");
    EXPECT_EQ(text("{calm}", test::mood_array), "{calm}");
    EXPECT_EQ(text("7", test::zip2), "7");
    EXPECT_EQ(text(std::vector{"(a,1,calm)"}, test::address_array), R"_({"(a,1,calm)"})_");
    EXPECT_EQ(text("{}", test::acl_pair), "{}");
}

RC_GTEST_PROP(
    CompositeArgument, ReadsBack, (std::int32_t number, bool has_zip, std::string street, bool has_mood, bool in_text))
{
    std::erase(street, '\0');
    const auto zip = has_zip ? std::optional<std::int64_t>(number) : std::nullopt;
    const auto digits = has_zip ? std::optional(std::to_string(number)) : std::nullopt;
    const auto m = has_mood ? std::optional(spelled::wild) : std::nullopt;
    // A number that is text makes the whole a literal.
    const auto one = in_text ? bound_as(std::tuple(street, digits, m), test::address)
                             : bound_as(address{m, street, zip}, test::address);
    RC_ASSERT(one.format == (in_text && zip ? wire_format::text : wire_format::binary));
    using read = std::tuple<std::string, std::optional<std::int32_t>, std::optional<spelled>>;
    const auto back = test::read_user<read>(test::address, one.bytes, one.format);
    RC_ASSERT(std::get<0>(back) == street);
    RC_ASSERT(std::get<1>(back) == zip);
    RC_ASSERT(std::get<2>(back) == m);
}

RC_GTEST_PROP(ArrayArgument, ReadsBack, (std::vector<std::string> values, std::int8_t lower, bool in_text))
{
    RC_PRE(!values.empty());
    for (auto& value : values) {
        std::erase(value, '\0');
    }
    const array<std::string> sent(values, {{1, 1}, {static_cast<std::int32_t>(values.size()), lower}});
    const auto one = bound_as(sent, in_text ? oids::date_array : oids::text_array);
    RC_ASSERT(one.format == (in_text ? wire_format::text : wire_format::binary));
    RC_ASSERT((test::read_user<array<std::string>>(oids::text_array, one.bytes, one.format) == sent));
}

} // namespace
} // namespace tradecore::pg
