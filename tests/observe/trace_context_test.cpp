// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/trace_context.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace tradecore::observe {
namespace {

const std::string example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(trace_context, is_read_and_written)
{
    const auto read = parse_traceparent(example);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->trace_id[0], 0x4b);
    EXPECT_EQ(read->trace_id[15], 0x36);
    EXPECT_EQ(read->span_id[0], 0x00);
    EXPECT_EQ(read->span_id[7], 0xb7);
    EXPECT_TRUE(read->is_sampled());
    EXPECT_TRUE(read->is_valid());
    EXPECT_EQ(to_traceparent(*read), example);
}

RC_GTEST_PROP(trace_context, comes_back_as_it_was_written, ())
{
    trace_context one;
    one.trace_id = *rc::gen::arbitrary<std::array<std::uint8_t, 16>>();
    one.span_id = *rc::gen::arbitrary<std::array<std::uint8_t, 8>>();
    one.flags = *rc::gen::element<std::uint8_t>(0, 1, 2, 3);
    const auto text = to_traceparent(one);
    RC_ASSERT(text.size() == 55U);
    RC_ASSERT(text.find_first_not_of("0123456789abcdef-") == std::string::npos);
    const auto read = parse_traceparent(text);
    RC_ASSERT(read.has_value() == one.is_valid());
    RC_ASSERT(!read || *read == one);
}

TEST(trace_context, leaves_out_flags_that_mean_nothing)
{
    const auto with_flags = [](const char* flags) { return example.substr(0, 53) + flags; };
    EXPECT_EQ(parse_traceparent(with_flags("ff"))->flags, 3);
    EXPECT_EQ(parse_traceparent(with_flags("08"))->flags, 0);
    EXPECT_FALSE(parse_traceparent(with_flags("02"))->is_sampled());
    trace_context one = *parse_traceparent(example);
    one.flags = 0xff;
    EXPECT_EQ(to_traceparent(one), with_flags("03"));
}

TEST(trace_context, of_a_newer_version_is_read_as_far_as_it_is_known)
{
    const auto newer = "cc" + example.substr(2);
    const auto known = parse_traceparent(example);
    EXPECT_EQ(parse_traceparent(newer), known);
    EXPECT_EQ(parse_traceparent(newer + "-what the future brings"), known);
    EXPECT_EQ(parse_traceparent(newer + "-"), known);
    EXPECT_EQ(parse_traceparent(newer + "."), std::nullopt);
    EXPECT_EQ(parse_traceparent(newer.substr(0, 53) + "03")->flags, trace_context::sampled);
    EXPECT_EQ(to_traceparent(*parse_traceparent(newer)), example);
}

TEST(trace_context, is_refused_when_anything_is_wrong_with_it)
{
    const auto with = [](std::size_t at, const std::string& text) {
        auto changed = example;
        return changed.replace(at, text.size(), text);
    };
    for (const auto& wrong :
         {std::string(),
          std::string("00"),
          with(0, "ff"),
          with(0, "0g"),
          with(0, "0A"),
          with(2, "_"),
          with(3, std::string(32, '0')),
          with(36, std::string(16, '0')),
          with(35, "_"),
          with(52, "_"),
          with(3, "4BF92F35"),
          with(36, "00F067AA"),
          with(3, "4bf92f3_"),
          with(53, "0x"),
          with(53, "-1"),
          example + "-",
          example + "-00",
          example + " ",
          " " + example,
          example + std::string(1, '\0'),
          with(3, "'; DROP TABLE users; --         ")})
        EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
    for (std::size_t length = 0; length < example.size(); ++length) {
        EXPECT_FALSE(parse_traceparent(example.substr(0, length))) << length;
        EXPECT_FALSE(parse_traceparent(("cc" + example.substr(2)).substr(0, length))) << length;
    }
    EXPECT_FALSE(trace_context().is_valid());
}

} // namespace
} // namespace tradecore::observe
