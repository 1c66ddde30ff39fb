// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/random_source.hpp>
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <stdexcept>
#include <string>

namespace tradecore::resilience {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{std::chrono::hours(1)};

int take_all(retry_budget& budget, time_point now)
{
    int taken = 0;
    while (budget.try_take(now))
        ++taken;
    return taken;
}

std::string complaint(const retry_budget_options& options)
{
    try {
        retry_budget refused(options);
    }
    catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "nothing";
}

TEST(retry_budget, grants_three_however_few_calls_there_are)
{
    retry_budget budget;
    EXPECT_EQ(take_all(budget, start), 3);
    EXPECT_EQ(take_all(budget, start + 9s), 0);
    EXPECT_EQ(take_all(budget, start + 10s), 3);
}

TEST(retry_budget, grants_a_fifth_of_the_calls)
{
    retry_budget budget;
    for (int i = 0; i < 99; ++i)
        budget.count_call(start);
    EXPECT_EQ(take_all(budget, start), 19);
    budget.count_call(start);
    EXPECT_EQ(take_all(budget, start), 1);
}

TEST(retry_budget, forgets_calls_and_repetitions_that_are_older_than_its_window)
{
    retry_budget budget;
    for (int i = 0; i < 100; ++i)
        budget.count_call(start);
    EXPECT_EQ(take_all(budget, start + 5s), 20);
    EXPECT_EQ(budget.in_window(start + 9'999ms).calls, 100U);
    EXPECT_EQ(budget.in_window(start + 10s).calls, 0U);
    EXPECT_EQ(budget.in_window(start + 10s).repetitions, 20U);
    EXPECT_EQ(take_all(budget, start + 14'999ms), 0);
    EXPECT_EQ(take_all(budget, start + 15s), 3);
}

TEST(retry_budget, begins_anew_after_a_long_rest)
{
    retry_budget budget;
    budget.count_call(start);
    EXPECT_EQ(take_all(budget, start), 3);
    EXPECT_EQ(budget.in_window(start + 24h * 365).calls, 0U);
    budget.count_call(time_point::max());
    EXPECT_EQ(budget.in_window(time_point::max()).calls, 1U);
}

TEST(retry_budget, takes_an_earlier_time_for_the_latest)
{
    retry_budget budget;
    budget.count_call(start + 5s);
    budget.count_call(start);
    EXPECT_EQ(budget.in_window(start).calls, 2U);
}

TEST(retry_budget, can_be_closed)
{
    retry_budget budget({.share = 0, .minimum = 0});
    budget.count_call(start);
    EXPECT_FALSE(budget.try_take(start));
}

TEST(retry_budget, names_the_member_that_makes_no_sense)
{
    EXPECT_EQ(complaint({}), "nothing");
    EXPECT_THAT(complaint({.share = -0.1}), testing::HasSubstr("retry_budget_options.share"));
    EXPECT_THAT(
        complaint({.share = std::numeric_limits<double>::quiet_NaN()}),
        testing::HasSubstr("retry_budget_options.share"));
    EXPECT_THAT(complaint({.window = 9ms}), testing::HasSubstr("retry_budget_options.window"));
}

/// Calls that all fail and are repeated as often as they may be.
struct outage {
    explicit outage(std::uint64_t seed) : random(seed) {}

    void call(duration longest_gap)
    {
        now += duration(static_cast<duration::rep>(random() * static_cast<double>(longest_gap.count())));
        ++calls;
        retry one(policies, deadline::never(), &budget, now);
        while (!one.failed({.repeatable = true}, now, random()).stop)
            ++repetitions;
    }

    seeded_random random;
    retry_policies policies{.outage = {.max_attempts = 10}};
    retry_budget budget;
    time_point now = start;
    int calls = 0;
    int repetitions = 0;
};

RC_GTEST_PROP(retry_budget, multiplies_an_outage_by_no_more_than_one_and_a_fifth, (std::uint64_t seed))
{
    outage storm(seed);
    const auto longest_gap = std::chrono::milliseconds(*rc::gen::inRange(1, 500));
    for (int i = 0; i < 1'000; ++i) {
        storm.call(longest_gap);
        RC_ASSERT(storm.calls + storm.repetitions <= 1.2 * storm.calls + 3);
    }
}

RC_GTEST_PROP(retry_budget, adds_no_more_than_its_minimum_in_each_window_of_few_calls, (std::uint64_t seed))
{
    outage drizzle(seed);
    for (int i = 0; i < 300; ++i) {
        drizzle.call(20s);
        const auto windows = 1 + (drizzle.now - start) / 9s; // the tenth that has begun may be short
        RC_ASSERT(drizzle.repetitions <= 0.2 * drizzle.calls + 3.0 * static_cast<double>(windows));
    }
}

RC_GTEST_PROP(retry_budget, keeps_its_share_in_every_window_of_any_sequence, (std::uint64_t seed))
{
    seeded_random random(seed);
    const double share = random();
    const auto minimum = static_cast<std::uint32_t>(random() * 5);
    retry_budget budget({.share = share, .minimum = minimum, .window = 1s});
    std::deque<time_point> calls;
    std::deque<time_point> repetitions;
    const auto since = [](const std::deque<time_point>& all, time_point from) {
        return static_cast<double>(std::count_if(all.begin(), all.end(), [from](auto each) { return each > from; }));
    };
    time_point now = start;
    for (int i = 0; i < 500; ++i) {
        now += std::chrono::microseconds(static_cast<int>(random() * random() * 200'000));
        if (random() < 0.6) {
            budget.count_call(now);
            calls.push_back(now);
        }
        else if (budget.try_take(now)) {
            repetitions.push_back(now);
            RC_ASSERT(
                since(repetitions, now - 900ms) <= std::max<double>(minimum, share * since(calls, now - 1s)) + 1e-9);
        }
        while (!calls.empty() && calls.front() <= now - 1s)
            calls.pop_front();
        while (!repetitions.empty() && repetitions.front() <= now - 1s)
            repetitions.pop_front();
    }
}

} // namespace
} // namespace tradecore::resilience
