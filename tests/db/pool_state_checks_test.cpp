// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_state_start.hpp"

#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using slot = pool_state::slot;
using test::fill;
using test::of_size;
using test::start;

TEST(pool_state, lends_nothing_that_was_silent_for_long_without_a_check)
{
    pool_state pool(of_size(2, 2));
    fill(pool, start);
    const auto later = start + 1001ms;
    EXPECT_FALSE(pool.take_idle(later));
    EXPECT_FALSE(pool.take_for_check(later)) << "nobody needs it yet";
    const auto caller = pool.wait();
    const auto checked = pool.take_for_check(later);
    ASSERT_TRUE(checked);
    EXPECT_TRUE(pool.is_checked(*checked));
    EXPECT_FALSE(pool.take_for_check(later)) << "one for each caller";
    EXPECT_EQ(pool.check_passed(*checked, later), caller);
    EXPECT_EQ(pool.give_back(*checked, later), std::nullopt);
    EXPECT_EQ(pool.take_idle(later + 1s), checked);
}

TEST(pool_state, counts_on_checks_under_way_before_it_connects)
{
    pool_state pool(of_size(1, 3));
    fill(pool, start);
    const auto later = start + 2s;
    (void)pool.wait();
    const auto checked = pool.take_for_check(later);
    ASSERT_TRUE(checked);
    EXPECT_FALSE(pool.wants_connect(later));
    (void)pool.wait();
    EXPECT_TRUE(pool.wants_connect(later));
    pool.connect_started();
    EXPECT_FALSE(pool.wants_connect(later));
    pool.removed(*checked); // it failed
    EXPECT_TRUE(pool.wants_connect(later));
}

TEST(pool_state, does_not_count_on_a_check_that_is_late)
{
    auto options = of_size(1, 2);
    options.validation_timeout = 800ms;
    pool_state pool(options);
    fill(pool, start);
    const auto later = start + 2s;
    const auto caller = pool.wait();
    const auto checked = pool.take_for_check(later);
    ASSERT_TRUE(checked);
    EXPECT_FALSE(pool.wants_connect(later + 99ms));
    EXPECT_EQ(pool.next_event(later), later + 100ms);
    EXPECT_TRUE(pool.wants_connect(later + 100ms));
    pool.connect_started();
    EXPECT_FALSE(pool.wants_connect(later + 100ms));
    EXPECT_EQ(pool.connect_succeeded(later + 150ms, 0).owner, caller);
    EXPECT_EQ(pool.check_passed(*checked, later + 200ms), std::nullopt) << "late is not dead";
    EXPECT_EQ(pool.stats().idle, 1U);
}

TEST(pool_state, a_check_that_nobody_waits_for_any_more_leaves_the_connection_idle)
{
    pool_state pool(of_size(1, 3));
    fill(pool, start);
    const auto later = start + 2s;
    const auto caller = pool.wait();
    const auto checked = pool.take_for_check(later);
    EXPECT_TRUE(pool.withdraw(caller));
    EXPECT_EQ(pool.check_passed(*checked, later), std::nullopt);
    EXPECT_EQ(pool.take_idle(later), checked) << "it has just answered";
}

TEST(pool_state, suspects_what_was_silent_as_long_as_one_that_does_not_answer)
{
    pool_state pool(of_size(3, 3));
    fill(pool, start);
    const auto later = start + 10s;
    const auto used = pool.take_idle(start);
    pool.give_back(*used, later);
    EXPECT_TRUE(pool.take_suspects(later + 1h, start).empty()) << "heard of after that";
    EXPECT_EQ(pool.take_suspects(later + 2s, later), (std::vector<slot>{0, 1}));
    EXPECT_EQ(pool.take_suspects(later + 2s, later + 1ms), (std::vector<slot>{*used}));
}

TEST(pool_state, keeps_silent_connections_alive_one_after_the_other)
{
    auto options = of_size(3, 3);
    options.keepalive_time = 100s;
    pool_state pool(options);
    for (const double lottery : {0.0, 0.5, 1.0}) { // due after 100, 90 and 80 s
        pool.connect_started();
        pool.connect_succeeded(start, lottery);
    }
    EXPECT_FALSE(pool.take_for_check(start + 79s));
    EXPECT_TRUE(pool.take_expired(start + 79s, [](slot) { return false; }).empty());
    EXPECT_EQ(pool.next_event(start + 79s), start + 80s);
    EXPECT_EQ(pool.take_for_check(start + 80s), 2U);
    EXPECT_FALSE(pool.take_for_check(start + 90s)) << "one at a time";
    EXPECT_EQ(pool.check_passed(2, start + 90s), std::nullopt);
    EXPECT_EQ(pool.take_for_check(start + 90s), 1U);
    pool.removed(1);
    EXPECT_FALSE(pool.take_for_check(start + 99s));
    EXPECT_EQ(pool.take_for_check(start + 100s), 0U);
}

TEST(pool_state, keeping_alive_is_no_use_of_a_connection)
{
    auto options = of_size(0, 3);
    options.keepalive_time = 10s;
    options.idle_timeout = 30s;
    options.max_lifetime = 0ms;
    pool_state pool(options);
    for (int i = 0; i < 2; ++i)
        (void)pool.wait();
    fill(pool, start);
    pool.give_back(0, start);
    pool.give_back(1, start + 20s);
    EXPECT_EQ(pool.take_for_check(start + 20s), 0U);
    pool.check_passed(0, start + 20s);
    EXPECT_EQ(pool.take_idle(start + 20s), 1U) << "the one used last is still on top";
    EXPECT_EQ(pool.take_expired(start + 30s, [](slot) { return false; }), std::vector<slot>{0});
}

TEST(pool_state, keeps_nothing_alive_when_told_so)
{
    auto options = of_size(1, 1);
    options.keepalive_time = 0ms;
    pool_state pool(options);
    fill(pool, start);
    EXPECT_FALSE(pool.take_for_check(start + 24h));
}

TEST(pool_state, a_caller_whose_connection_was_of_no_use_keeps_its_place)
{
    pool_state pool(of_size(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle(start);
    const auto first = pool.wait();
    const auto second = pool.wait();
    EXPECT_EQ(pool.give_back(*only, start), first);
    pool.wait_again(first);
    EXPECT_EQ(pool.give_back(*only, start), first);
    EXPECT_EQ(pool.give_back(*only, start), second);
}

} // namespace
} // namespace tradecore
