// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/capture.hpp>
#include <tradecore/observe/log.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace observe = tradecore::observe;
using observe::field;
using observe::level;

TEST(log, gives_the_sink_the_message_byte_for_byte_and_the_fields_apart)
{
    const observe::capture log;
    observe::log(
        level::warn, "[POOL EXHAUSTION] main pool at 95/100 active connections (95% usage, 5 free)",
        {field("db", "main"), field("waiting", 3)});

    const auto entries = log.entries();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].severity, level::warn);
    EXPECT_EQ(entries[0].message, "[POOL EXHAUSTION] main pool at 95/100 active connections (95% usage, 5 free)");
    EXPECT_EQ(entries[0].value("db"), "main");
    EXPECT_EQ(entries[0].value("waiting"), "3");
    EXPECT_EQ(entries[0].value("absent"), "");
}

TEST(log, drops_what_is_below_the_threshold)
{
    const observe::capture log{level::error};
    observe::log(level::warn, "quiet");
    observe::log(level::error, "loud");
    EXPECT_EQ(log.messages(), std::vector<std::string>{"loud"});
    EXPECT_FALSE(observe::enabled(level::warn));
    EXPECT_TRUE(observe::enabled(level::critical));
}

TEST(log, writes_nothing_when_off)
{
    const observe::capture log{level::off};
    observe::log(level::critical, "not even this");
    observe::log(level::off, "off is no level to log at");
    EXPECT_TRUE(log.messages().empty());
}

TEST(log, capture_puts_the_former_sink_and_threshold_back)
{
    const observe::capture outer{level::info};
    {
        const observe::capture inner{level::debug};
        observe::log(level::debug, "inner");
        EXPECT_EQ(inner.messages().size(), 1U);
    }
    EXPECT_EQ(observe::threshold(), level::info);
    observe::log(level::info, "outer");
    EXPECT_EQ(outer.messages(), std::vector<std::string>{"outer"});
}

TEST(log, a_sink_that_throws_does_not_reach_the_caller)
{
    observe::sink former = observe::set_sink([](const observe::record&) { throw std::string{"broken"}; });
    EXPECT_NO_THROW(observe::log(level::critical, "message"));
    observe::set_sink(std::move(former));
}

TEST(log, line_quotes_only_values_that_need_it)
{
    const field fields[]{
        field("plain", "main"),
        field("spaced", "a b"),
        field("empty", ""),
        field("quote", "say \"x\" \\"),
        field("yes", true),
        field("n", -7),
        field("took", std::chrono::microseconds{1500})};
    EXPECT_EQ(
        observe::format_line({level::info, "hello", fields}),
        R"(info hello plain=main spaced="a b" empty="" quote="say \"x\" \\" yes=true n=-7 took=1.5)");
}

TEST(log, line_stays_one_line_whatever_the_message_holds)
{
    const field fields[]{field("sql", "SELECT 1\n\x01")};
    EXPECT_EQ(
        observe::format_line({level::error, "first\nsecond\r", fields}),
        R"(error first\nsecond\r sql="SELECT 1\n\x01")");
}

TEST(log, line_is_utf8_whatever_the_message_holds)
{
    const field fields[]{field("plain", "café"), field("sql", "caf\xe9"), field("half", "caf\xc3")};
    EXPECT_EQ(
        observe::format_line({level::warn, "café or caf\xe9", fields}),
        R"(warn café or caf\xe9 plain=café sql="caf\xe9" half="caf\xc3")");
}

TEST(log_level, is_read_in_any_case)
{
    EXPECT_EQ(observe::parse_level("WARN"), level::warn);
    EXPECT_EQ(observe::parse_level("warning"), level::warn);
    EXPECT_EQ(observe::parse_level("Trace"), level::trace);
    EXPECT_EQ(observe::parse_level("loud"), std::nullopt);
    EXPECT_EQ(observe::parse_level(""), std::nullopt);
}

TEST(log_level, every_name_reads_back)
{
    for (const level one :
         {level::trace, level::debug, level::info, level::warn, level::error, level::critical, level::off})
        EXPECT_EQ(observe::parse_level(observe::to_string(one)), one);
}
