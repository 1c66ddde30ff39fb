// SPDX-License-Identifier: Apache-2.0
#include "db/support/shared_scene.hpp"

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::patient;
using test::scene;
using test::settle;
using test::with_scene;

database_options repeating(std::uint32_t budget)
{
    auto options = patient(1);
    options.retries.outage.max_attempts = 2;
    options.retries.outage.backoff.base = 1ms;
    options.retry_budget = {.share = 0.0, .minimum = budget};
    options.breaker.failure_threshold = 2;
    return options;
}

TEST(lost_shared_connection, is_one_failure_to_breaker_and_budget_and_all_are_repeated_alone)
{
    static constexpr std::size_t statements = 20;
    with_scene(repeating(1), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        co_await settle();
        on.server.answer(1); // it is known to be quick
        co_await settle();
        for (std::size_t i = 0; i < statements; ++i)
            on.call("SELECT 1");
        co_await settle();
        EXPECT_EQ(on.server.sent, 1 + statements);
        on.server.lose(1);
        for (std::size_t i = 1; i <= statements; ++i) {
            while (on.server.sent < 1 + statements + i)
                co_await settle(1);
            co_await settle();
            EXPECT_EQ(on.server.sent, 1 + statements + i) << "a repetition is shared";
            on.server.answer(2);
        }
        co_await settle();
        EXPECT_EQ(on.main.breaker_state(), resilience::breaker_state::closed);
        EXPECT_EQ(on.ended, 1 + int{statements});
        EXPECT_EQ(on.said.find(':'), std::string::npos) << on.said;
        EXPECT_EQ(on.main.statistics().retries.after_outages, statements);
        EXPECT_EQ(on.main.pool_stats().size, 1U);
    });
}

TEST(lost_shared_connection, is_repeated_by_nobody_when_the_budget_refuses_it)
{
    with_scene(repeating(1), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        co_await settle();
        on.server.lose(1);
        while (on.server.sent < 2)
            co_await settle(1);
        on.call("SELECT 2"); // behind it, though that one is alone now: it waits
        on.call("SELECT 3");
        on.server.answer(2);
        co_await settle();
        EXPECT_EQ(on.server.queue(2), "SELECT 2 SELECT 3");
        on.server.lose(2);
        co_await settle();
        EXPECT_EQ(on.ended, 3);
        EXPECT_EQ(on.main.statistics().retries.stopped_by_budget, 2U);
        EXPECT_THAT(
            on.said, testing::HasSubstr("SELECT 3:the connection was lost (1 attempt, no more because the "
                                        "retry budget is used up)"));
    });
}

asio::awaitable<void> ask_once(scene& on)
{
    resilience::retry_policies once;
    once.outage.max_attempts = 1;
    auto unrepeated = on.main.with({}, once);
    EXPECT_TRUE(co_await test::error_of(unrepeated.execute("SELECT 1")));
    ++on.ended;
}

TEST(lost_shared_connection, takes_nothing_from_the_budget_for_who_is_not_repeated)
{
    auto options = repeating(1);
    options.breaker_enabled = false;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        asio::co_spawn(on.executor, ask_once(on), asio::detached);
        co_await settle();
        on.server.lose(1);
        on.call("SELECT 2");
        while (on.server.sent < 2)
            co_await settle(1);
        EXPECT_EQ(on.ended, 1);
        on.server.lose(2);
        while (on.server.sent < 3 && on.ended < 2)
            co_await settle(1);
        EXPECT_EQ(on.server.sent, 3U);
        if (on.server.sent == 3)
            on.server.answer(3);
        co_await settle();
        EXPECT_EQ(on.said, "SELECT 2;");
    });
}

} // namespace
} // namespace tradecore
