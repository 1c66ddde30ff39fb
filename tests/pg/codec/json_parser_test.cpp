// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/json_parser.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace tradecore::pg::detail {
namespace {

namespace json = boost::json;

json::value parsed(std::string_view text)
{
    json::error_code failed;
    auto value = parse_json(text, failed);
    EXPECT_FALSE(failed) << text << ": " << failed.message();
    return value;
}

json::error_code failure(std::string_view text)
{
    json::error_code failed;
    EXPECT_TRUE(parse_json(text, failed).is_null());
    return failed;
}

TEST(JsonParser, ReadsTheNearestDouble)
{
    // Each of them is a unit or two in the last place away from what the library's own conversion makes of it.
    for (const double value : {0.9452706955539223, 9973.008441169559, 986969101384.2109, 1.8398406238277103e-10}) {
        std::array<char, 64> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
        EXPECT_EQ(parsed({text.data(), end}).as_double(), value) << text.data();
    }
}

RC_GTEST_PROP(JsonParser, ReadsEveryDoubleBack, ())
{
    const auto value =
        std::ldexp(static_cast<double>(*rc::gen::arbitrary<std::int64_t>()), *rc::gen::inRange(-1100, 950));
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
    RC_ASSERT(parsed({text.data(), end}).as_double() == value);
}

TEST(JsonParser, TakesNumbersBeyondDoubleForInfiniteOrZero)
{
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    EXPECT_EQ(parsed("1e400").as_double(), infinity);
    EXPECT_EQ(parsed("-1e400").as_double(), -infinity);
    EXPECT_EQ(parsed("1e-400").as_double(), 0.0);
    EXPECT_TRUE(std::signbit(parsed("-1e-400").as_double()));
    EXPECT_EQ(parsed("18446744073709551616").as_double(), 18446744073709551616.0);
}

TEST(JsonParser, KeepsIntegersExact)
{
    EXPECT_EQ(parsed("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(parsed("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(parsed("18446744073709551615").as_uint64(), std::numeric_limits<std::uint64_t>::max());
}

TEST(JsonParser, BuildsEveryKindOfValue)
{
    EXPECT_EQ(
        parsed(R"( {"a":[1,2.5,"x\u00e9\n",true,false,null],"b":{},"c":[]} )"),
        json::value(
            {{"a", {1, 2.5, "x\xc3\xa9\n", true, false, nullptr}}, {"b", json::object()}, {"c", json::array()}}));
}

TEST(JsonParser, RefusesWhatIsNoJson)
{
    EXPECT_EQ(failure("1 2"), json::error::extra_data);
    EXPECT_EQ(failure("[1"), json::error::incomplete);
    EXPECT_EQ(failure(""), json::error::incomplete);
    EXPECT_TRUE(failure("Infinity"));
    EXPECT_TRUE(failure("{\"a\":}"));
}

TEST(JsonParser, IsNestedSoFarAndNoFurther)
{
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parsed(nested(500)).is_array());
    EXPECT_EQ(failure(nested(501)), json::error::too_deep);
}

} // namespace
} // namespace tradecore::pg::detail
