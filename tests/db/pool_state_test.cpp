// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

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

TEST(pool_state, lends_one_that_was_checked_before_one_that_was_silent_for_long)
{
    auto options = sized(2, 2);
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
    pool_state pool(sized(2, 2));
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
    pool_state pool(sized(1, 1));
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
    pool_state pool(sized(0, 2));
    (void)pool.wait();
    fill(pool, start);
    EXPECT_FALSE(pool.take_idle(start));
}

TEST(pool_state, skips_a_waiter_that_gave_up)
{
    pool_state pool(sized(1, 1));
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
    EXPECT_TRUE(pool.must_end(shorter, start + 90s));
    EXPECT_FALSE(pool.must_end(longer, start + 99s));
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
/// by the connections there are, not by making many new ones. @param idle_for when they were used last; a check takes
/// 1 ms.
void answer_a_spike(std::chrono::milliseconds idle_for)
{
    pool_state pool(sized(5, 50));
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
    pool_state pool(sized(1, 50));
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

// --- checks ----------------------------------------------------------------------------------------

TEST(pool_state, lends_nothing_that_was_silent_for_long_without_a_check)
{
    pool_state pool(sized(2, 2));
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
    pool_state pool(sized(1, 3));
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
    auto options = sized(1, 2);
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
    pool_state pool(sized(1, 3));
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
    pool_state pool(sized(3, 3));
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
    auto options = sized(3, 3);
    options.keepalive_time = 100s;
    pool_state pool(options);
    for (const double lottery : {0.0, 0.5, 1.0}) { // due after 100, 90 and 80 s
        pool.connect_started();
        pool.connect_succeeded(start, lottery);
    }
    EXPECT_FALSE(pool.take_for_check(start + 79s));
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
    auto options = sized(0, 3);
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
    auto options = sized(1, 1);
    options.keepalive_time = 0ms;
    pool_state pool(options);
    fill(pool, start);
    EXPECT_FALSE(pool.take_for_check(start + 24h));
}

TEST(pool_state, a_caller_whose_connection_was_of_no_use_keeps_its_place)
{
    pool_state pool(sized(1, 1));
    fill(pool, start);
    const auto only = pool.take_idle(start);
    const auto first = pool.wait();
    const auto second = pool.wait();
    EXPECT_EQ(pool.give_back(*only, start), first);
    pool.wait_again(first);
    EXPECT_EQ(pool.give_back(*only, start), first);
    EXPECT_EQ(pool.give_back(*only, start), second);
}

// --- interventions ---------------------------------------------------------------------------------

TEST(pool_state, serves_nobody_while_suspended_and_everybody_in_order_after)
{
    pool_state pool(sized(2, 4));
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

TEST(pool_state, a_suspended_pool_refills_to_its_minimum)
{
    pool_state pool(sized(2, 4));
    fill(pool, start);
    pool.suspend();
    const auto caller = pool.wait();
    EXPECT_EQ(pool.evict([](slot) { return true; }).idle.size(), 2U);
    ASSERT_TRUE(pool.wants_connect(start));
    pool.connect_started();
    EXPECT_EQ(pool.connect_failed(start, false, 0), std::nullopt) << "who waits, waits for the end of the suspension";
    EXPECT_EQ(pool.next_event(start), start + 50ms);
    fill(pool, start + 50ms);
    EXPECT_EQ(pool.stats().idle, 2U);
    EXPECT_TRUE(pool.withdraw(caller));
}

TEST(pool_state, what_was_silent_is_checked_when_the_suspension_ends)
{
    pool_state pool(sized(1, 1));
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
    pool_state pool(sized(4, 4));
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
    pool_state pool(sized(2, 2));
    fill(pool, start);
    const auto choose = [](slot which) {
        if (which == 1)
            throw std::runtime_error("no choice");
        return true;
    };
    EXPECT_THROW((void)pool.evict(choose), std::runtime_error);
    EXPECT_EQ(pool.stats().idle, 2U);
}

// --- any order of events ---------------------------------------------------------------------------

/// Plays random events, and keeps in a model what must hold.
class game {
public:
    explicit game(std::uint32_t seed) : random_(seed), options_(random_options()), pool_(options_) {}

    void play(int steps)
    {
        for (int step = 0; step < steps && problem_.empty(); ++step) {
            event();
            pump();
            look();
        }
    }
    /// @returns what does not hold; empty when all does.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    double lottery() { return static_cast<double>(below(100)) / 100.0; }
    std::chrono::milliseconds moment() { return std::chrono::milliseconds(below(3000)); }

    pool_options random_options()
    {
        auto options = sized(below(4), 0);
        options.maximum = std::max<std::size_t>(1, options.minimum + below(4));
        options.maximum_connecting = 1 + below(4);
        options.idle_timeout = 5s;
        options.max_lifetime = 20s;
        options.keepalive_time = std::chrono::seconds(below(2) * 3);
        options.idle_check_after = std::chrono::milliseconds(below(3) * 1000);
        return options;
    }
    void demand(bool holds, const char* promise)
    {
        if (!holds && problem_.empty())
            problem_ = promise;
    }
    template <class Set>
    auto any_of(Set& set)
    {
        const auto chosen = std::next(set.begin(), static_cast<std::ptrdiff_t>(below(set.size())));
        const auto value = *chosen;
        set.erase(chosen);
        return value;
    }
    void serve(std::optional<ticket> who, slot which)
    {
        demand(who.has_value() == (!waiting_.empty() && !suspended_), "what becomes free goes to who waits");
        if (!who)
            return;
        demand(!waiting_.empty() && *who == *waiting_.begin(), "first come, first served");
        waiting_.erase(*who);
        demand(lent_.insert(which).second, "nothing is lent twice");
        last_served_ = {which, who};
    }

    void event()
    {
        switch (below(15)) {
        case 0:
        case 1:
        case 2:
            return call();
        case 3:
        case 4: // a return
            if (!lent_.empty()) {
                const slot which = any_of(lent_);
                if (pool_.must_end(which, now_))
                    pool_.removed(which);
                else
                    serve(pool_.give_back(which, now_), which);
            }
            return;
        case 5: // a connection breaks in use
            if (!lent_.empty())
                pool_.removed(any_of(lent_));
            return;
        case 6: // a connect ends
            if (connecting_ > 0) {
                --connecting_;
                const auto made = pool_.connect_succeeded(now_, lottery());
                demand(!pool_.must_end(made.where, now_), "a new connection is new");
                serve(made.owner, made.where);
            }
            return;
        case 7:
            return fail_connect();
        case 8: // a waiter gives up
            if (!waiting_.empty())
                demand(pool_.withdraw(any_of(waiting_)), "who waits can leave");
            return;
        case 9:
            return end_check();
        case 10: // a connection breaks between its promise and its use
            if (last_served_ && lent_.erase(last_served_->where) != 0) {
                pool_.removed(last_served_->where);
                pool_.wait_again(*last_served_->owner);
                demand(waiting_.insert(*last_served_->owner).second, "a ticket is one caller's");
            }
            last_served_.reset();
            return;
        case 11:
            return toggle();
        case 12:
            return evict();
        case 13: // nobody answers
            (void)pool_.take_suspects(now_, now_ - moment());
            return;
        default: // time passes
            now_ += moment();
            (void)pool_.take_expired(now_, [this](slot) { return below(20) == 0; });
            return;
        }
    }
    void call()
    {
        const bool somebody_waits = !waiting_.empty();
        if (const auto which = pool_.take_idle(now_)) {
            demand(!somebody_waits, "nobody overtakes who waits");
            demand(!suspended_, "a suspended pool lends nothing");
            demand(lent_.insert(*which).second, "nothing is lent twice");
        }
        else {
            const auto who = pool_.wait();
            demand(waiting_.empty() || who > *waiting_.rbegin(), "who comes last is last in line");
            waiting_.insert(who);
        }
    }
    void fail_connect()
    {
        if (connecting_ == 0)
            return;
        --connecting_;
        if (below(8) == 0) {
            pool_.connect_abandoned();
            return;
        }
        const bool no_room = below(2) == 0;
        const auto size = pool_.stats().size;
        const auto told = pool_.connect_failed(now_, no_room, lottery());
        demand(
            told.has_value() == (!waiting_.empty() && !suspended_ && !(no_room && size > 0)),
            "a failed connect tells one who waits");
        if (!told)
            return;
        demand(*told == *waiting_.begin(), "a failed connect tells the first");
        waiting_.erase(*told);
    }
    void end_check()
    {
        if (checked_.empty())
            return;
        const slot which = any_of(checked_);
        if (below(3) == 0 || pool_.must_end(which, now_))
            pool_.removed(which);
        else
            serve(pool_.check_passed(which, now_), which);
    }
    void toggle()
    {
        suspended_ = !suspended_;
        if (suspended_)
            return pool_.suspend();
        for (const auto& [which, owner] : pool_.resume(now_))
            serve(owner, which);
    }
    void evict()
    {
        const std::size_t chance = 1 + below(4);
        const auto idle = pool_.stats().idle;
        const auto ended = pool_.evict([&](slot) { return below(chance) == 0; });
        demand(pool_.stats().idle + ended.idle.size() == idle, "idle connections are evicted at once");
        demand(ended.active <= lent_.size() + checked_.size(), "what is lent is evicted later");
    }
    void pump()
    {
        while (const auto which = pool_.take_for_check(now_))
            demand(checked_.insert(*which).second, "nothing is checked twice");
        while (pool_.wants_connect(now_)) {
            pool_.connect_started();
            ++connecting_;
        }
    }
    void look()
    {
        const auto stats = pool_.stats();
        demand(stats.active == lent_.size() + checked_.size(), "what is active is lent or checked");
        demand(pool_.checking() == checked_.size(), "checks are counted");
        demand(stats.waiting == waiting_.size(), "who waits is counted");
        demand(stats.connecting == connecting_, "connects are counted");
        demand(stats.size == stats.active + stats.idle, "the size is what is active or idle");
        demand(stats.size + stats.connecting <= options_.maximum, "never more than the maximum");
        demand(stats.connecting <= options_.maximum_connecting, "connects are bounded");
        const auto callers = suspended_ ? 0 : waiting_.size();
        demand(stats.idle == 0 || callers <= checked_.size(), "nothing is idle that somebody could use");
        const bool is_short = stats.size + connecting_ < options_.maximum &&
                              (callers > checked_.size() || stats.size + connecting_ < options_.minimum);
        demand(
            !is_short || connecting_ > 0 || pool_.next_event(now_).value_or(time_point::max()) <= now_ + 5s,
            "while somebody waits and there is room, a connect is running or its time is known");
    }

    std::minstd_rand random_;
    pool_options options_;
    pool_state pool_;
    time_point now_ = start;
    std::set<slot> lent_;
    std::set<slot> checked_;
    std::set<ticket> waiting_;
    std::optional<pool_state::placed> last_served_;
    std::size_t connecting_ = 0;
    bool suspended_ = false;
    std::string problem_;
};

RC_GTEST_PROP(pool_state, keeps_its_promises, (std::uint32_t seed))
{
    game one(seed);
    one.play(*rc::gen::inRange(0, 300));
    RC_ASSERT(one.problem() == "");
}

TEST(pool_state, keeps_its_promises_for_long)
{
    const bool thorough = std::getenv("TRADECORE_LONG_TESTS") != nullptr;
    const std::uint32_t games = thorough ? 20'000 : 200;
    for (std::uint32_t seed = 1; seed <= games; ++seed) {
        game one(seed);
        one.play(250);
        ASSERT_EQ(one.problem(), "") << "seed " << seed;
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
