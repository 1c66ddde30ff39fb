// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {
namespace {

const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const std::string comment = "/*traceparent='" + parent + "'*/";

std::string commented(std::string_view sql)
{
    const auto made = with_trace_comment({sql, nullptr}, parent);
    return std::string(made.text);
}

TEST(trace_comment, stands_at_the_end)
{
    EXPECT_EQ(commented("SELECT 1"), "SELECT 1 " + comment);
    EXPECT_EQ(commented("SELECT 1;"), "SELECT 1; " + comment);
    EXPECT_EQ(commented("SELECT $1 /* a /* b */ */"), "SELECT $1 /* a /* b */ */ " + comment);
    EXPECT_EQ(commented("SELECT $q$ ' $q$, E'\\'', \"a\"\"b\""), "SELECT $q$ ' $q$, E'\\'', \"a\"\"b\" " + comment);
}

TEST(trace_comment, is_not_swallowed_by_one_that_ends_with_the_line)
{
    EXPECT_EQ(commented("SELECT 1 -- x"), "SELECT 1 -- x\n" + comment);
    EXPECT_EQ(commented("SELECT 1 --"), "SELECT 1 --\n" + comment);
    EXPECT_EQ(commented("SELECT 1 -- x\n"), "SELECT 1 -- x\n " + comment);
    EXPECT_EQ(commented("SELECT 1 -- x\r"), "SELECT 1 -- x\r " + comment);
    EXPECT_EQ(commented("SELECT '--'"), "SELECT '--'\n" + comment);
    EXPECT_EQ(commented("-- x\nSELECT 1"), "-- x\nSELECT 1 " + comment);
}

TEST(trace_comment, is_not_put_inside_of_something)
{
    for (const std::string_view sql :
         {"", "SELECT 'a", "SELECT \"a", "SELECT $$a", "SELECT $q$a$$", "SELECT E'a\\'", "SELECT 1 /* a",
          "SELECT 1; /* a", "SELECT 1 /* a /* b */"})
        EXPECT_EQ(commented(sql), sql);
}

TEST(trace_comment, keeps_its_text_alive_and_its_place)
{
    const auto here = std::source_location::current();
    sql_text made;
    {
        const auto text = runtime_sql("SELECT 1", here).text();
        made = with_trace_comment(text, parent);
    }
    EXPECT_EQ(made.text, "SELECT 1 " + comment);
    EXPECT_EQ(made.where.line(), here.line());
}

TEST(trace_comment, has_no_other_value)
{
    for (const std::string& value :
         {std::string(), parent + "0", parent.substr(1), "01" + parent.substr(2), parent.substr(0, 53) + "'*",
          parent.substr(0, 54) + "A", "'*/; DROP TABLE a; /*" + parent.substr(21)})
        EXPECT_THROW((void)with_trace_comment({"SELECT 1", nullptr}, value), argument_error) << value;
}

TEST(trace_comment, is_taken_off)
{
    EXPECT_EQ(without_trace_comment("SELECT 1"), "SELECT 1");
    EXPECT_EQ(without_trace_comment("SELECT 1 " + comment), "SELECT 1");
    EXPECT_EQ(without_trace_comment("SELECT 1" + comment), "SELECT 1");
    EXPECT_EQ(without_trace_comment("SELECT 1 -- x\n" + comment), "SELECT 1 -- x");
    EXPECT_EQ(without_trace_comment("SELECT 1 " + comment + " " + comment), "SELECT 1");
    EXPECT_EQ(without_trace_comment(comment), "");
}

TEST(trace_comment, is_no_other_comment)
{
    for (const std::string text :
         {"SELECT 1 /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0'*/",
          "SELECT 1 /*traceparent='00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01'*/",
          "SELECT 1 /*traceparent='01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/",
          "SELECT 1 /*tracestate='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01*/'*/", "SELECT 1 '*/"})
        EXPECT_EQ(without_trace_comment(text), text);
    EXPECT_EQ(without_trace_comment("SELECT 1 " + comment + ";"), "SELECT 1 " + comment + ";");
}

RC_GTEST_PROP(trace_comment, is_taken_off_whatever_the_text, ())
{
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "a", " ", "\n", "'", "\"", "$$", "$q$", "--", "/*", "*/", ";", "\\", "E'", "é", "/*traceparent='", "'*/"));
    std::string sql;
    for (const auto& piece : pieces)
        sql += piece;
    const auto made = commented(sql);
    RC_ASSERT(made == sql || made == sql + " " + comment || made == sql + "\n" + comment);
    RC_ASSERT(without_trace_comment(made) == sql);
}

} // namespace
} // namespace tradecore::pg
