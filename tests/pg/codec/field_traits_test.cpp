// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/field.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace {

using namespace std::chrono_literals;
using test::big_endian;
using test::from_hex;
using test::message_of;
using test::read_as;

constexpr auto text = wire_format::text;

TEST(Field, ReadsIntegersThatAreNoWider)
{
    EXPECT_EQ(read_as<std::int16_t>(oids::int2, big_endian<std::int16_t>(-3)), -3);
    EXPECT_EQ(read_as<std::int32_t>(oids::int2, big_endian<std::int16_t>(-3)), -3);
    EXPECT_EQ(read_as<std::int64_t>(oids::int4, big_endian<std::int32_t>(-70'000)), -70'000);
    EXPECT_EQ(read_as<std::int64_t>(oids::oid_, big_endian<std::uint32_t>(4'000'000'000)), 4'000'000'000);
    EXPECT_EQ(read_as<std::uint64_t>(oids::xid8, big_endian(~std::uint64_t{0})), ~std::uint64_t{0});
    EXPECT_EQ(
        read_as<std::int64_t>(oids::int8, "-9223372036854775808", text), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<std::int32_t>(oids::int8, big_endian<std::int64_t>(1)); }),
        "column \"v\" is of type int8, which does not go into std::int32_t");
    EXPECT_THROW((void)read_as<std::int64_t>(oids::xid8, big_endian(~std::uint64_t{0})), type_error);
    EXPECT_THROW((void)read_as<std::int32_t>(oids::int4, "12x", text), type_error);
    EXPECT_THROW((void)read_as<std::int32_t>(oids::int4, "2147483648", text), type_error);
}

TEST(Field, ReadsTheOtherScalarsInBothFormats)
{
    EXPECT_TRUE(read_as<bool>(oids::bool_, std::string("\1")));
    EXPECT_FALSE(read_as<bool>(oids::bool_, "f", text));
    EXPECT_EQ(read_as<float>(oids::float4, from_hex("3fc00000")), 1.5F);
    EXPECT_EQ(read_as<double>(oids::float4, from_hex("3fc00000")), 1.5);
    EXPECT_EQ(read_as<double>(oids::float8, from_hex("3fb999999999999a")), 0.1);
    EXPECT_EQ(read_as<double>(oids::float8, "-Infinity", text), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(read_as<std::string>(oids::varchar, "x"), "x");
    EXPECT_EQ(read_as<std::string>(oids::jsonb, from_hex("017b7d")), "{}");
    EXPECT_EQ(read_as<std::string>(oids::int4, "42", text), "42");
    EXPECT_EQ(
        (read_as<std::vector<std::byte>>(oids::bytea, std::string("\0\xff", 2))),
        (std::vector<std::byte>{std::byte{0}, std::byte{255}}));
    EXPECT_EQ(
        (read_as<std::vector<std::byte>>(oids::bytea, "\\x00ff", text)),
        (std::vector<std::byte>{std::byte{0}, std::byte{255}}));
    EXPECT_EQ(
        read_as<tradecore::uuid>(oids::uuid, from_hex("550e8400e29b41d4a716446655440000")),
        read_as<tradecore::uuid>(oids::uuid, "550e8400-e29b-41d4-a716-446655440000", text));
    EXPECT_EQ(read_as<numeric>(oids::numeric, from_hex("000200000000000300011388")).to_string(), "1.500");
    EXPECT_EQ(read_as<numeric>(oids::numeric, "1.500", text).to_string(), "1.500");
    EXPECT_EQ(read_as<numeric>(oids::int4, big_endian<std::int32_t>(7)).to_string(), "7");
}

TEST(Field, NullNeedsAnOptional)
{
    EXPECT_EQ(read_as<std::optional<int>>(oids::int4, std::nullopt), std::nullopt);
    EXPECT_EQ(read_as<std::optional<int>>(oids::int4, big_endian(5)), 5);
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<int>(oids::int4, std::nullopt); }),
        "column \"v\" of type int4 as std::int32_t: it is NULL; take a std::optional");
    // The type is checked even where the value is NULL.
    EXPECT_THROW((void)read_as<std::optional<int>>(oids::text, std::nullopt), type_error);
}

TEST(Field, SaysWhyAForeignTypeIsRefused)
{
    EXPECT_EQ(
        message_of<type_error>(
            [] { (void)read_as<tradecore::timestamptz>(oids::timestamp, big_endian<std::int64_t>(0)); }),
        "column \"v\" is of type timestamp, which does not go into tradecore::timestamptz; it has no time zone, say "
        "which one with AT TIME ZONE");
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<std::string>(16'405, "active"); }),
        "column \"v\" is of type type 16405, which does not go into std::string; cast it to a built-in type in the "
        "SQL, such as text");
}

TEST(Field, RefusesBytesOfTheWrongLength)
{
    for (const auto& bytes : {std::string(), std::string("\0\0\0", 3), std::string(5, '\0')}) {
        EXPECT_THROW((void)read_as<std::int32_t>(oids::int4, bytes), type_error);
        EXPECT_THROW((void)read_as<bool>(oids::bool_, bytes), type_error);
        EXPECT_THROW((void)read_as<double>(oids::float8, bytes), type_error);
        EXPECT_THROW((void)read_as<tradecore::uuid>(oids::uuid, bytes), type_error);
        EXPECT_THROW((void)read_as<tradecore::timestamptz>(oids::timestamptz, bytes), type_error);
        EXPECT_THROW((void)read_as<numeric>(oids::numeric, bytes), type_error);
        EXPECT_THROW((void)read_as<std::vector<int>>(oids::int4_array, bytes), type_error);
        EXPECT_THROW((void)read_as<std::string>(oids::jsonb, bytes), type_error);
    }
}

TEST(Timestamptz, HasTheServersBytesAndText)
{
    const auto first_bc = tradecore::timestamptz(std::chrono::sys_days(std::chrono::year(0) / 12 / 31)) + 86'399s;
    const std::vector<std::tuple<const char*, const char*, tradecore::timestamptz>> table = {
        {"0002b33b6319d120", "2024-01-31 12:00:00.5+00",
         std::chrono::sys_days(std::chrono::year(2024) / 1 / 31) + 12h + 500ms},
        {"fffca2fec4c81fff", "1969-12-31 23:59:59.999999+00", tradecore::timestamptz(-1us)},
        {"ff1fe2ffc58d1dc0", "0001-12-31 23:59:59+00 BC", first_bc},
        {"000004a2e0a32000", "2000-02-29 00:00:00+00", std::chrono::sys_days(std::chrono::year(2000) / 2 / 29)},
        {"7ffca2fec4c81fff", "294247-01-10 04:00:54.775807+00", tradecore::timestamptz::max()},
    };
    for (const auto& [wire, printed, instant] : table) {
        EXPECT_EQ(read_as<tradecore::timestamptz>(oids::timestamptz, from_hex(wire)), instant) << printed;
        EXPECT_EQ(read_as<tradecore::timestamptz>(oids::timestamptz, printed, text), instant) << printed;
        EXPECT_EQ(detail::timestamptz_to_text(instant), printed);
        EXPECT_EQ(detail::timestamptz_to_wire(instant), detail::load<std::int64_t>(from_hex(wire).data())) << printed;
    }
}

TEST(Timestamptz, RefusesByNameWhatIsNoInstantOrDoesNotFit)
{
    const auto read = [](const char* wire) {
        return message_of<type_error>(
            [&] { (void)read_as<tradecore::timestamptz>(oids::timestamptz, from_hex(wire)); });
    };
    const std::string prefix = "column \"v\" of type timestamptz as tradecore::timestamptz: ";
    EXPECT_EQ(read("7fffffffffffffff"), prefix + "infinity is no instant");
    EXPECT_EQ(read("8000000000000000"), prefix + "-infinity is no instant");
    EXPECT_EQ(read("7fffff5bb3a35dc0"), prefix + "the instant does not fit"); // 294276-12-31 23:59:59
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<tradecore::timestamptz>(oids::timestamptz, "-infinity", text); }),
        prefix + "-infinity is no instant");
    EXPECT_FALSE(detail::timestamptz_to_wire(tradecore::timestamptz::min()));
}

TEST(Timestamptz, ReadsOffsetsAndRefusesOtherTexts)
{
    const auto noon = std::chrono::sys_days(std::chrono::year(2024) / 1 / 31) + 12h;
    EXPECT_EQ(detail::timestamptz_from_text("2024-01-31 17:30:00+05:30"), noon);
    EXPECT_EQ(detail::timestamptz_from_text("2024-01-31 07:00:00-05"), noon);
    EXPECT_EQ(detail::timestamptz_from_text("2024-01-31T12:00:00Z"), noon);
    EXPECT_EQ(detail::timestamptz_from_text("2024-01-31 12:19:32+00:19:32"), noon);
    for (const auto* const wrong :
         {"", "2024-01-31", "2024-01-31 12:00:00", "31.01.2024 12:00:00 CET", "2024-02-30 00:00:00+00",
          "2024-13-01 00:00:00+00", "2024-01-31 24:00:00+00", "2024-01-31 12:00:00+00x",
          "2024-01-31 12:00:00.1234567+00", "294277-01-09 00:00:00+00", "0000-01-01 00:00:00+00"}) {
        EXPECT_FALSE(detail::timestamptz_from_text(wrong)) << wrong;
    }
}

RC_GTEST_PROP(Timestamptz, TextAndWireReadBack, (std::int64_t micros))
{
    const tradecore::timestamptz instant{std::chrono::microseconds(micros)};
    const auto wire = detail::timestamptz_to_wire(instant);
    RC_PRE(wire.has_value());
    RC_ASSERT(detail::timestamptz_from_wire(*wire) == instant);
    RC_ASSERT(detail::timestamptz_from_text(detail::timestamptz_to_text(instant)) == instant);
}

TEST(Arrays, ReadTheServersBytes)
{
    using optional_ints = std::vector<std::optional<std::int16_t>>;
    EXPECT_EQ(
        (read_as<optional_ints>(
            oids::int2_array, from_hex("0000000100000001000000150000000300000001000000020001ffffffff00000002fffd"))),
        (optional_ints{1, std::nullopt, -3}));
    using optional_texts = std::vector<std::optional<std::string>>;
    EXPECT_EQ(
        (read_as<optional_texts>(
            oids::text_array,
            from_hex("0000000100000001000000190000000400000001000000016100000003622263ffffffff00000000"))),
        (optional_texts{"a", "b\"c", std::nullopt, ""}));
    EXPECT_EQ((read_as<std::vector<int>>(oids::int4_array, from_hex("000000000000000000000017"))), std::vector<int>());
    EXPECT_EQ(
        (read_as<std::vector<std::int64_t>>(
            oids::int2_array, from_hex("000000010000000000000015000000010000000100000002fffd"))),
        std::vector<std::int64_t>{-3});
}

TEST(Arrays, ReadTheServersText)
{
    EXPECT_EQ((read_as<std::vector<int>>(oids::int4_array, "{1,2}", text)), (std::vector<int>{1, 2}));
    EXPECT_EQ((read_as<std::vector<int>>(oids::int4_array, "[2:3]={1,2}", text)), (std::vector<int>{1, 2}));
    EXPECT_EQ((read_as<std::vector<int>>(oids::int4_array, "{}", text)), std::vector<int>());
    using optional_texts = std::vector<std::optional<std::string>>;
    EXPECT_EQ(
        (read_as<optional_texts>(oids::text_array, R"({"a b",NULL,"NULL","c\\d",""})", text)),
        (optional_texts{"a b", std::nullopt, "NULL", "c\\d", ""}));
    for (const auto* const wrong : {"", "{", "}", "{1", "1,2", "{,}", "{1,}", "{\"a}", "{1}2}", "[1:2]", "{\"a\"b}"}) {
        EXPECT_THROW((void)read_as<std::vector<std::string>>(oids::text_array, wrong, text), type_error) << wrong;
    }
}

TEST(Arrays, RefuseNullsDimensionsAndForeignElementsByName)
{
    const auto two =
        from_hex("000000020000000000000017000000020000000100000002000000010000000400000001000000040000000200"
                 "000004000000030000000400000004");
    EXPECT_EQ(
        message_of<type_error>([&] { (void)read_as<std::vector<int>>(oids::int4_array, two); }),
        "column \"v\" of type int4[] as std::vector<std::int32_t>: the array has 2 dimensions");
    EXPECT_THROW((void)read_as<std::vector<int>>(oids::int4_array, "{{1},{2}}", text), type_error);
    EXPECT_THROW(
        (void)read_as<std::vector<std::int16_t>>(
            oids::int2_array, from_hex("0000000100000001000000150000000300000001000000020001ffffffff00000002fffd")),
        type_error);
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<std::vector<int>>(oids::int8_array, from_hex("00")); }),
        "column \"v\" is of type int8[], which does not go into std::vector<std::int32_t>");
    EXPECT_EQ(
        message_of<type_error>(
            [] { (void)read_as<std::vector<int>>(oids::int4_array, from_hex("000000000000000000000019")); }),
        "column \"v\" of type int4[] as std::vector<std::int32_t>: the elements are of type text");
}

TEST(Arrays, RefuseAbsurdCountsWithoutTakingMemory)
{
    for (const auto* const wrong : {
             "00000001000000000000001 7 7fffffff 00000001",         // two thousand million elements, none there
             "000000010000000000000017 ffffffff 00000001",          // a negative number
             "ffffffff0000000000000017",                            // negative dimensions
             "000000010000000000000017 00000001 00000001 7fffffff", // an element longer than the rest
             "000000010000000000000017 00000001 00000001 fffffffe", // a length below -1
             "000000010000000000000017 00000001 00000001 0000000400000001 00", // bytes after the end
             "000000000000000000000017 00",
         }) {
        EXPECT_THROW((void)read_as<std::vector<std::optional<int>>>(oids::int4_array, from_hex(wrong)), type_error)
            << wrong;
    }
}

RC_GTEST_PROP(Arrays, AnyBytesAreReadOrRefused, (const std::string& bytes, bool in_text))
{
    try {
        (void)read_as<std::vector<std::optional<std::string>>>(
            oids::text_array, bytes, in_text ? wire_format::text : wire_format::binary);
    }
    catch (const type_error& error) {
        RC_ASSERT(std::string(error.what()).find("column \"v\"") == 0);
    }
}

} // namespace
} // namespace tradecore::pg
