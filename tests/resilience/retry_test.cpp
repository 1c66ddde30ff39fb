// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/random_source.hpp>
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace tradecore::resilience {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{std::chrono::hours(1)};
constexpr failed_attempt lost{.repeatable = true};
constexpr failed_attempt collided{.kind = fault::conflict, .repeatable = true};
/// The longest pauses.
constexpr double all = 1.0;

/// What a call to `validate()` complains of.
template <class Options>
std::string complaint(const Options& options)
{
    try {
        options.validate();
    }
    catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "nothing";
}

TEST(backoff, doubles_from_its_base_up_to_its_cap)
{
    const backoff_policy policy{.base = 50ms, .cap = 300ms};
    EXPECT_EQ(pause(policy, 0, all), 50ms);
    EXPECT_EQ(pause(policy, 1, all), 100ms);
    EXPECT_EQ(pause(policy, 2, all), 200ms);
    EXPECT_EQ(pause(policy, 3, all), 300ms);
    EXPECT_EQ(pause(policy, 4'000'000'000U, all), 300ms);
    EXPECT_EQ(pause(policy, 5, 0.0), 0ms);
}

TEST(backoff, leaves_only_the_share_of_its_jitter_to_chance)
{
    const backoff_policy half{.base = 100ms, .cap = 1s, .jitter = 0.5};
    EXPECT_EQ(pause(half, 0, 0.0), 50ms);
    EXPECT_EQ(pause(half, 0, 0.5), 75ms);
    EXPECT_EQ(pause({.base = 100ms, .cap = 1s, .jitter = 0}, 1, 0.0), 200ms);
}

TEST(backoff, stands_what_validation_would_refuse)
{
    EXPECT_EQ(pause({.base = 0ms, .cap = 1s}, 4'000'000'000U, all), 0ms);
    EXPECT_EQ(pause({.base = 100ms, .cap = 10ms}, 3, all), 10ms);
    EXPECT_EQ(pause({.base = 100ms, .cap = 1s}, 0, -7.0), 0ms);
    EXPECT_EQ(pause({.base = 100ms, .cap = 1s}, 0, 7.0), 100ms);
    EXPECT_EQ(
        pause({.base = std::chrono::milliseconds::max(), .cap = std::chrono::milliseconds::max()}, 9, all),
        duration::max());
}

RC_GTEST_PROP(backoff, lies_between_nothing_and_the_whole_pause, (std::uint16_t base, std::uint32_t more))
{
    const backoff_policy policy{
        .base = std::chrono::milliseconds(base + 1), .cap = std::chrono::milliseconds(base + 1 + std::int64_t{more})};
    const auto doublings = *rc::gen::inRange(0U, 80U);
    const auto lottery = *rc::gen::inRange(0, 1'000) / 1'000.0;
    duration whole = policy.base;
    for (unsigned i = 0; i < doublings; ++i)
        whole = std::min<duration>(policy.cap, whole * 2);
    RC_ASSERT(whole_pause(policy, doublings) == whole);
    RC_ASSERT(pause(policy, doublings, lottery) >= 0ms);
    RC_ASSERT(pause(policy, doublings, lottery) <= whole);
    RC_ASSERT(pause(policy, doublings, lottery) <= pause(policy, doublings, all));
}

TEST(retry_policy, pauses_as_documented_in_an_outage)
{
    const retry_policy policy;
    EXPECT_EQ(pause_after(policy, 1, all), 50ms);
    EXPECT_EQ(pause_after(policy, 2, all), 100ms);
    EXPECT_EQ(pause_after(policy, 6, all), 1'600ms);
    EXPECT_EQ(pause_after(policy, 7, all), 2s);
}

TEST(retry_policy, repeats_a_conflict_at_once_and_then_within_250_ms)
{
    const auto policy = retry_policy::for_conflicts();
    EXPECT_EQ(pause_after(policy, 1, all), 0ms);
    EXPECT_EQ(pause_after(policy, 2, all), 10ms);
    EXPECT_EQ(pause_after(policy, 3, all), 20ms);
    EXPECT_EQ(pause_after(policy, 4, all), 40ms);
    EXPECT_EQ(pause_after(policy, 40, all), 250ms);
}

TEST(retry_policy, names_the_member_that_makes_no_sense)
{
    EXPECT_EQ(complaint(retry_policies{}), "nothing");
    EXPECT_THAT(complaint(retry_policy{.max_attempts = 0}), testing::HasSubstr("retry_policy.max_attempts"));
    EXPECT_THAT(complaint(retry_policy{.backoff = {.base = 0ms}}), testing::HasSubstr("retry_policy.backoff.base"));
    EXPECT_THAT(
        complaint(retry_policy{.backoff = {.base = 9ms, .cap = 8ms}}), testing::HasSubstr("retry_policy.backoff.cap"));
    EXPECT_THAT(complaint(retry_policy{.backoff = {.jitter = 1.5}}), testing::HasSubstr("retry_policy.backoff.jitter"));
    EXPECT_THAT(complaint(backoff_policy{.base = -1ms}), testing::HasSubstr("backoff_policy.base"));
    EXPECT_THAT(complaint(backoff_policy{.base = 2ms, .cap = 1ms}), testing::HasSubstr("backoff_policy.cap"));
    EXPECT_THAT(complaint(backoff_policy{.jitter = -0.1}), testing::HasSubstr("backoff_policy.jitter"));
    EXPECT_EQ(
        complaint(retry_policies{.conflict = {.max_attempts = 0}}),
        "retry_policies.conflict: retry_policy.max_attempts must be at least 1");
}

TEST(retry, makes_three_attempts_in_all)
{
    const retry_policies policies;
    retry call(policies, deadline::never(), nullptr, start);
    EXPECT_EQ(call.failed(lost, start, all).wait, 50ms);
    EXPECT_EQ(call.failed(lost, start, all).wait, 100ms);
    EXPECT_EQ(call.failed(lost, start, all).stop, give_up::attempts_used);
    EXPECT_EQ(call.failures(), 3);
}

TEST(retry, makes_five_attempts_of_what_collides)
{
    const retry_policies policies;
    retry call(policies, deadline::never(), nullptr, start);
    EXPECT_EQ(call.failed(collided, start, all).wait, 0ms);
    EXPECT_EQ(call.failed(collided, start, all).wait, 10ms);
    EXPECT_EQ(call.failed(collided, start, all).wait, 20ms);
    EXPECT_EQ(call.failed(collided, start, all).wait, 40ms);
    EXPECT_EQ(call.failed(collided, start, all).stop, give_up::attempts_used);
}

TEST(retry, counts_both_kinds_of_failure_towards_the_larger_number)
{
    const retry_policies policies;
    retry call(policies, deadline::never(), nullptr, start);
    EXPECT_FALSE(call.failed(collided, start, all).stop);
    EXPECT_FALSE(call.failed(lost, start, all).stop);
    EXPECT_FALSE(call.failed(lost, start, all).stop);
    EXPECT_FALSE(call.failed(collided, start, all).stop);
    EXPECT_EQ(call.failed(collided, start, all).stop, give_up::attempts_used);
}

TEST(retry, gives_up_at_once_what_cannot_be_repeated)
{
    const retry_policies policies;
    retry call(policies, deadline::never(), nullptr, start);
    EXPECT_EQ(call.failed({.repeatable = false}, start, all).stop, give_up::not_repeatable);
}

TEST(retry, does_not_wait_for_what_would_begin_after_the_deadline)
{
    const retry_policies policies;
    retry call(policies, deadline::after(start, 50ms), nullptr, start);
    EXPECT_EQ(call.failed(lost, start, 0.5).wait, 25ms);
    EXPECT_EQ(call.failed(lost, start + 30ms, all).stop, give_up::deadline);
    EXPECT_EQ(call.failed(collided, start + 50ms, all).stop, give_up::deadline);
}

TEST(retry, names_the_deadline_when_it_passed_during_the_last_attempt)
{
    const retry_policies policies{.outage = {.max_attempts = 1}};
    retry call(policies, deadline::after(start, 1s), nullptr, start);
    EXPECT_EQ(call.failed(lost, start + 1s, all).stop, give_up::deadline);
}

TEST(retry, adds_its_pause_to_the_time_it_was_told_to_stay_away)
{
    const retry_policies policies;
    const failed_attempt no_room{.repeatable = true, .minimum_wait = 1s};
    retry call(policies, deadline::after(start, 1'500ms), nullptr, start);
    EXPECT_EQ(call.failed(no_room, start, all).wait, 1'050ms);
    EXPECT_EQ(call.failed(no_room, start + 1'050ms, all).stop, give_up::deadline);
    retry negative(policies, deadline::never(), nullptr, start);
    EXPECT_EQ(negative.failed({.repeatable = true, .minimum_wait = -1s}, start, all).wait, 50ms);
    retry endless(policies, deadline::never(), nullptr, start);
    EXPECT_EQ(endless.failed({.repeatable = true, .minimum_wait = duration::max()}, start, all).wait, duration::max());
}

TEST(retry, asks_the_budget_for_outages_and_not_for_conflicts)
{
    retry_budget budget({.minimum = 1});
    const retry_policies policies;
    retry first(policies, deadline::never(), &budget, start);
    EXPECT_FALSE(first.failed(lost, start, all).stop);
    retry second(policies, deadline::never(), &budget, start);
    EXPECT_EQ(second.failed(lost, start, all).stop, give_up::budget);
    retry third(policies, deadline::never(), &budget, start);
    EXPECT_FALSE(third.failed(collided, start, all).stop);
    EXPECT_EQ(budget.in_window(start).calls, 3U);
    EXPECT_EQ(budget.in_window(start).repetitions, 1U);
}

TEST(retry, takes_what_the_budget_has_said_to_others_who_were_hit_with_it)
{
    const retry_policies policies;
    retry_budget budget({.minimum = 1});
    std::optional<bool> first;
    std::optional<bool> second;
    const auto fail = [&](std::optional<bool>& together, const failed_attempt& how) {
        retry call(policies, deadline::never(), &budget, start);
        auto attempt = how;
        attempt.granted_together = &together;
        return call.failed(attempt, start, all).stop;
    };
    EXPECT_EQ(fail(first, {.repeatable = false}), give_up::not_repeatable);
    EXPECT_EQ(first, std::nullopt) << "who is not repeated does not ask";
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(fail(first, lost), std::nullopt);
    EXPECT_EQ(budget.in_window(start).repetitions, 1U);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(fail(second, lost), give_up::budget);
}

TEST(retry, takes_nothing_from_the_budget_for_an_attempt_that_is_not_made)
{
    retry_budget budget;
    const retry_policies policies;
    retry late(policies, deadline::after(start, 1ms), &budget, start);
    (void)late.failed(lost, start, all);
    retry written(policies, deadline::never(), &budget, start);
    (void)written.failed({.repeatable = false}, start, all);
    EXPECT_EQ(budget.in_window(start).repetitions, 0U);
}

RC_GTEST_PROP(retry, ends_within_its_attempts_and_never_waits_past_its_deadline, (std::uint64_t seed))
{
    const retry_policies policies{
        .outage = {.max_attempts = *rc::gen::inRange(1, 8)},
        .conflict = {.max_attempts = *rc::gen::inRange(1, 8), .first_at_once = *rc::gen::arbitrary<bool>()}};
    seeded_random random(seed);
    const auto limit = *rc::gen::element(deadline::never(), deadline::after(start, 1s), deadline::at(start));
    time_point now = start;
    retry call(policies, limit, nullptr, now);
    for (int attempts = 1;; ++attempts) {
        RC_ASSERT(attempts <= std::max(policies.outage.max_attempts, policies.conflict.max_attempts));
        const failed_attempt what{
            .kind = random() < 0.5 ? fault::outage : fault::conflict,
            .repeatable = random() < 0.9,
            .minimum_wait = std::chrono::milliseconds(static_cast<int>(random() * 100))};
        const auto decision = call.failed(what, now, random());
        RC_ASSERT(call.failures() == attempts);
        RC_ASSERT(what.repeatable || decision.stop == give_up::not_repeatable);
        if (decision.stop)
            break;
        RC_ASSERT(decision.wait >= what.minimum_wait);
        now += decision.wait;
        RC_ASSERT(!limit.has_passed(now));
    }
}

TEST(random, follows_from_its_seed_and_stays_below_one)
{
    seeded_random one(7);
    seeded_random same(7);
    seeded_random other(8);
    double least = 1;
    double most = 0;
    int different = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double drawn = one();
        EXPECT_EQ(drawn, same());
        different += drawn != other() ? 1 : 0;
        least = std::min(least, drawn);
        most = std::max(most, drawn);
    }
    EXPECT_GE(least, 0.0);
    EXPECT_LT(least, 0.01);
    EXPECT_LT(most, 1.0);
    EXPECT_GT(most, 0.99);
    EXPECT_GT(different, 9'900);
}

TEST(give_up, has_words_for_every_reason)
{
    EXPECT_EQ(to_string(give_up::not_repeatable), "it cannot be repeated");
    EXPECT_EQ(to_string(give_up::deadline), "the deadline leaves no time for another attempt");
    EXPECT_EQ(to_string(give_up::attempts_used), "the attempts are used up");
    EXPECT_EQ(to_string(give_up::budget), "the retry budget is used up");
}

} // namespace
} // namespace tradecore::resilience
