// SPDX-License-Identifier: Apache-2.0
#include "market/csv.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tradecore::app::market {
namespace {

using records = std::vector<std::vector<std::string>>;

records read(std::string_view text)
{
    records out;
    csv_reader reader(text);
    while (reader.next())
        out.emplace_back(reader.fields().begin(), reader.fields().end());
    return out;
}

std::pair<std::size_t, std::string> fault(std::string_view text)
{
    try {
        read(text);
    }
    catch (const csv_error& error) {
        return {error.line(), error.what()};
    }
    return {0, "no error"};
}

TEST(csv, splits_lines_and_fields)
{
    EXPECT_EQ(read("a,b\nc,d\n"), (records{{"a", "b"}, {"c", "d"}}));
    EXPECT_EQ(read("a,b\r\nc,d"), (records{{"a", "b"}, {"c", "d"}}));
    EXPECT_EQ(read("a,,\n,,b"), (records{{"a", "", ""}, {"", "", "b"}}));
    EXPECT_EQ(
        read("\xef\xbb\xbf"
             "a\n"),
        (records{{"a"}}));
    EXPECT_EQ(read("a\r,b\n"), (records{{"a\r", "b"}}));
    EXPECT_EQ(read("a\r"), (records{{"a"}}));
}

TEST(csv, reads_quoted_fields)
{
    EXPECT_EQ(read("\"a,b\",\"c\"\"d\"\r\n\"\",\"e\nf\"\n"), (records{{"a,b", "c\"d"}, {"", "e\nf"}}));
    EXPECT_EQ(read("a\"b\n"), (records{{"a\"b"}}));
}

TEST(csv, has_no_records_in_empty_lines_at_the_end)
{
    EXPECT_EQ(read(""), records{});
    EXPECT_EQ(read("\n\r\n"), records{});
    EXPECT_EQ(read("a\n\n\r\n"), (records{{"a"}}));
}

TEST(csv, counts_lines)
{
    csv_reader reader("a\n\"b\nb\"\nc\n");
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.line(), 1U);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.line(), 2U);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.line(), 4U);
    EXPECT_FALSE(reader.next());
}

TEST(csv, refuses_what_is_no_csv)
{
    EXPECT_EQ(fault("a\n\"b\nc"), (std::pair<std::size_t, std::string>{2, "a quoted field is not closed"}));
    EXPECT_EQ(fault("\"a\"b\n"), (std::pair<std::size_t, std::string>{1, "text follows a quoted field"}));
    EXPECT_EQ(fault("a\n\nb\n"), (std::pair<std::size_t, std::string>{2, "the line is empty"}));
}

RC_GTEST_PROP(csv_property, quoted_records_come_back, ())
{
    const auto size = *rc::gen::inRange<std::size_t>(1, 5);
    const auto rows = *rc::gen::inRange<std::size_t>(1, 5);
    records written(rows);
    std::string text;
    for (auto& row : written) {
        for (std::size_t i = 0; i < size; ++i) {
            row.push_back(*rc::gen::container<std::string>(rc::gen::element('a', '"', ',', '\n', '\r', ' ')));
            std::string escaped;
            for (const char c : row.back())
                escaped += c == '"' ? std::string{"\"\""} : std::string{c};
            text += (i == 0 ? "\"" : ",\"") + escaped + "\"";
        }
        text += "\r\n";
    }
    RC_ASSERT(read(text) == written);
}

} // namespace
} // namespace tradecore::app::market
