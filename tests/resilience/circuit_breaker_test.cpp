// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/circuit_breaker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tradecore::resilience {
namespace {

using namespace std::chrono_literals;
using enum breaker_state;

constexpr time_point start{std::chrono::hours(1)};

/// A breaker under virtual time, and everything it told.
struct bench {
    explicit bench(const breaker_options& options = {}) : breaker(options, [this] { return lottery; })
    {
        breaker.add_listener([this](const breaker_change& what) { told.push_back(what); });
    }

    /// An attempt that is admitted and ends at once.
    void attempt(outcome how) { breaker.admit(now).granted.settle(how, now); }
    void open()
    {
        for (int i = 0; i < 5; ++i)
            attempt(outcome::failure);
    }
    [[nodiscard]] std::vector<breaker_cause> causes() const
    {
        std::vector<breaker_cause> all;
        for (const auto& each : told)
            all.push_back(each.cause);
        return all;
    }

    double lottery = 0;
    time_point now = start;
    std::vector<breaker_change> told;
    circuit_breaker breaker;
};

std::string complaint(const breaker_options& options)
{
    try {
        circuit_breaker refused(options, [] { return 0.0; });
    }
    catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "nothing";
}

// --- closed ----------------------------------------------------------------------------------------

TEST(circuit_breaker, opens_after_five_failures_in_a_row)
{
    bench b;
    for (int i = 0; i < 4; ++i)
        b.attempt(outcome::failure);
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_EQ(b.breaker.refuses_since(), std::nullopt);
    b.now += 1s;
    b.attempt(outcome::failure);
    EXPECT_EQ(b.breaker.state(), open);
    EXPECT_EQ(b.breaker.refuses_since(), start + 1s);
    EXPECT_EQ(b.breaker.consecutive_failures(), 5U);
}

TEST(circuit_breaker, begins_to_count_anew_after_a_success)
{
    bench b;
    for (int i = 0; i < 40; ++i)
        b.attempt(i % 5 == 4 ? outcome::success : outcome::failure);
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_EQ(b.breaker.consecutive_failures(), 0U);
}

TEST(circuit_breaker, learns_nothing_from_neutral_outcomes_and_dropped_permits)
{
    bench b;
    for (int i = 0; i < 4; ++i) {
        b.attempt(outcome::failure);
        b.attempt(outcome::neutral);
        (void)b.breaker.admit(b.now);
    }
    EXPECT_EQ(b.breaker.consecutive_failures(), 4U);
    b.attempt(outcome::failure);
    EXPECT_EQ(b.breaker.state(), open);
}

TEST(circuit_breaker, takes_a_burst_of_lost_connections_for_one_failure)
{
    bench b;
    for (int i = 0; i < 100; ++i) {
        b.now = start + i * 1ms;
        b.attempt(outcome::connection_lost);
    }
    EXPECT_EQ(b.breaker.consecutive_failures(), 1U);
    b.now = start + 100ms;
    b.attempt(outcome::connection_lost);
    EXPECT_EQ(b.breaker.consecutive_failures(), 2U);
}

TEST(circuit_breaker, opens_when_connections_keep_being_lost)
{
    bench b;
    for (; b.breaker.state() == closed; b.now += 10ms) {
        ASSERT_LE(b.now, start + 400ms);
        b.attempt(outcome::connection_lost);
    }
    EXPECT_EQ(b.breaker.refuses_since(), start + 400ms);
}

TEST(circuit_breaker, counts_each_lost_connection_when_told_to)
{
    bench b({.burst = 0ms});
    for (int i = 0; i < 5; ++i)
        b.attempt(outcome::connection_lost);
    EXPECT_EQ(b.breaker.state(), open);
}

TEST(circuit_breaker, does_not_stretch_a_burst_beyond_its_outage)
{
    bench b({.burst = 1h});
    b.attempt(outcome::connection_lost);
    b.open();
    b.now = start + 30s;
    b.attempt(outcome::success);
    ASSERT_EQ(b.breaker.state(), closed);
    b.attempt(outcome::connection_lost);
    EXPECT_EQ(b.breaker.consecutive_failures(), 1U);
}

TEST(circuit_breaker, has_no_background_probes_while_it_is_closed)
{
    bench b;
    EXPECT_EQ(b.breaker.next_background_probe(), std::nullopt);
    EXPECT_FALSE(b.breaker.try_background_probe(b.now + 1h));
    EXPECT_FALSE(b.breaker.admit(b.now).granted.is_probe());
    EXPECT_TRUE(b.breaker.admit(b.now).granted.limit().is_never());
}

// --- open ------------------------------------------------------------------------------------------

TEST(circuit_breaker, refuses_while_it_is_open_and_says_when_to_come_again)
{
    bench b;
    b.open();
    const auto refused = b.breaker.admit(b.now + 300ms);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.come_again_in, 700ms);
    EXPECT_EQ(b.breaker.stats().refused, 1U);
    // When nobody begins the background probe that is due, the answer stays a small one, up to the caller's turn.
    EXPECT_EQ(b.breaker.admit(b.now + 10s).come_again_in, 1s);
    EXPECT_EQ(b.breaker.admit(b.now + 29'999ms).come_again_in, 1ms);
}

TEST(circuit_breaker, is_probed_in_the_background_from_one_second_on)
{
    bench b;
    b.lottery = 1;
    b.open();
    EXPECT_EQ(b.breaker.next_background_probe(), start + 1'250ms);
    EXPECT_FALSE(b.breaker.try_background_probe(start + 1'249ms));
    auto probe = b.breaker.try_background_probe(start + 1'250ms);
    ASSERT_TRUE(probe);
    EXPECT_TRUE(probe.is_probe());
    EXPECT_EQ(probe.limit(), deadline::at(start + 6'250ms));
    EXPECT_EQ(b.breaker.state(), half_open);
    probe.settle(outcome::success, start + 1'300ms);
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_EQ(b.breaker.consecutive_failures(), 0U);
    EXPECT_TRUE(b.breaker.admit(start + 1'300ms));
}

TEST(circuit_breaker, makes_longer_pauses_between_background_probes_that_fail)
{
    bench b;
    b.open();
    std::vector<duration> pauses;
    for (int i = 0; i < 6; ++i) {
        const auto due = b.breaker.next_background_probe();
        ASSERT_TRUE(due);
        pauses.push_back(*due - b.now);
        b.now = *due;
        b.breaker.try_background_probe(b.now).settle(outcome::failure, b.now);
    }
    EXPECT_THAT(pauses, testing::ElementsAre(1s, 2s, 4s, 5s, 5s, 5s));
    EXPECT_EQ(b.breaker.refuses_since(), start);
}

TEST(circuit_breaker, begins_with_short_pauses_in_the_next_outage)
{
    bench b;
    b.open();
    for (int i = 0; i < 5; ++i) {
        b.now = b.breaker.next_background_probe().value();
        b.breaker.try_background_probe(b.now).settle(i < 4 ? outcome::failure : outcome::success, b.now);
    }
    ASSERT_EQ(b.breaker.state(), closed);
    b.open();
    EXPECT_EQ(b.breaker.next_background_probe(), b.now + 1s);
    EXPECT_EQ(b.breaker.stats().openings, 2U);
}

TEST(circuit_breaker, admits_a_caller_after_thirty_seconds_even_if_nobody_probes_in_the_background)
{
    bench b;
    b.open();
    EXPECT_FALSE(b.breaker.admit(start + 29'999ms));
    auto caller = b.breaker.admit(start + 30s);
    ASSERT_TRUE(caller);
    EXPECT_TRUE(caller.granted.is_probe());
    caller.granted.settle(outcome::success, start + 30s);
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_EQ(b.breaker.stats().caller_probes, 1U);
}

TEST(circuit_breaker, admits_the_next_caller_thirty_seconds_after_the_one_that_failed)
{
    bench b;
    b.open();
    b.breaker.admit(start + 40s).granted.settle(outcome::failure, start + 42s);
    EXPECT_FALSE(b.breaker.admit(start + 69'999ms));
    EXPECT_TRUE(b.breaker.admit(start + 70s));
}

TEST(circuit_breaker, does_not_put_a_callers_turn_off_for_background_probes)
{
    bench b;
    b.open();
    b.now = start + 29s;
    b.breaker.try_background_probe(b.now).settle(outcome::failure, b.now);
    EXPECT_FALSE(b.breaker.admit(start + 29'999ms));
    EXPECT_TRUE(b.breaker.admit(start + 30s));
}

// --- half-open -------------------------------------------------------------------------------------

TEST(circuit_breaker, has_one_probe_at_a_time)
{
    bench b;
    b.open();
    b.now = start + 31s;
    const auto probe = b.breaker.admit(b.now);
    ASSERT_TRUE(probe);
    EXPECT_FALSE(b.breaker.try_background_probe(b.now + 1s));
    const auto other = b.breaker.admit(b.now + 1s);
    EXPECT_FALSE(other);
    EXPECT_EQ(other.come_again_in, 4s);
    EXPECT_EQ(b.breaker.next_background_probe(), b.now + 5s);
}

TEST(circuit_breaker, gives_up_a_probe_that_does_not_end_in_time)
{
    bench b;
    b.open();
    auto hanging = b.breaker.admit(start + 30s);
    EXPECT_FALSE(b.breaker.admit(start + 36s));
    EXPECT_EQ(b.breaker.state(), open);
    EXPECT_EQ(b.told.back().cause, breaker_cause::probe_overdue);
    EXPECT_EQ(b.told.back().when, start + 35s);
    EXPECT_EQ(b.breaker.next_background_probe(), start + 37s);
    hanging.granted.settle(outcome::success, start + 35s);
    EXPECT_EQ(b.breaker.state(), open);
    EXPECT_EQ(b.breaker.stats().stale, 1U);
}

TEST(circuit_breaker, takes_a_success_after_the_probes_time_for_a_failure)
{
    bench b;
    b.open();
    auto late = b.breaker.admit(start + 30s);
    late.granted.settle(outcome::success, start + 35s);
    EXPECT_EQ(b.breaker.state(), open);
    EXPECT_EQ(b.told.back().cause, breaker_cause::probe_overdue);
}

TEST(circuit_breaker, lets_a_caller_take_the_place_of_an_overdue_probe)
{
    bench b;
    b.open();
    auto hanging = b.breaker.try_background_probe(start + 29s);
    EXPECT_FALSE(b.breaker.admit(start + 33s));
    auto caller = b.breaker.admit(start + 34s);
    ASSERT_TRUE(caller);
    hanging.drop();
    EXPECT_EQ(b.breaker.state(), half_open);
    caller.granted.settle(outcome::success, start + 34s);
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_THAT(
        b.causes(),
        testing::ElementsAre(
            breaker_cause::too_many_failures, breaker_cause::background_probe_begins, breaker_cause::probe_overdue,
            breaker_cause::caller_probe_begins, breaker_cause::probe_succeeded));
}

TEST(circuit_breaker, gives_the_turn_of_a_caller_that_was_cancelled_to_the_next)
{
    bench b;
    b.open();
    try {
        const auto cancelled = b.breaker.admit(start + 30s);
        ASSERT_TRUE(cancelled);
        throw std::runtime_error("cancelled");
    }
    catch (const std::runtime_error&) {
        EXPECT_EQ(b.breaker.state(), open);
    }
    EXPECT_EQ(b.told.back().cause, breaker_cause::probe_given_back);
    EXPECT_EQ(b.told.back().when, start + 30s);
    EXPECT_TRUE(b.breaker.admit(start + 30s));
}

TEST(circuit_breaker, leaves_the_background_its_time_when_a_caller_was_cancelled)
{
    bench b;
    b.open();
    b.breaker.try_background_probe(start + 29s).settle(outcome::failure, start + 29s);
    (void)b.breaker.admit(start + 30s);
    EXPECT_EQ(b.breaker.next_background_probe(), start + 31s);
}

TEST(circuit_breaker, does_not_spin_when_background_probes_tell_nothing)
{
    bench b;
    b.open();
    b.now = start + 1s;
    b.breaker.try_background_probe(b.now).settle(outcome::neutral, b.now);
    EXPECT_EQ(b.breaker.next_background_probe(), start + 3s);
    b.now = start + 3s;
    b.breaker.try_background_probe(b.now).drop();
    EXPECT_EQ(b.breaker.next_background_probe(), start + 7s);
}

struct ending {
    const char* name;
    outcome how;
    duration after;
    breaker_state leaves;

    friend void PrintTo(const ending& each, std::ostream* out) { *out << each.name; }
};

class probe_ending : public testing::TestWithParam<ending> {};

TEST_P(probe_ending, decides_about_the_state_whoever_probes)
{
    for (const bool background : {false, true}) {
        bench b;
        b.open();
        b.now += 30s;
        auto probe = background ? b.breaker.try_background_probe(b.now) : b.breaker.admit(b.now).granted;
        ASSERT_TRUE(probe);
        b.now += GetParam().after;
        probe.settle(GetParam().how, b.now);
        EXPECT_EQ(b.breaker.state(), GetParam().leaves);
        EXPECT_FALSE(probe);
    }
}

INSTANTIATE_TEST_SUITE_P(
    circuit_breaker, probe_ending,
    testing::Values(
        ending{"success", outcome::success, 1s, closed}, ending{"failure", outcome::failure, 1s, open},
        ending{"connection_lost", outcome::connection_lost, 1s, open}, ending{"neutral", outcome::neutral, 1s, open},
        ending{"success_too_late", outcome::success, 5s, open}, ending{"failure_too_late", outcome::failure, 5s, open}),
    [](const auto& each) { return std::string(each.param.name); });

// --- generations -----------------------------------------------------------------------------------

TEST(circuit_breaker, drops_what_was_sent_before_it_opened)
{
    bench b;
    auto early = b.breaker.admit(b.now);
    auto another = b.breaker.admit(b.now);
    b.open();
    early.granted.settle(outcome::success, b.now);
    EXPECT_EQ(b.breaker.state(), open);
    b.now = start + 30s;
    b.breaker.admit(b.now).granted.settle(outcome::success, b.now);
    ASSERT_EQ(b.breaker.state(), closed);
    another.granted.settle(outcome::failure, b.now);
    EXPECT_EQ(b.breaker.consecutive_failures(), 0U);
    EXPECT_EQ(b.breaker.stats().stale, 2U);
}

// --- permits ---------------------------------------------------------------------------------------

TEST(permit, is_settled_once)
{
    bench b;
    auto once = b.breaker.admit(b.now).granted;
    EXPECT_TRUE(once);
    once.settle(outcome::failure, b.now);
    EXPECT_FALSE(once);
    once.settle(outcome::failure, b.now);
    once.drop();
    EXPECT_EQ(b.breaker.consecutive_failures(), 1U);
    circuit_breaker::permit empty;
    empty.settle(outcome::failure, b.now);
    EXPECT_FALSE(empty);
}

TEST(permit, takes_its_right_along_when_it_is_moved)
{
    bench b;
    b.open();
    auto probe = b.breaker.admit(start + 30s).granted;
    auto moved = std::move(probe);
    EXPECT_FALSE(probe); // NOLINT(bugprone-use-after-move): that is what is tested
    probe.drop();
    EXPECT_EQ(b.breaker.state(), half_open);
    circuit_breaker::permit& itself = moved;
    moved = std::move(itself);
    EXPECT_TRUE(moved);
    moved.settle(outcome::success, start + 30s);
    EXPECT_EQ(b.breaker.state(), closed);
}

TEST(permit, drops_what_it_held_when_another_is_assigned)
{
    bench b;
    b.open();
    auto probe = b.breaker.admit(start + 30s).granted;
    probe = circuit_breaker::permit();
    EXPECT_EQ(b.breaker.state(), open);
    EXPECT_TRUE(b.breaker.admit(start + 30s));
}

// --- time ------------------------------------------------------------------------------------------

TEST(circuit_breaker, takes_an_earlier_time_for_the_latest)
{
    bench b;
    b.open();
    auto probe = b.breaker.admit(start + 30s).granted;
    probe.settle(outcome::failure, start);
    EXPECT_EQ(b.told.back().when, start + 30s);
    EXPECT_EQ(b.breaker.next_background_probe(), start + 32s);
}

// --- listeners -------------------------------------------------------------------------------------

TEST(circuit_breaker, tells_of_every_change_from_what_to_what_why_and_when)
{
    bench b;
    b.open();
    b.breaker.admit(start + 30s).granted.settle(outcome::failure, start + 31s);
    b.breaker.try_background_probe(start + 40s).settle(outcome::success, start + 41s);
    const auto is = [](breaker_state from, breaker_state to, breaker_cause cause, time_point when) {
        return testing::AllOf(
            testing::Field(&breaker_change::from, from), testing::Field(&breaker_change::to, to),
            testing::Field(&breaker_change::cause, cause), testing::Field(&breaker_change::when, when));
    };
    EXPECT_THAT(
        b.told, testing::ElementsAre(
                    is(closed, open, breaker_cause::too_many_failures, start),
                    is(open, half_open, breaker_cause::caller_probe_begins, start + 30s),
                    is(half_open, open, breaker_cause::probe_failed, start + 31s),
                    is(open, half_open, breaker_cause::background_probe_begins, start + 40s),
                    is(half_open, closed, breaker_cause::probe_succeeded, start + 41s)));
}

TEST(circuit_breaker, can_be_used_by_its_listeners_and_still_tells_in_order)
{
    bench b;
    std::vector<breaker_state> seen;
    b.breaker.add_listener([&](const breaker_change& what) {
        seen.push_back(b.breaker.state());
        if (what.to == open)
            b.breaker.try_background_probe(b.now + 1s).settle(outcome::success, b.now + 1s);
    });
    b.open();
    EXPECT_EQ(b.breaker.state(), closed);
    EXPECT_THAT(seen, testing::ElementsAre(open, closed, closed));
    EXPECT_THAT(
        b.causes(),
        testing::ElementsAre(
            breaker_cause::too_many_failures, breaker_cause::background_probe_begins, breaker_cause::probe_succeeded));
}

TEST(circuit_breaker, is_not_disturbed_by_a_listener_that_throws)
{
    bench b;
    b.breaker.add_listener([](const breaker_change&) { throw std::runtime_error("listener"); });
    int calls = 0;
    b.breaker.add_listener([&](const breaker_change&) { ++calls; });
    b.open();
    (void)b.breaker.admit(start + 30s); // dropped: told from a destructor
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(b.breaker.state(), open);
}

TEST(circuit_breaker, does_not_call_a_listener_that_was_removed_not_even_by_itself)
{
    bench b;
    int calls = 0;
    circuit_breaker::listener_id once = 0;
    // What the function holds must live until it has returned.
    const auto kept = std::make_shared<int>(7);
    once = b.breaker.add_listener([&, kept](const breaker_change&) {
        b.breaker.remove_listener(once);
        calls += *kept;
    });
    b.open();
    (void)b.breaker.admit(start + 30s);
    EXPECT_EQ(calls, 7);
    EXPECT_EQ(kept.use_count(), 1);
    b.breaker.remove_listener(once);
    const auto other = b.breaker.add_listener([&](const breaker_change&) { ++calls; });
    b.breaker.remove_listener(other);
    (void)b.breaker.admit(start + 30s);
    EXPECT_EQ(calls, 7);
}

TEST(circuit_breaker, does_not_call_a_listener_that_another_has_removed_for_the_same_change)
{
    bench b;
    int calls = 0;
    circuit_breaker::listener_id later = 0;
    b.breaker.add_listener([&](const breaker_change&) { b.breaker.remove_listener(later); });
    later = b.breaker.add_listener([&](const breaker_change&) { ++calls; });
    b.open();
    EXPECT_EQ(calls, 0);
}

// --- options ---------------------------------------------------------------------------------------

TEST(breaker_options, names_the_member_that_makes_no_sense)
{
    EXPECT_EQ(complaint({}), "nothing");
    EXPECT_THAT(complaint({.failure_threshold = 0}), testing::HasSubstr("breaker_options.failure_threshold"));
    EXPECT_THAT(complaint({.burst = -1ms}), testing::HasSubstr("breaker_options.burst"));
    EXPECT_THAT(complaint({.probe_timeout = 0ms}), testing::HasSubstr("breaker_options.probe_timeout"));
    EXPECT_EQ(complaint({.probe_timeout = 5'001ms}), "breaker_options.probe_timeout must be at most 5 s");
    EXPECT_THAT(complaint({.background_probe = 0ms}), testing::HasSubstr("breaker_options.background_probe must"));
    EXPECT_THAT(
        complaint({.background_probe_limit = 999ms}), testing::HasSubstr("breaker_options.background_probe_limit"));
    EXPECT_THAT(complaint({.caller_probe = 4'999ms}), testing::HasSubstr("breaker_options.caller_probe"));
    EXPECT_THROW(circuit_breaker({}, nullptr), std::invalid_argument);
    bench b;
    EXPECT_THROW(b.breaker.add_listener(nullptr), std::invalid_argument);
}

TEST(breaker_options, may_be_as_long_as_they_like)
{
    constexpr auto endless = std::chrono::milliseconds::max();
    bench b({.burst = endless, .background_probe_limit = endless, .caller_probe = endless});
    b.open();
    EXPECT_FALSE(b.breaker.admit(start + 24h * 365));
    b.attempt(outcome::connection_lost);
    EXPECT_EQ(b.breaker.state(), open);
}

TEST(circuit_breaker, has_words_for_states_and_causes)
{
    EXPECT_EQ(to_string(closed), "closed");
    EXPECT_EQ(to_string(open), "open");
    EXPECT_EQ(to_string(half_open), "half-open");
    EXPECT_EQ(to_string(breaker_cause::too_many_failures), "too many failures in a row");
    EXPECT_EQ(to_string(breaker_cause::probe_given_back), "the probe was given back");
}

} // namespace
} // namespace tradecore::resilience
