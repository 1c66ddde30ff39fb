// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/parameters.hpp>

#include <boost/describe/class.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <chrono>
#include <limits>
#include <list>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace parameters_test {

struct point {
    int x = 0;
    int y = 0;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y))

struct cents {
    std::int64_t count = 0;
};

} // namespace parameters_test

template <>
struct parameter_traits<parameters_test::cents> {
    static numeric convert(const parameters_test::cents& value) { return numeric::from_scaled(value.count, 2); }
};

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::message_of;
using test::to_hex;

// What Bind says of one parameter: "b:" or "t:" and the value, or "null".
struct bound {
    wire_format format = wire_format::binary;
    std::optional<std::string> bytes;
};

std::vector<bound> take_apart(const std::string& section)
{
    std::vector<bound> all(detail::load<std::uint16_t>(section.data()));
    std::size_t at = 2;
    for (auto& one : all) {
        one.format = static_cast<wire_format>(detail::load<std::int16_t>(section.data() + at));
        at += 2;
    }
    EXPECT_EQ(detail::load<std::uint16_t>(section.data() + at), all.size());
    at += 2;
    for (auto& one : all) {
        const auto length = detail::load<std::int32_t>(section.data() + at);
        at += 4;
        if (length >= 0) {
            one.bytes = section.substr(at, static_cast<std::size_t>(length));
            at += static_cast<std::size_t>(length);
        }
    }
    EXPECT_EQ(at, section.size());
    return all;
}

template <class T>
bound bound_as(const T& value, oid server)
{
    std::string out = "before";
    const std::array types = {server};
    parameters::encode(value).write_bind(out, types);
    EXPECT_TRUE(out.starts_with("before"));
    return take_apart(out.substr(6)).front();
}

template <class T>
std::string binary(const T& value, oid server)
{
    const auto one = bound_as(value, server);
    EXPECT_EQ(one.format, wire_format::binary);
    return one.bytes ? to_hex(*one.bytes) : "null";
}

template <class T>
std::string text(const T& value, oid server)
{
    const auto one = bound_as(value, server);
    EXPECT_EQ(one.format, wire_format::text);
    return one.bytes.value_or("null");
}

template <class T>
std::string refusal(const T& value, oid server)
{
    return message_of<argument_error>([&] { (void)bound_as(value, server); });
}

TEST(Parameters, KeepTheirNaturalType)
{
    EXPECT_EQ(binary(true, oids::bool_), "01");
    EXPECT_EQ(binary(std::int16_t{-2}, oids::int2), "fffe");
    EXPECT_EQ(binary(1, oids::int4), "00000001");
    EXPECT_EQ(binary(std::int64_t{1}, oids::int8), "0000000000000001");
    EXPECT_EQ(binary(std::uint64_t{1}, oids::int8), "0000000000000001");
    EXPECT_EQ(binary(std::uint32_t{4'000'000'000}, oids::int8), "00000000ee6b2800");
    EXPECT_EQ(binary(1.5F, oids::float4), "3fc00000");
    EXPECT_EQ(binary(0.1, oids::float8), "3fb999999999999a");
    EXPECT_EQ(binary("abc", oids::text), "616263");
    EXPECT_EQ(binary(std::string_view("abc"), oids::varchar), "616263");
    EXPECT_EQ(binary("abc"s, oids::bpchar), "616263");
    const char* pointer = "abc";
    EXPECT_EQ(binary(pointer, oids::text), "616263");
    EXPECT_EQ(binary("", oids::text), "");
    const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
    EXPECT_EQ(binary(bytes, oids::bytea), "00ff");
    EXPECT_EQ(binary(std::span<const std::byte>(bytes), oids::bytea), "00ff");
    EXPECT_EQ(binary(numeric::from_string("1.500"), oids::numeric), "000200000000000300011388");
    tradecore::uuid id{};
    id.data[15] = 1;
    EXPECT_EQ(binary(id, oids::uuid), "00000000000000000000000000000001");
    EXPECT_EQ(
        binary(std::chrono::sys_days(std::chrono::year(2024) / 1 / 31) + 12h + 500ms, oids::timestamptz),
        "0002b33b6319d120");
    EXPECT_EQ(binary(std::chrono::sys_days(std::chrono::year(2000) / 1 / 1), oids::date), "00000000");
}

TEST(Parameters, AreNullInEachForm)
{
    EXPECT_EQ(binary(nullptr, oids::int4), "null");
    EXPECT_EQ(binary(std::nullopt, oids::text), "null");
    EXPECT_EQ(binary(std::optional<int>(), oids::int4), "null");
    EXPECT_EQ(binary(std::optional<int>(1), oids::int4), "00000001");
}

TEST(Parameters, IntegersChangeWidthIfTheyFit)
{
    EXPECT_EQ(binary(std::int64_t{7}, oids::int2), "0007");
    EXPECT_EQ(binary(7, oids::int8), "0000000000000007");
    EXPECT_EQ(binary(7, oids::oid_), "00000007");
    EXPECT_EQ(binary(7, oids::xid8), "0000000000000007");
    EXPECT_EQ(binary(7, oids::numeric), "00010000000000000007");
    EXPECT_EQ(binary(7, oids::float8), "401c000000000000");
    EXPECT_EQ(refusal(70'000, oids::int2), "argument $1: 70000 does not fit int2");
    EXPECT_EQ(refusal(-1, oids::xid8), "argument $1: -1 does not fit xid8");
    EXPECT_EQ(
        refusal((std::int64_t{1} << 53) + 1, oids::float8), "argument $1: 9007199254740993 would be rounded in float8");
    EXPECT_EQ(binary(16'777'218, oids::float4), "4b800001");
    EXPECT_EQ(binary(std::int64_t{1} << 60, oids::float8), "43b0000000000000");
    EXPECT_EQ(binary(std::numeric_limits<std::int64_t>::min(), oids::float4), "df000000");
    EXPECT_EQ(refusal(16'777'217, oids::float4), "argument $1: 16777217 would be rounded in float4");
    EXPECT_EQ(
        refusal(std::numeric_limits<std::int64_t>::max(), oids::float8),
        "argument $1: 9223372036854775807 would be rounded in float8");
    EXPECT_EQ(refusal(1, oids::text), "argument $1: std::int32_t (int4) does not go into text");
    EXPECT_EQ(
        message_of<argument_error>([] { (void)parameters::encode(1, ~std::uint64_t{0}); }),
        "argument $2: 18446744073709551615 does not fit bigint; pass a numeric");
}

TEST(Parameters, NumbersWithAFractionConvertWhereNothingIsGuessed)
{
    EXPECT_EQ(binary(1.5, oids::float4), "3fc00000");
    EXPECT_EQ(binary(1.5F, oids::float8), "3ff8000000000000");
    EXPECT_EQ(binary(0.1, oids::numeric), to_hex(numeric::from_string("0.1").to_wire()));
    EXPECT_EQ(binary(0.1F, oids::numeric), to_hex(numeric::from_string("0.1").to_wire()));
    EXPECT_EQ(binary(std::numeric_limits<double>::infinity(), oids::float4), "7f800000");
    EXPECT_EQ(refusal(1e300, oids::float4), "argument $1: 1e+300 does not fit float4");
    EXPECT_EQ(refusal(1.0, oids::int4), "argument $1: double (float8) does not go into int4");
    EXPECT_EQ(binary(numeric::from_string("7.00"), oids::int4), "00000007");
    EXPECT_EQ(refusal(numeric::from_string("7.5"), oids::int4), "argument $1: 7.5 is no integer that fits int4");
    EXPECT_EQ(refusal(numeric(70'000), oids::int2), "argument $1: 70000 does not fit int2");
    EXPECT_EQ(
        refusal(numeric(1), oids::float8),
        "argument $1: tradecore::pg::numeric (numeric) does not go into float8: digits would be lost; pass a double");
}

TEST(Parameters, TextIsReadByTheServerForAnyTypeButBytes)
{
    EXPECT_EQ(text("2024-01-31", oids::date), "2024-01-31");
    EXPECT_EQ(text("1.5", oids::numeric), "1.5");
    EXPECT_EQ(text("{}", oids::jsonb), "{}");
    EXPECT_EQ(text("{1,2}", oids::int4_array), "{1,2}");
    EXPECT_EQ(text("active", 16'405), "active");
    EXPECT_EQ(
        refusal("x", oids::bytea),
        "argument $1: a string (text) does not go into bytea: pass bytes as a range of std::byte");
    EXPECT_EQ(
        message_of<argument_error>([] { (void)parameters::encode("fine", "a\0b"s); }),
        "argument $2: the text contains NUL, which PostgreSQL cannot store; pass bytes");
    const char* nothing = nullptr;
    EXPECT_THROW((void)parameters::encode(nothing), argument_error);
}

TEST(Parameters, TypesThatUsersCreatedGetText)
{
    EXPECT_EQ(text(42, 16'405), "42");
    EXPECT_EQ(text(true, 16'405), "true");
    EXPECT_EQ(text(0.1, 16'405), "0.1");
    EXPECT_EQ(text(numeric::from_string("1.50"), 16'405), "1.50");
    EXPECT_EQ(text(std::vector<std::byte>{std::byte{10}}, 16'405), "\\x0a");
    EXPECT_EQ(text(tradecore::timestamptz(0us), 16'405), "1970-01-01 00:00:00+00");
    EXPECT_EQ(text(tradecore::uuid{}, 16'405), "00000000-0000-0000-0000-000000000000");
    EXPECT_EQ(text(std::vector<int>{1, 2}, 16'405), R"({"1","2"})");
}

TEST(Parameters, InstantsDoNotGoWhereATimeZoneWouldBeGuessed)
{
    for (const auto type : {oids::timestamp, oids::date, oids::time}) {
        const auto message = refusal(tradecore::timestamptz(0us), type);
        EXPECT_NE(
            message.find("tradecore::timestamptz (timestamptz) does not go into " + type_name(type)),
            std::string::npos);
        EXPECT_NE(message.find("AT TIME ZONE"), std::string::npos) << message;
    }
    EXPECT_EQ(
        message_of<argument_error>([] { (void)parameters::encode(tradecore::timestamptz::min()); }),
        "argument $1: the instant is beyond the server's range");
    EXPECT_THROW(
        (void)parameters::encode(std::chrono::sys_time<std::chrono::hours>(std::chrono::hours::max())), argument_error);
}

TEST(Parameters, JsonAndDescribedStructsBecomeJson)
{
    const parameters_test::point point{1, 2};
    EXPECT_EQ(bound_as(point, oids::jsonb).bytes, "\1{\"x\":1,\"y\":2}");
    EXPECT_EQ(bound_as(point, oids::json).bytes, "{\"x\":1,\"y\":2}");
    EXPECT_EQ(bound_as(boost::json::value(nullptr), oids::jsonb).bytes, "\1null");
    EXPECT_EQ(bound_as(boost::json::object{{"a", 1}}, oids::jsonb).bytes, "\1{\"a\":1}");
    EXPECT_EQ(refusal(point, oids::int4), "argument $1: tradecore::pg::parameters_test::point does not go into int4");
    EXPECT_THROW((void)parameters::encode(boost::json::value("a\0b"s)), argument_error);
    EXPECT_NO_THROW((void)parameters::encode(boost::json::value("\\u0000")));
    EXPECT_THROW(
        (void)parameters::encode(boost::json::value{{"a", {1, std::numeric_limits<double>::infinity()}}}),
        argument_error);
}

TEST(Parameters, RangesBecomeArrays)
{
    EXPECT_EQ(
        binary(std::vector<std::optional<std::int16_t>>{1, std::nullopt, -3}, oids::int2_array),
        "0000000100000001000000150000000300000001000000020001ffffffff00000002fffd");
    EXPECT_EQ(
        binary(std::list<std::optional<std::string>>{"a", "b\"c", std::nullopt, ""}, oids::text_array),
        "0000000100000001000000190000000400000001000000016100000003622263ffffffff00000000");
    EXPECT_EQ(binary(std::vector<int>(), oids::int4_array), "000000000000000000000017");
    EXPECT_EQ(
        binary(std::array{std::int64_t{5}}, oids::int2_array), "000000010000000000000015000000010000000100000002"
                                                               "0005");
    EXPECT_EQ(
        binary(std::vector<bool>{true, false}, oids::bool_array), "000000010000000000000010000000020000000100000001"
                                                                  "01"
                                                                  "00000001"
                                                                  "00");
    const auto squares = std::views::iota(1, 3) | std::views::transform([](int i) { return i * i; });
    EXPECT_EQ(
        binary(squares, oids::int4_array), "000000010000000000000017000000020000000100000004"
                                           "00000001"
                                           "00000004"
                                           "00000004");
    EXPECT_EQ(text(std::vector<std::string>{"2024-01-31", "a\"b\\"}, oids::date_array), R"({"2024-01-31","a\"b\\"})");
    EXPECT_EQ(refusal(std::vector<int>{1, 70'000}, oids::int2_array), "argument $1: 70000 does not fit int2");
    EXPECT_EQ(
        refusal(std::vector<int>{1}, oids::int4),
        "argument $1: a range of std::int32_t (int4[]) does not go into int4");
    EXPECT_EQ(
        refusal(std::vector<bool>{true}, oids::int4_array),
        "argument $1: a range of bool (bool[]) does not go into int4[]");
}

TEST(Parameters, ArraysReadBack)
{
    const std::vector<numeric> prices = {numeric::from_string("1.50"), numeric::from_string("-0.001")};
    const auto wire = *bound_as(prices, oids::numeric_array).bytes;
    const auto read = test::read_as<std::vector<numeric>>(oids::numeric_array, wire);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].to_string(), "1.50");
    EXPECT_EQ(read[1].to_string(), "-0.001");
    const std::vector<parameters_test::point> points = {{1, 2}, {3, 4}};
    const auto json = *bound_as(points, oids::jsonb_array).bytes;
    EXPECT_EQ((test::read_as<std::vector<parameters_test::point>>(oids::jsonb_array, json))[1].y, 4);
}

TEST(Parameters, TypesOfTheUserConvert)
{
    using parameters_test::cents;
    EXPECT_EQ(binary(cents{1234}, oids::numeric), to_hex(numeric::from_string("12.34").to_wire()));
    EXPECT_EQ(text(std::optional<cents>(cents{5}), 16'405), "0.05");
    const std::vector<std::optional<cents>> some = {cents{1}, std::nullopt};
    EXPECT_EQ(text(some, 16'405), R"({"0.01",NULL})");
}

TEST(Parameters, OfTheWrongNumberAreRefusedAndLeaveTheMessageAlone)
{
    std::string out = "x";
    const std::array types = {oids::int4, oids::int4};
    EXPECT_EQ(
        message_of<argument_error>([&] { parameters::encode(1).write_bind(out, types); }),
        "the statement takes 2 arguments, 1 were given");
    EXPECT_THROW(parameters::encode(1, "x"s).write_bind(out, std::array{oids::int4, oids::bytea}), argument_error);
    EXPECT_EQ(out, "x");
    parameters().write_bind(out, {});
    EXPECT_EQ(to_hex(out), "7800000000");
}

TEST(Parameters, OwnWhatTheyWereGiven)
{
    parameters kept;
    {
        const std::string gone(1000, 'x');
        kept = parameters::encode(gone, std::vector<std::string>{"y"});
    }
    const auto moved = std::move(kept);
    std::string out;
    moved.write_bind(out, std::array{oids::text, oids::text_array});
    const auto all = take_apart(out);
    EXPECT_EQ(all[0].bytes, std::string(1000, 'x'));
    EXPECT_EQ(moved.size(), 2U);
}

TEST(Parameters, DescribeThemselvesForLogs)
{
    EXPECT_EQ(parameters::encode("active").describe(100), "'active'");
    EXPECT_EQ(
        parameters::encode("it's", 42, nullptr, true, numeric::from_string("1.50"), std::vector<int>{1, 2})
            .describe(100),
        R"('it''s', 42, NULL, true, 1.50, '{"1","2"}')");
    EXPECT_EQ(parameters::encode("a\nb\x01").describe(100), R"('a\nb\x01')");
    EXPECT_EQ(parameters::encode(std::string(1000, 'x')).describe(5), "'xxxx…");
    // Not in the middle of a character.
    EXPECT_EQ(parameters::encode("\xc3\xa4\xc3\xa4").describe(4), "'\xc3\xa4…");
    EXPECT_EQ(parameters().describe(10), "");
}

RC_GTEST_PROP(Parameters, TextSurvivesAnArrayLiteral, (std::vector<std::string> values))
{
    for (auto& value : values) {
        std::erase(value, '\0');
    }
    const auto literal = bound_as(values, oids::date_array);
    RC_ASSERT(literal.format == (wire_format::text));
    RC_ASSERT((test::read_as<std::vector<std::string>>(oids::text_array, literal.bytes, wire_format::text)) == values);
}

RC_GTEST_PROP(Parameters, IntegersGoThroughEachWidthTheyFit, (std::int64_t value))
{
    RC_ASSERT(test::read_as<std::int64_t>(oids::int8, bound_as(value, oids::int8).bytes) == value);
    RC_ASSERT(test::read_as<numeric>(oids::numeric, bound_as(value, oids::numeric).bytes).to_int64() == value);
    const auto small = static_cast<std::int16_t>(value);
    RC_ASSERT(test::read_as<std::int16_t>(oids::int2, bound_as(std::int64_t{small}, oids::int2).bytes) == small);
}

} // namespace
} // namespace tradecore::pg
