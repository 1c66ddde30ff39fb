// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/statement_cache.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace {

using namespace tradecore::pg::engine;

std::shared_ptr<const prepared_statement> named(std::string name)
{
    auto made = std::make_shared<prepared_statement>();
    made->name = std::move(name);
    return made;
}

TEST(statement_cache, drops_the_least_recently_used)
{
    statement_cache cache(2);
    cache.insert("a", named("1"));
    cache.insert("b", named("2"));
    EXPECT_TRUE(cache.find("a"));
    cache.insert("c", named("3"));
    EXPECT_TRUE(cache.find("a"));
    EXPECT_FALSE(cache.find("b"));
    const auto closable = cache.take_closable();
    ASSERT_EQ(closable.size(), 1U);
    EXPECT_EQ(closable[0]->name, "2");
    EXPECT_TRUE(cache.take_closable().empty());
}

TEST(statement_cache, is_bounded_by_the_bytes_of_the_texts)
{
    statement_cache cache(100, 10);
    cache.insert("12345", named("1"));
    cache.insert("67890", named("2"));
    EXPECT_EQ(cache.size(), 2U);
    cache.insert("x", named("3"));
    EXPECT_EQ(cache.size(), 2U);
    EXPECT_FALSE(cache.find("12345"));
    // The last one is kept, however long it is.
    cache.insert(std::string(50, 'y'), named("4"));
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_TRUE(cache.find(std::string(50, 'y')));
    // And what goes takes its bytes along.
    cache.erase(std::string(50, 'y'));
    cache.insert("12345", named("5"));
    cache.insert("67890", named("6"));
    EXPECT_EQ(cache.size(), 2U);
}

TEST(statement_cache, keeps_none_when_none_are_to_be_kept)
{
    statement_cache cache(0);
    cache.insert("a", named("1"));
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_FALSE(cache.find("a"));
    EXPECT_EQ(cache.take_closable().size(), 1U);
}

TEST(statement_cache, forgets_what_turned_out_not_to_exist)
{
    statement_cache cache;
    auto given_up = std::make_shared<prepared_statement>();
    given_up->name = "1";
    cache.put_back({given_up});
    EXPECT_TRUE(cache.take_closable().empty()); // its preparation is under way
    given_up->name.clear();
    given_up = nullptr;
    EXPECT_TRUE(cache.take_closable().empty());
}

TEST(statement_cache, forgets_a_statement_by_its_text_with_a_trace_comment)
{
    statement_cache cache(10);
    const std::string comment = " /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/";
    cache.insert("a", named("1"));
    cache.insert("b", named("2"));
    EXPECT_FALSE(cache.find("a" + comment));
    cache.erase("a" + comment);
    EXPECT_FALSE(cache.find("a"));
    EXPECT_TRUE(cache.find("b"));
}

TEST(statement_cache, closes_nothing_that_somebody_is_about_to_use)
{
    statement_cache cache(1);
    cache.insert("a", named("1"));
    auto used = cache.find("a");
    cache.insert("b", named("2"));
    EXPECT_TRUE(cache.take_closable().empty());
    used = nullptr;
    EXPECT_EQ(cache.take_closable().size(), 1U);
}

TEST(statement_cache, has_nothing_to_close_of_statements_without_names)
{
    statement_cache cache(1);
    cache.insert("a", named(""));
    cache.insert("b", named(""));
    EXPECT_TRUE(cache.take_closable().empty());
    cache.clear();
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_FALSE(cache.find("b"));
}

} // namespace
