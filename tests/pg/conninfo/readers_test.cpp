// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/readers.hpp"

#include <gtest/gtest.h>

namespace tradecore::pg::conninfo {
namespace {

using namespace std::chrono_literals;

TEST(Readers, ReadIntegersWithBlanksAndSigns)
{
    EXPECT_EQ(read_integer("7"), 7);
    EXPECT_EQ(read_integer(" +7\t"), 7);
    EXPECT_EQ(read_integer("-2147483648"), -2'147'483'647 - 1);
    for (const auto* const text : {"", " ", "+", "+-7", "--7", "7x", "7 7", "0x7", "2147483648", "7.0"})
        EXPECT_THROW((void)read_integer(text), bad_value) << text;
    EXPECT_EQ(read_integer("9", 1, 9), 9);
    EXPECT_THROW((void)read_integer("10", 1, 9), bad_value);
    EXPECT_THROW((void)read_integer("0", 1, 9), bad_value);
}

TEST(Readers, ReadTimesWithUnits)
{
    EXPECT_EQ(read_duration("250"), 250ms);
    EXPECT_EQ(read_duration("250ms"), 250ms);
    EXPECT_EQ(read_duration(" 2 s "), 2s);
    EXPECT_EQ(read_duration("3min"), 3min);
    EXPECT_EQ(read_duration("4h"), 4h);
    EXPECT_EQ(read_duration("24d"), 24 * 24h);
    EXPECT_EQ(read_duration("2147483647"), 2'147'483'647ms);
    for (const auto* const text :
         {"", "s", "-1", "1us", "1S", "1.5s", "25d", "2147483648", "9223372036854775807d", "99999999999999999999"})
        EXPECT_THROW((void)read_duration(text), bad_value) << text;
}

TEST(Readers, ReadSizesWithUnits)
{
    EXPECT_EQ(read_size("0"), 0U);
    EXPECT_EQ(read_size("5B"), 5U);
    EXPECT_EQ(read_size("2kB"), 2'048U);
    EXPECT_EQ(read_size("3 MB"), 3U << 20U);
    EXPECT_EQ(read_size("2GB"), 2ULL << 30U);
    for (const auto* const text : {"", "kB", "-1", "1KB", "1mb", "8589934592GB", "99999999999999999999"})
        EXPECT_THROW((void)read_size(text), bad_value) << text;
}

TEST(Readers, ReadFlags)
{
    for (const auto* const text : {"1", "on", "TRUE", "Yes"})
        EXPECT_TRUE(read_flag(text)) << text;
    for (const auto* const text : {"0", "off", "FALSE", "No"})
        EXPECT_FALSE(read_flag(text)) << text;
    for (const auto* const text : {"", "2", "t", "enable", " 1"})
        EXPECT_THROW((void)read_flag(text), bad_value) << text;
}

} // namespace
} // namespace tradecore::pg::conninfo
