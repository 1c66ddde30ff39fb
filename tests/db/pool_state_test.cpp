// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_state_start.hpp"

#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using slot = pool_state::slot;
using test::fill;
using test::of_size;
using test::start;

TEST(pool_state, connects_up_to_its_minimum_with_bounded_concurrency)
{
    pool_state pool(of_size(6, 10));
    int running = 0;
    while (pool.wants_connect(start)) {
        pool.connect_started();
        ++running;
    }
    EXPECT_EQ(running, 4);
    pool.connect_succeeded(start, 0);
    EXPECT_TRUE(pool.wants_connect(start));
}

TEST(pool_state, lends_one_that_was_checked_before_one_that_was_silent_for_long)
{
    auto options = of_size(2, 2);
    options.idle_check_after = 1s;
    options.keepalive_time = 100s;
    pool_state pool(options);
    fill(pool, start);
    const auto first = pool.take_idle(start);
    const auto second = pool.take_idle(start);
    ASSERT_TRUE(first && second);
    pool.give_back(*first, start);
    pool.give_back(*second, start + 50s); // was used last
    const auto checked = pool.take_for_check(start + 110s);
    ASSERT_EQ(checked, first) << "nothing was heard of it for longest";
    pool.check_passed(*checked, start + 110s);
    EXPECT_EQ(pool.take_idle(start + 110s), first);
    EXPECT_FALSE(pool.take_idle(start + 110s)) << "the other must be checked";
}

TEST(pool_state, lends_the_connection_that_was_used_last)
{
    pool_state pool(of_size(2, 2));
    fill(pool, start);
    const auto first = pool.take_idle(start);
    const auto second = pool.take_idle(start);
    ASSERT_TRUE(first && second);
    pool.give_back(*first, start);
    pool.give_back(*second, start);
    EXPECT_EQ(pool.take_idle(start), second);
}

TEST(pool_state, hands_what_is_returned_to_the_first_waiter)
{
    pool_state pool(of_size(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle(start);
    ASSERT_TRUE(only);
    const auto first = pool.wait();
    const auto second = pool.wait();
    EXPECT_EQ(pool.give_back(*only, start), first);
    EXPECT_EQ(pool.give_back(*only, start), second);
    EXPECT_EQ(pool.give_back(*only, start), std::nullopt);
    EXPECT_EQ(pool.stats().idle, 1U);
}

TEST(pool_state, does_not_let_anybody_overtake_a_waiter)
{
    pool_state pool(of_size(0, 2));
    (void)pool.wait();
    fill(pool, start);
    EXPECT_FALSE(pool.take_idle(start));
}

TEST(pool_state, skips_a_waiter_that_gave_up)
{
    pool_state pool(of_size(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle(start);
    const auto first = pool.wait();
    const auto second = pool.wait();
    EXPECT_TRUE(pool.withdraw(first));
    EXPECT_EQ(pool.give_back(*only, start), second);
    EXPECT_FALSE(pool.withdraw(second));
}

TEST(pool_state, never_grows_beyond_its_maximum)
{
    pool_state pool(of_size(0, 3));
    for (int i = 0; i < 10; ++i)
        (void)pool.wait();
    fill(pool, start);
    EXPECT_EQ(pool.stats().size, 3U);
    EXPECT_EQ(pool.stats().waiting, 7U);
}

TEST(pool_state, tells_one_waiter_of_a_failed_connect_and_pauses)
{
    pool_state pool(of_size(0, 3));
    const auto first = pool.wait();
    const auto second = pool.wait();
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, false, 1.0), first);
    EXPECT_FALSE(pool.wants_connect(start));
    const auto due = pool.next_event(start);
    ASSERT_TRUE(due);
    EXPECT_EQ(*due, start + 100ms);
    EXPECT_TRUE(pool.wants_connect(*due));
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(*due, false, 1.0), second);
}

TEST(pool_state, doubles_the_pause_up_to_its_limit_and_forgets_it_after_a_success)
{
    pool_state pool(of_size(0, 3));
    (void)pool.wait();
    auto now = start;
    std::vector<std::chrono::milliseconds> pauses;
    for (int i = 0; i < 8; ++i) {
        (void)pool.wait();
        pool.connect_started();
        (void)pool.connect_failed(now, false, 1.0);
        const auto due = pool.next_event(now);
        ASSERT_TRUE(due);
        pauses.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(*due - now));
        now = *due;
    }
    EXPECT_EQ(
        pauses, (std::vector<std::chrono::milliseconds>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}));
    pool.connect_started();
    pool.connect_succeeded(now, 0);
    pool.connect_started();
    (void)pool.connect_failed(now, false, 0.0);
    (void)pool.wait();
    EXPECT_EQ(pool.next_event(now), now + 50ms);
}

TEST(pool_state, pauses_longer_each_time_that_a_new_connection_is_turned_down)
{
    pool_state pool(of_size(0, 1));
    (void)pool.wait();
    auto now = start;
    for (const auto pause : {100ms, 200ms, 400ms}) {
        pool.connect_started();
        const auto made = pool.connect_succeeded(now, 0);
        (void)pool.wait();
        pool.removed(made.where);
        pool.turned_down(now, 1.0);
        EXPECT_EQ(pool.next_event(now), now + pause);
        now += pause;
        EXPECT_TRUE(pool.wants_connect(now));
    }
    pool.approved();
    pool.turned_down(now, 1.0);
    EXPECT_EQ(pool.next_event(now), now + 100ms);
}

TEST(pool_state, works_with_what_it_has_when_the_server_has_no_room)
{
    pool_state pool(of_size(1, 3));
    fill(pool, start);
    const auto only = pool.take_idle(start);
    const auto waiting = pool.wait();
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, true, 0.0), std::nullopt);
    EXPECT_FALSE(pool.wants_connect(start + 999ms));
    EXPECT_TRUE(pool.wants_connect(start + 1s));
    EXPECT_EQ(pool.give_back(*only, start), waiting);
}

TEST(pool_state, tells_a_waiter_of_no_room_when_nothing_else_can_serve_it)
{
    pool_state pool(of_size(0, 3));
    const auto waiting = pool.wait();
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, true, 0.0), waiting);
}

TEST(pool_state, closes_surplus_connections_that_are_idle_for_too_long)
{
    auto options = of_size(1, 3);
    options.idle_timeout = 10s;
    options.max_lifetime = 0ms;
    pool_state pool(options);
    for (int i = 0; i < 3; ++i)
        (void)pool.wait();
    fill(pool, start);
    for (slot which = 0; which < 3; ++which)
        pool.give_back(which, start + std::chrono::seconds(which));
    const auto nobody = [](slot) { return false; };
    EXPECT_TRUE(pool.take_expired(start + 9s, nobody).empty());
    EXPECT_EQ(pool.take_expired(start + 1h, nobody), (std::vector<slot>{0, 1}));
    EXPECT_EQ(pool.stats().size, 1U);
    EXPECT_FALSE(pool.wants_connect(start + 1h));
}

TEST(pool_state, ends_connections_at_their_jittered_lifetime_and_refills)
{
    auto options = of_size(2, 3);
    options.max_lifetime = 100s;
    pool_state pool(options);
    pool.connect_started();
    const auto shorter = pool.connect_succeeded(start, 1.0).where;
    pool.connect_started();
    const auto longer = pool.connect_succeeded(start, 0.0).where;
    EXPECT_TRUE(pool.must_end(shorter, start + 90s));
    EXPECT_FALSE(pool.must_end(longer, start + 99s));
    EXPECT_EQ(pool.take_expired(start + 90s, [](slot) { return false; }), std::vector<slot>{shorter});
    EXPECT_TRUE(pool.wants_connect(start + 90s));
}

TEST(pool_state, removes_idle_connections_that_are_dead)
{
    pool_state pool(of_size(2, 2));
    fill(pool, start);
    EXPECT_EQ(pool.take_expired(start, [](slot which) { return which == 1; }), std::vector<slot>{1});
    EXPECT_TRUE(pool.wants_connect(start));
}

TEST(pool_state, looks_for_dead_connections_every_30_s_however_often_it_is_asked_when)
{
    auto options = of_size(1, 1);
    options.keepalive_time = 0ms;
    pool_state pool(options);
    fill(pool, start);
    const auto nobody = [](slot) { return false; };
    EXPECT_EQ(pool.next_event(start), start + 30s);
    EXPECT_EQ(pool.next_event(start + 29s), start + 30s);
    EXPECT_EQ(pool.next_event(start + 31s), start + 31s) << "it is due";
    EXPECT_TRUE(pool.take_expired(start + 31s, nobody).empty());
    EXPECT_EQ(pool.next_event(start + 31s), start + 61s);
    EXPECT_EQ(pool.evict([](slot) { return true; }).idle.size(), 1U);
    EXPECT_EQ(pool.next_event(start + 1h), std::nullopt) << "there is nothing to look at";
    fill(pool, start + 1h);
    EXPECT_EQ(pool.next_event(start + 1h), start + 1h + 30s);
}

TEST(pool_state, does_not_connect_while_closing)
{
    pool_state pool(of_size(2, 4));
    (void)pool.wait();
    pool.begin_closing();
    EXPECT_FALSE(pool.wants_connect(start));
    EXPECT_EQ(pool.take_all_waiters().size(), 1U);
}

// --- interventions ---------------------------------------------------------------------------------

TEST(pool_state, serves_nobody_while_suspended_and_everybody_in_order_after)
{
    pool_state pool(of_size(2, 4));
    fill(pool, start);
    const auto lent = pool.take_idle(start);
    pool.suspend();
    EXPECT_FALSE(pool.take_idle(start));
    const auto first = pool.wait();
    const auto second = pool.wait();
    const auto third = pool.wait();
    EXPECT_EQ(pool.give_back(*lent, start), std::nullopt);
    EXPECT_FALSE(pool.wants_connect(start)) << "nobody would get it";
    EXPECT_FALSE(pool.take_for_check(start + 2s));
    const auto served = pool.resume(start);
    ASSERT_EQ(served.size(), 2U);
    EXPECT_EQ(served[0].owner, first);
    EXPECT_EQ(served[1].owner, second);
    EXPECT_TRUE(pool.wants_connect(start));
    pool.connect_started();
    EXPECT_EQ(pool.connect_succeeded(start, 0).owner, third);
}

TEST(pool_state, connects_to_nothing_while_suspended_and_refills_after)
{
    pool_state pool(of_size(2, 4));
    fill(pool, start);
    pool.connect_started(); // is under way
    pool.suspend();
    const auto caller = pool.wait();
    EXPECT_EQ(pool.evict([](slot) { return true; }).idle.size(), 2U);
    EXPECT_FALSE(pool.wants_connect(start));
    EXPECT_EQ(pool.connect_failed(start, false, 0), std::nullopt) << "who waits, waits for the end of the suspension";
    EXPECT_FALSE(pool.wants_connect(start + 1h));
    EXPECT_EQ(pool.next_event(start), std::nullopt) << "only `resume` can change that";
    EXPECT_TRUE(pool.resume(start + 1ms).empty());
    EXPECT_EQ(pool.next_event(start + 1ms), start + 50ms) << "the pause after the failure";
    ASSERT_TRUE(pool.wants_connect(start + 50ms));
    pool.connect_started();
    EXPECT_EQ(pool.connect_succeeded(start + 50ms, 0).owner, caller);
    EXPECT_TRUE(pool.wants_connect(start + 50ms)) << "up to its minimum";
}

TEST(pool_state, what_was_silent_is_checked_when_the_suspension_ends)
{
    pool_state pool(of_size(1, 1));
    fill(pool, start);
    pool.suspend();
    const auto caller = pool.wait();
    EXPECT_TRUE(pool.resume(start + 5s).empty());
    const auto checked = pool.take_for_check(start + 5s);
    ASSERT_TRUE(checked);
    EXPECT_EQ(pool.check_passed(*checked, start + 5s), caller);
}

TEST(pool_state, evicts_idle_connections_now_and_others_when_they_come_back)
{
    pool_state pool(of_size(4, 4));
    fill(pool, start);
    const auto lent = pool.take_idle(start);
    ASSERT_EQ(lent, 3U);
    const auto ended = pool.evict([](slot which) { return which != 0; });
    EXPECT_EQ(ended.idle, (std::vector<slot>{1, 2}));
    EXPECT_EQ(ended.active, 1U);
    EXPECT_TRUE(pool.must_end(*lent, start));
    EXPECT_EQ(pool.take_idle(start), 0U);
    EXPECT_FALSE(pool.must_end(0, start));
    pool.removed(*lent);
    fill(pool, start);
    EXPECT_EQ(pool.stats().size, 4U);
    EXPECT_FALSE(pool.must_end(*lent, start)) << "its place is taken by another";
}

TEST(pool_state, evicts_nothing_when_the_choice_fails)
{
    pool_state pool(of_size(2, 2));
    fill(pool, start);
    const auto choose = [](slot which) {
        if (which == 1)
            throw std::runtime_error("no choice");
        return true;
    };
    EXPECT_THROW((void)pool.evict(choose), std::runtime_error);
    EXPECT_EQ(pool.stats().idle, 2U);
}

} // namespace
} // namespace tradecore
