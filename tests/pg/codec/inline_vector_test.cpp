// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/codec/inline_vector.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace {

using vector = tradecore::pg::detail::inline_vector<char, 4>;

vector vector_of(std::string_view text)
{
    vector made;
    made.append(text.data(), text.size());
    return made;
}

std::string text_of(const vector& from)
{
    return {from.begin(), from.end()};
}

class inline_vector : public testing::TestWithParam<std::string> {};

TEST_P(inline_vector, holds_what_was_appended_bit_by_bit)
{
    vector made;
    for (const char each : GetParam())
        made.push_back(each);
    EXPECT_EQ(text_of(made), GetParam());
    made.append("xyz", 3);
    EXPECT_EQ(text_of(made), GetParam() + "xyz");
    made.clear();
    EXPECT_TRUE(made.empty());
}

TEST_P(inline_vector, is_copied)
{
    const auto original = vector_of(GetParam());
    auto copy = original;
    copy.append("xyz", 3);
    EXPECT_EQ(text_of(copy), GetParam() + "xyz");
    EXPECT_EQ(text_of(original), GetParam());
    copy = original;
    EXPECT_EQ(text_of(copy), GetParam());
}

TEST_P(inline_vector, is_empty_and_of_use_after_it_was_moved)
{
    auto original = vector_of(GetParam());
    auto moved = std::move(original);
    EXPECT_EQ(text_of(moved), GetParam());
    original = vector();
    original.append("ab", 2);
    EXPECT_EQ(text_of(original), "ab");
    original = std::move(moved);
    EXPECT_EQ(text_of(original), GetParam());
    moved = vector_of("cd");
    EXPECT_EQ(text_of(moved), "cd");
}

INSTANTIATE_TEST_SUITE_P(
    sizes, inline_vector, testing::Values("", "abc", "abcd", "abcde", std::string(100, 'x')),
    [](const auto& tried) { return "of_" + std::to_string(tried.param.size()); });

} // namespace
