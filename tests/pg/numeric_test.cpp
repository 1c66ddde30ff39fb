// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/numeric.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace {

using test::from_hex;
using test::to_hex;

struct vector_of_wire {
    const char* text;
    const char* wire;
    const char* printed;
};

// What numeric_send of PostgreSQL 15 gives for each text.
const std::vector<vector_of_wire> vectors = {
    {"0", "0000000000000000", "0"},
    {"0.00", "0000000000000002", "0.00"},
    {"-0.00", "0000000000000002", "0.00"},
    {"1.500", "000200000000000300011388", "1.500"},
    {"-12345.678", "0003000140000003000109291a7c", "-12345.678"},
    {"10000", "00010001000000000001", "10000"},
    {"0.0001", "0001ffff000000040001", "0.0001"},
    {"0.00001", "0001fffe0000000503e8", "0.00001"},
    {"99999999.9999", "0003000100000004270f270f270f", "99999999.9999"},
    {"1e10", "00010002000000000064", "10000000000"},
    {"1.5e-3", "0001ffff00000004000f", "0.0015"},
    {"123456789012345678901234567890.12345", "000a000700000005000c0d801ed204d2162e23340d801ed204d21388",
     "123456789012345678901234567890.12345"},
};

TEST(Numeric, HasTheServersBytesAndText)
{
    for (const auto& [text, wire, printed] : vectors) {
        const auto value = numeric::from_string(text);
        EXPECT_EQ(to_hex(value.to_wire()), wire) << text;
        EXPECT_EQ(value.to_string(), printed) << text;
        const auto read = numeric::from_wire(from_hex(wire));
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(read->to_string(), printed) << text;
        EXPECT_EQ(to_hex(read->to_wire()), wire) << text;
    }
}

TEST(Numeric, KnowsTheServersSpecialValues)
{
    EXPECT_EQ(numeric::from_wire(from_hex("00000000c0000000"))->to_string(), "NaN");
    EXPECT_EQ(numeric::from_wire(from_hex("00000000d0000020"))->to_string(), "Infinity");
    EXPECT_EQ(numeric::from_wire(from_hex("00000000f0000020"))->to_string(), "-Infinity");
    EXPECT_TRUE(numeric::from_string("nan").is_nan());
    EXPECT_EQ(numeric::from_string("-inf").to_string(), "-Infinity");
    EXPECT_EQ(numeric::from_string("+Infinity").to_string(), "Infinity");
    EXPECT_EQ(to_hex(numeric::nan().to_wire()), "00000000c0000000");
    EXPECT_FALSE(numeric::nan().to_int64());
    EXPECT_FALSE(numeric::infinity().to_scaled(2));
}

TEST(Numeric, ReadsAndRefusesAsTheServerDoes)
{
    EXPECT_EQ(numeric::from_string(" 5. ").to_string(), "5");
    EXPECT_EQ(numeric::from_string(".5").to_string(), "0.5");
    EXPECT_EQ(numeric::from_string("1.5e5").to_string(), "150000");
    EXPECT_EQ(numeric::from_string("0e200000").to_string(), "0");
    EXPECT_TRUE(numeric::parse("1e131071"));
    EXPECT_TRUE(numeric::parse("1e-16383"));
    for (const auto* const text :
         {"", " ", ".", "1e", "1_000", "--1", "+ 1", "1 2", "+NaN", "infinit", "0x10", "1e131072", "1e-16384",
          "0e-16384", "1e99999999999999999999", "-", "1.2.3", "12a"}) {
        EXPECT_FALSE(numeric::parse(text)) << text;
    }
    EXPECT_EQ(
        test::message_of<type_error>([] { (void)numeric::from_string("12a"); }),
        "\"12a\" is no numeric, or beyond its limits");
}

TEST(Numeric, RefusesMalformedBytes)
{
    for (const auto* const wire : {
             "",
             "000000000000",           // too short
             "0001000000000000",       // a digit is missing
             "00010000000000000001ff", // a byte too many
             "000100000000000027 10",  // the digit 10000
             "0001000000000000ffff",   // a negative digit
             "0000000012340000",       // unknown sign
             "0000000000004000",       // scale beyond the limit
             "0001ffff000000020001",   // digits hidden by the scale
             "0001fffe000000000001",   // the same, a whole group
             "ffff000000000000",       // an absurd count
         }) {
        EXPECT_FALSE(numeric::from_wire(from_hex(wire))) << wire;
    }
}

TEST(Numeric, GoesToAndFromScaledIntegers)
{
    EXPECT_EQ(numeric::from_scaled(1234, 2).to_string(), "12.34");
    EXPECT_EQ(numeric::from_scaled(-5, 4).to_string(), "-0.0005");
    EXPECT_EQ(numeric::from_scaled(-5, 5).to_string(), "-0.00005");
    EXPECT_EQ(numeric::from_scaled(0, 3).to_string(), "0.000");
    EXPECT_EQ(numeric(std::numeric_limits<std::int64_t>::min()).to_string(), "-9223372036854775808");
    EXPECT_EQ(numeric::from_string("-9223372036854775808").to_int64(), std::numeric_limits<std::int64_t>::min());
    EXPECT_FALSE(numeric::from_string("9223372036854775808").to_int64());
    EXPECT_EQ(numeric::from_string("12.340").to_scaled(2), 1234);
    EXPECT_EQ(numeric::from_string("12.34").to_scaled(4), 123'400);
    EXPECT_FALSE(numeric::from_string("12.345").to_scaled(2));
    EXPECT_FALSE(numeric::from_string("1e131071").to_int64());
    EXPECT_THROW((void)numeric::from_scaled(1, -1), type_error);
    EXPECT_THROW((void)numeric::from_scaled(1, 16'384), type_error);
}

TEST(Numeric, ComparesByValueWithNanAboveAll)
{
    EXPECT_EQ(numeric::from_string("1.5"), numeric::from_string("1.500"));
    EXPECT_LT(numeric::from_string("-2"), numeric::from_string("-1.9"));
    EXPECT_LT(numeric::from_string("0.0009"), numeric::from_string("0.001"));
    EXPECT_LT(numeric::from_string("9999"), numeric::from_string("10000"));
    EXPECT_LT(numeric(0), numeric::from_string("0.00001"));
    EXPECT_LT(numeric::from_string("-0.00001"), numeric(0));
    EXPECT_LT(numeric::infinity(true), numeric::from_string("-1e1000"));
    EXPECT_LT(numeric::from_string("1e1000"), numeric::infinity());
    EXPECT_LT(numeric::infinity(), numeric::nan());
    EXPECT_EQ(numeric::nan(), numeric::nan());
}

// A decimal text in the form the server prints.
rc::Gen<std::string> decimals()
{
    return rc::gen::apply(
        [](bool minus, std::string whole, std::string fraction) {
            whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
            std::string text = (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
            const bool zero = text.find_first_of("123456789") == std::string::npos;
            return (minus && !zero ? "-" : "") + text;
        },
        rc::gen::arbitrary<bool>(), rc::gen::container<std::string>(rc::gen::inRange('0', static_cast<char>('9' + 1))),
        rc::gen::container<std::string>(rc::gen::inRange('0', static_cast<char>('9' + 1))));
}

RC_GTEST_PROP(Numeric, TextAndWireKeepEveryDigit, ())
{
    const auto text = *decimals();
    const auto value = numeric::from_string(text);
    RC_ASSERT(value.to_string() == text);
    const auto again = numeric::from_wire(value.to_wire());
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->to_string() == text);
    RC_ASSERT(again->to_wire() == value.to_wire());
}

RC_GTEST_PROP(Numeric, ScaledIntegersReadBack, (std::int64_t units))
{
    const auto scale = *rc::gen::inRange(0, 40);
    const auto value = numeric::from_scaled(units, scale);
    RC_ASSERT(value.to_scaled(scale) == units);
    RC_ASSERT(value.scale() == scale);
    RC_ASSERT(numeric::from_string(value.to_string()).to_wire() == value.to_wire());
}

RC_GTEST_PROP(Numeric, OrderIsThatOfTheIntegers, (std::int64_t left, std::int64_t right))
{
    const auto scale = *rc::gen::inRange(0, 20);
    RC_ASSERT(
        (numeric::from_scaled(left, scale) <=> numeric::from_scaled(right, scale)) ==
        std::weak_ordering(left <=> right));
}

RC_GTEST_PROP(Numeric, AnyBytesAreReadOrRefused, (const std::string& bytes))
{
    if (const auto value = numeric::from_wire(bytes)) {
        RC_ASSERT(numeric::from_wire(value->to_wire()).has_value());
    }
}

RC_GTEST_PROP(Numeric, AnyTextIsReadOrRefused, (const std::string& text))
{
    if (const auto value = numeric::parse(text)) {
        RC_ASSERT(numeric::from_string(value->to_string()) == *value);
    }
}

} // namespace
} // namespace tradecore::pg
