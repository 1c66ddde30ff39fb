// SPDX-License-Identifier: Apache-2.0
#include "domain/timestamp.hpp"
#include "generators.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tradecore::app::domain {
namespace {

std::string read(std::string_view text)
{
    try {
        return to_text(parse_timestamp(text));
    }
    catch (const timestamp_syntax& error) {
        return error.what();
    }
}

TEST(timestamp, reads_times_in_utc)
{
    EXPECT_EQ(read("2021-12-31 23:01:00.000000"), "2021-12-31T23:01:00.000000Z");
    EXPECT_EQ(read("2021-12-31T23:01:02.5"), "2021-12-31T23:01:02.500000Z");
    EXPECT_EQ(read("2021-12-31t23:01:02.000001z"), "2021-12-31T23:01:02.000001Z");
    EXPECT_EQ(read("2024-02-29T00:00"), "2024-02-29T00:00:00.000000Z");
    EXPECT_EQ(read("2024-02-29"), "2024-02-29T00:00:00.000000Z");
    EXPECT_EQ(read("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999Z");
}

TEST(timestamp, takes_zones_off)
{
    EXPECT_EQ(read("2022-01-01T00:30:00+01:00"), "2021-12-31T23:30:00.000000Z");
    EXPECT_EQ(read("2022-01-01T00:30:00+0530"), "2021-12-31T19:00:00.000000Z");
    EXPECT_EQ(read("2022-01-01T00:30:00-08"), "2022-01-01T08:30:00.000000Z");
    EXPECT_EQ(read("2022-01-01T00:30:00.25-00:30"), "2022-01-01T01:00:00.250000Z");
}

TEST(timestamp, refuses_what_is_no_time_and_says_why)
{
    EXPECT_EQ(read(""), "it is empty");
    EXPECT_EQ(read("1641016800"), "expected '-' after the year");
    EXPECT_EQ(read("22-01-01"), "the year needs 4 digits");
    EXPECT_EQ(read("0000-01-01"), "the year is 0, not 1 to 9999");
    EXPECT_EQ(read("2022-13-01"), "the month is 13, not 1 to 12");
    EXPECT_EQ(read("2022-02-29"), "2022-02 has no day 29");
    EXPECT_EQ(read("2022-02-01X"), "expected 'T' or a space after the date");
    EXPECT_EQ(read("2022-02-01T24:00:00"), "the hour is 24, not 0 to 23");
    EXPECT_EQ(read("2022-02-01T23:60:00"), "the minute is 60, not 0 to 59");
    EXPECT_EQ(read("2022-02-01T23:59:60"), "the second is 60, not 0 to 59");
    EXPECT_EQ(read("2022-02-01T23"), "expected ':' after the hour");
    EXPECT_EQ(read("2022-02-01T23:59:00.1234567"), "the fraction has more than 6 digits");
    EXPECT_EQ(read("2022-02-01T23:59:00."), "no digit follows the decimal point");
    EXPECT_EQ(read("2022-02-01T23:59:00+1"), "the zone hour needs 2 digits");
    EXPECT_EQ(read("2022-02-01T23:59:00+16"), "the zone hour is 16, not 0 to 15");
    EXPECT_EQ(read("2022-02-01T23:59:00+01:60"), "the zone minute is 60, not 0 to 59");
    EXPECT_EQ(read("2022-02-01T23:59:00Z "), "unexpected text after the time");
    EXPECT_EQ(read("2022-02-01T23:59:00 UTC"), "unexpected text after the time");
}

RC_GTEST_PROP(timestamp_property, text_goes_there_and_back, ())
{
    const timestamp at = *testing::any_time();
    RC_ASSERT(parse_timestamp(to_text(at)) == at);
}

} // namespace
} // namespace tradecore::app::domain
