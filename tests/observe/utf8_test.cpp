// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/utf8.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;
using tradecore::observe::utf8_length;
using tradecore::observe::valid_utf8;

TEST(utf8, characters_are_as_long_as_they_are)
{
    EXPECT_EQ(utf8_length(""), 0U);
    EXPECT_EQ(utf8_length("\0"sv), 1U);
    EXPECT_EQ(utf8_length("ab"), 1U);
    EXPECT_EQ(utf8_length("\x7f"), 1U);
    for (const auto two : {"\u0080"sv, "é"sv, "\u07FF"sv})
        EXPECT_EQ(utf8_length(two), 2U) << two;
    for (const auto three : {"\u0800"sv, "€"sv, "\uD7FF"sv, "\uE000"sv, "\uFFFD"sv, "\uFFFF"sv})
        EXPECT_EQ(utf8_length(three), 3U) << three;
    for (const auto four : {"\U00010000"sv, "😀"sv, "\U0010FFFF"sv})
        EXPECT_EQ(utf8_length(four), 4U) << four;
}

TEST(utf8, is_not_what_only_looks_like_it)
{
    const auto none = {
        "\x80"sv,
        "\xbf"sv,
        "\xfe"sv,
        "\xff"sv, // begin nothing
        "\xc0\x80"sv,
        "\xc1\xbf"sv,
        "\xe0\x9f\xbf"sv,
        "\xf0\x8f\xbf\xbf"sv, // longer than need be
        "\xed\xa0\x80"sv,
        "\xed\xbf\xbf"sv, // halves of UTF-16's pairs
        "\xf4\x90\x80\x80"sv,
        "\xf5\x80\x80\x80"sv, // beyond the last one
        "\xc3"sv,
        "\xe2\x82"sv,
        "\xf0\x9f\x98"sv,
        "\xc3("sv,
        "\xe2\x82("sv,
        "\xf0\x9f("sv}; // end too early
    for (const auto one : none)
        EXPECT_EQ(utf8_length(one), 0U) << one;
}

TEST(utf8, is_made_by_replacing_what_is_none)
{
    EXPECT_EQ(valid_utf8(""), "");
    EXPECT_EQ(valid_utf8("café 😀"), "café 😀");
    EXPECT_EQ(valid_utf8("caf\xe9 and caf\xc3\xa9"), "caf\uFFFD and café");
    EXPECT_EQ(valid_utf8("\xe2\x82(\xff"), "\uFFFD\uFFFD(\uFFFD");
}

} // namespace
