// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_state_start.hpp"

#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <queue>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using slot = pool_state::slot;
using time_point = pool_state::time_point;
using test::fill;
using test::of_size;
using test::start;

/// HikariCP's spike: 50 callers at once, 5 idle connections, 2 ms a query, 150 ms a connect. The work must be done
/// by the connections there are, not by making many new ones. @param idle_for when they were used last; a check takes
/// 1 ms.
void answer_a_spike(std::chrono::milliseconds idle_for)
{
    pool_state pool(of_size(5, 50));
    fill(pool, start);
    struct event {
        time_point when;
        std::function<void()> what;
        bool operator<(const event& other) const { return when > other.when; }
    };
    std::priority_queue<event> events;
    const auto begin = start + idle_for;
    auto now = begin;
    int done = 0;
    time_point finished{};
    const std::function<void(slot)> query = [&](slot which) {
        events.push({now + 2ms, [&, which] {
                         finished = now;
                         ++done;
                         if (pool.give_back(which, now))
                             query(which);
                     }});
    };
    const auto pump = [&] {
        while (const auto checked = pool.take_for_check(now)) {
            events.push({now + 1ms, [&, which = *checked] {
                             if (pool.check_passed(which, now))
                                 query(which);
                         }});
        }
        while (pool.wants_connect(now)) {
            pool.connect_started();
            events.push({now + 150ms, [&] {
                             const auto made = pool.connect_succeeded(now, 0);
                             if (made.owner)
                                 query(made.where);
                         }});
        }
    };
    for (int i = 0; i < 50; ++i) {
        if (const auto which = pool.take_idle(now))
            query(*which);
        else
            (void)pool.wait();
        pump();
    }
    while (!events.empty()) {
        const auto next = events.top();
        events.pop();
        now = next.when;
        next.what();
        pump();
    }
    EXPECT_EQ(done, 50);
    EXPECT_GE(pool.stats().size, 5U);
    EXPECT_LE(pool.stats().size, 6U);
    EXPECT_LE(finished - begin, 21ms);
}

TEST(pool_state, does_not_answer_a_short_spike_with_connects)
{
    answer_a_spike(0ms);
}

TEST(pool_state, does_not_answer_a_spike_after_a_silence_with_connects)
{
    answer_a_spike(60s);
}

TEST(pool_state, grows_faster_while_callers_go_on_waiting)
{
    pool_state pool(of_size(1, 50));
    fill(pool, start);
    (void)pool.take_idle(start);
    for (int i = 0; i < 40; ++i)
        (void)pool.wait();
    std::vector<int> rounds;
    for (int round = 0; round < 4; ++round) {
        int running = 0;
        while (pool.wants_connect(start)) {
            pool.connect_started();
            ++running;
        }
        rounds.push_back(running);
        for (int i = 0; i < running; ++i)
            pool.connect_succeeded(start, 0);
    }
    EXPECT_EQ(rounds, (std::vector<int>{1, 2, 4, 4}));
}

} // namespace
} // namespace tradecore
