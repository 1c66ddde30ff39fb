// SPDX-License-Identifier: Apache-2.0
#include "../support/conversation.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using namespace std::chrono_literals;

std::string listens()
{
    return backend::complete("LISTEN") + backend::ready();
}

TEST(time_limits, hold_for_listen)
{
    conversation test;
    auto listening = test.begin(test.db->listen("news", {.call = {.timeout = 20ms}}));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    ASSERT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
    test.server.say(backend::error("57014", "canceling statement due to user request") + backend::ready());
    test.server.end_requests();
    EXPECT_NE(test.error_of<pg::timeout_error>(listening), "");
    EXPECT_TRUE(test.db->is_open());
    const auto heard = test.server.expect("Q"); // it may listen nevertheless
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].payload.starts_with("UNLISTEN"));
}

TEST(time_limits, close_a_connection_that_does_not_answer_to_unlisten)
{
    conversation test(20ms);
    auto listening = test.begin(test.db->listen("news"));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    test.server.say(listens());
    test.outcome(listening) = pg::listener();
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    EXPECT_TRUE(test.server.run_until([&] { return test.server.is_left(); }));
    EXPECT_EQ(test.server.requests(), 1U);
    EXPECT_FALSE(test.db->is_open());
}

TEST(time_limits, let_unlisten_be_tried_again_when_it_was_stopped)
{
    conversation test(1s);
    auto listening = test.begin(test.db->listen("news"));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    test.server.say(listens());
    test.outcome(listening) = pg::listener();
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    ASSERT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
    test.server.say(backend::error("57014", "canceling statement due to user request") + backend::ready());
    test.server.end_requests();
    const auto heard = test.server.expect("Q");
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].payload.starts_with("UNLISTEN"));
    test.server.say(backend::complete("UNLISTEN") + backend::ready());
    test.server.settle();
    EXPECT_TRUE(test.db->is_open());
}

TEST(time_limits, close_a_connection_that_does_not_close_a_cursor)
{
    conversation test(20ms);
    auto opening = test.begin(test.db->open_cursor(
        {.sql = {"SELECT n FROM t", nullptr}, .arguments = {}, .before = {"BEGIN"}}, pg::cursor_options{}));
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(one_number_prepared());
    ASSERT_EQ(test.server.expect("PBEBES").size(), 6U);
    test.server.say(
        backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN") + backend::bind_complete() +
        backend::row({backend::i32(1)}) + backend::message('s', "") + backend::ready('T'));
    test.outcome(opening) = nullptr;
    ASSERT_EQ(test.server.expect("CS").size(), 2U);
    EXPECT_TRUE(test.server.run_until([&] { return test.server.is_left(); }));
    EXPECT_EQ(test.server.requests(), 1U);
    EXPECT_FALSE(test.db->is_open());
}

} // namespace
