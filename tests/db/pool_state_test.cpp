// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <queue>
#include <set>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using slot = pool_state::slot;
using ticket = pool_state::ticket;
using time_point = pool_state::time_point;

constexpr time_point start{std::chrono::hours(1)};

pool_options sized(std::size_t minimum, std::size_t maximum)
{
    return {.minimum = minimum, .maximum = maximum};
}

/// Starts all connects that are wanted and lets them succeed.
void fill(pool_state& pool, time_point now)
{
    while (pool.wants_connect(now)) {
        pool.connect_started();
        pool.connect_succeeded(now, 0);
    }
}

TEST(pool_state, connects_up_to_its_minimum_with_bounded_concurrency)
{
    pool_state pool(sized(6, 10));
    int running = 0;
    while (pool.wants_connect(start)) {
        pool.connect_started();
        ++running;
    }
    EXPECT_EQ(running, 4);
    pool.connect_succeeded(start, 0);
    EXPECT_TRUE(pool.wants_connect(start));
}

TEST(pool_state, lends_the_connection_that_was_used_last)
{
    pool_state pool(sized(2, 2));
    fill(pool, start);
    const auto first = pool.take_idle();
    const auto second = pool.take_idle();
    ASSERT_TRUE(first && second);
    pool.give_back(*first, start);
    pool.give_back(*second, start);
    EXPECT_EQ(pool.take_idle(), second);
}

TEST(pool_state, hands_what_is_returned_to_the_first_waiter)
{
    pool_state pool(sized(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle();
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
    pool_state pool(sized(0, 2));
    (void)pool.wait();
    fill(pool, start);
    EXPECT_FALSE(pool.take_idle());
}

TEST(pool_state, skips_a_waiter_that_gave_up)
{
    pool_state pool(sized(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle();
    const auto first = pool.wait();
    const auto second = pool.wait();
    EXPECT_TRUE(pool.withdraw(first));
    EXPECT_EQ(pool.give_back(*only, start), second);
    EXPECT_FALSE(pool.withdraw(second));
}

TEST(pool_state, never_grows_beyond_its_maximum)
{
    pool_state pool(sized(0, 3));
    for (int i = 0; i < 10; ++i)
        (void)pool.wait();
    fill(pool, start);
    EXPECT_EQ(pool.stats().size, 3U);
    EXPECT_EQ(pool.stats().waiting, 7U);
}

TEST(pool_state, tells_one_waiter_of_a_failed_connect_and_pauses)
{
    pool_state pool(sized(0, 3));
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
    pool_state pool(sized(0, 3));
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

TEST(pool_state, works_with_what_it_has_when_the_server_has_no_room)
{
    pool_state pool(sized(1, 3));
    fill(pool, start);
    const auto only = pool.take_idle();
    const auto waiting = pool.wait();
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, true, 0.0), std::nullopt);
    EXPECT_FALSE(pool.wants_connect(start + 999ms));
    EXPECT_TRUE(pool.wants_connect(start + 1s));
    EXPECT_EQ(pool.give_back(*only, start), waiting);
}

TEST(pool_state, tells_a_waiter_of_no_room_when_nothing_else_can_serve_it)
{
    pool_state pool(sized(0, 3));
    const auto waiting = pool.wait();
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, true, 0.0), waiting);
}

TEST(pool_state, closes_surplus_connections_that_are_idle_for_too_long)
{
    auto options = sized(1, 3);
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
    auto options = sized(2, 3);
    options.max_lifetime = 100s;
    pool_state pool(options);
    pool.connect_started();
    const auto shorter = pool.connect_succeeded(start, 1.0).where;
    pool.connect_started();
    const auto longer = pool.connect_succeeded(start, 0.0).where;
    EXPECT_TRUE(pool.is_expired(shorter, start + 90s));
    EXPECT_FALSE(pool.is_expired(longer, start + 99s));
    EXPECT_EQ(pool.take_expired(start + 90s, [](slot) { return false; }), std::vector<slot>{shorter});
    EXPECT_TRUE(pool.wants_connect(start + 90s));
}

TEST(pool_state, removes_idle_connections_that_are_dead)
{
    pool_state pool(sized(2, 2));
    fill(pool, start);
    EXPECT_EQ(pool.take_expired(start, [](slot which) { return which == 1; }), std::vector<slot>{1});
    EXPECT_TRUE(pool.wants_connect(start));
}

TEST(pool_state, does_not_connect_while_closing)
{
    pool_state pool(sized(2, 4));
    (void)pool.wait();
    pool.begin_closing();
    EXPECT_FALSE(pool.wants_connect(start));
    EXPECT_EQ(pool.take_all_waiters().size(), 1U);
}

/// HikariCP's spike: 50 callers at once, 5 idle connections, 2 ms a query, 150 ms a connect. The work must be done
/// by the connections there are, not by making many new ones.
TEST(pool_state, does_not_answer_a_short_spike_with_connects)
{
    pool_state pool(sized(5, 50));
    fill(pool, start);
    struct event {
        time_point when;
        std::function<void()> what;
        bool operator<(const event& other) const { return when > other.when; }
    };
    std::priority_queue<event> events;
    auto now = start;
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
        if (const auto which = pool.take_idle())
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
    EXPECT_LE(pool.stats().size, 6U);
    EXPECT_LE(finished - start, 20ms);
}

TEST(pool_state, grows_faster_while_callers_go_on_waiting)
{
    pool_state pool(sized(1, 50));
    fill(pool, start);
    (void)pool.take_idle();
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

/// Any sequence of events: a model keeps what must hold.
RC_GTEST_PROP(pool_state, keeps_its_promises, ())
{
    auto options = sized(*rc::gen::inRange<std::size_t>(0, 4), 0);
    options.maximum = std::max<std::size_t>(1, options.minimum + *rc::gen::inRange<std::size_t>(0, 4));
    options.maximum_connecting = *rc::gen::inRange<std::size_t>(1, 5);
    options.idle_timeout = 5s;
    options.max_lifetime = 20s;
    pool_state pool(options);
    auto now = start;
    std::set<slot> lent;
    std::set<ticket> waiting;
    ticket last_served = 0;
    std::size_t connecting = 0;

    const auto serve = [&](std::optional<ticket> who, slot which) {
        if (!who)
            return;
        RC_ASSERT(!waiting.empty());
        RC_ASSERT(*who == *waiting.begin());
        RC_ASSERT(*who > last_served);
        last_served = *who;
        waiting.erase(*who);
        RC_ASSERT(lent.insert(which).second);
    };
    const int steps = *rc::gen::inRange(0, 200);
    for (int step = 0; step < steps; ++step) {
        switch (*rc::gen::inRange(0, 8)) {
        case 0:
        case 1: // a caller
            if (const auto which = pool.take_idle()) {
                RC_ASSERT(waiting.empty());
                RC_ASSERT(lent.insert(*which).second);
            }
            else {
                waiting.insert(pool.wait());
            }
            break;
        case 2: // a return
            if (!lent.empty()) {
                const slot which = *lent.begin();
                lent.erase(which);
                serve(pool.give_back(which, now), which);
            }
            break;
        case 3: // a connection breaks in use
            if (!lent.empty()) {
                pool.removed(*lent.rbegin());
                lent.erase(*lent.rbegin());
            }
            break;
        case 4: // a connect ends
            if (connecting > 0) {
                --connecting;
                const auto made = pool.connect_succeeded(now, *rc::gen::inRange(0, 100) / 100.0);
                serve(made.owner, made.where);
            }
            break;
        case 5: // a connect fails
            if (connecting > 0) {
                --connecting;
                const bool no_room = *rc::gen::arbitrary<bool>();
                const auto size = pool.stats().size;
                const auto told = pool.connect_failed(now, no_room, *rc::gen::inRange(0, 100) / 100.0);
                RC_ASSERT(told.has_value() == (!waiting.empty() && !(no_room && size > 0)));
                if (told) {
                    RC_ASSERT(*told == *waiting.begin());
                    waiting.erase(*told);
                }
            }
            break;
        case 6: // a waiter gives up
            if (!waiting.empty()) {
                const auto who = *std::next(
                    waiting.begin(), static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, waiting.size())));
                RC_ASSERT(pool.withdraw(who));
                waiting.erase(who);
            }
            break;
        default: // time passes
            now += std::chrono::milliseconds(*rc::gen::inRange(0, 3000));
            (void)pool.take_expired(now, [](slot) { return false; });
            break;
        }
        while (pool.wants_connect(now)) {
            pool.connect_started();
            ++connecting;
        }

        const auto stats = pool.stats();
        RC_ASSERT(stats.active == lent.size());
        RC_ASSERT(stats.waiting == waiting.size());
        RC_ASSERT(stats.connecting == connecting);
        RC_ASSERT(stats.size == stats.active + stats.idle);
        RC_ASSERT(stats.size + stats.connecting <= options.maximum);
        RC_ASSERT(stats.connecting <= options.maximum_connecting);
        RC_ASSERT(waiting.empty() || stats.idle == 0);
        const bool short_of = stats.size + connecting < options.maximum &&
                              (!waiting.empty() || stats.size + connecting < options.minimum);
        // Somebody waits and there is room: a connect is running, or its time is known.
        RC_ASSERT(!short_of || connecting > 0 || pool.next_event(now).value_or(time_point::max()) <= now + 5s);
    }
}

TEST(pool_options, refuses_what_makes_no_sense_by_the_members_name)
{
    const auto problem = [](pool_options options) -> std::string {
        try {
            options.validate();
        }
        catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "accepted";
    };
    EXPECT_EQ(problem(sized(0, 0)), "pool_options.maximum must be at least 1");
    EXPECT_EQ(problem(sized(3, 2)), "pool_options.minimum must not be above maximum");
    EXPECT_EQ(problem(sized(2, 2)), "accepted");
    auto share = sized(1, 2);
    share.exhaustion_threshold = 0;
    EXPECT_EQ(problem(share), "pool_options.exhaustion_threshold must be above 0 and at most 1");
}

} // namespace
} // namespace tradecore
