// SPDX-License-Identifier: Apache-2.0
//
// The pure machines of a database together (circuit breaker, pool, retries with their budget, the table of outcomes),
// as its coroutines drive them, in a time that only the test moves. Callers come and go, connections are made, lost,
// checked and cleaned, the server changes its mood, each at random and in any order; what the server really did is
// known here, so that nothing is done twice unnoticed.
//
// TRADECORE_SEED plays one again and says step by step what happens. TRADECORE_LONG_TESTS plays many more.
#include "db/support/simulation/simulation.hpp"

#include <tradecore/observe/log.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::test {
namespace {

/// Says nothing of what goes wrong a million times.
class silence {
public:
    silence() { observe::set_threshold(observe::level::off); }
    silence(const silence&) = delete;
    silence& operator=(const silence&) = delete;
    silence(silence&&) = delete;
    silence& operator=(silence&&) = delete;
    ~silence() { observe::set_threshold(before_); }

private:
    observe::level before_ = observe::threshold();
};

/// Everything that holds a probe back, one after the other: its time, the pause after it, a connect.
constexpr auto time_to_recover = 20s;
constexpr std::size_t steps_of_each = 200;

/// @returns what went wrong, empty when nothing did.
std::string outcome_of(choice_sequence chance, coverage& seen, bool tells, std::vector<std::string>* story = nullptr)
{
    ++seen.simulations;
    simulation one(std::move(chance), seen, tells);
    one.play(steps_of_each);
    const auto took = one.recover();
    if (one.problem().empty())
        one.use_everything();
    if (story != nullptr)
        *story = one.story();
    if (one.problem().empty() && took > time_to_recover)
        return fmt::format(
            "recovered after {} ms only", std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    return one.problem();
}

std::string story_of(std::uint64_t seed)
{
    coverage nobodys;
    std::vector<std::string> story;
    (void)outcome_of(choice_sequence(seed), nobodys, true, &story);
    return fmt::format("TRADECORE_SEED={}\n{}", seed, fmt::join(story, "\n"));
}

TEST(calls_under_faults, keep_every_promise_in_any_order_of_events)
{
    const silence quiet;
    coverage seen;
    if (const char* const given = std::getenv("TRADECORE_SEED")) {
        const auto seed = std::strtoull(given, nullptr, 10);
        EXPECT_EQ(outcome_of(choice_sequence(seed), seen, false), "") << story_of(seed);
        fmt::print("{}\n", story_of(seed));
        return;
    }
    const std::uint64_t simulations = std::getenv("TRADECORE_LONG_TESTS") != nullptr ? 100'000 : 3'000;
    const auto began = std::chrono::steady_clock::now();
    for (std::uint64_t seed = 1; seed <= simulations; ++seed)
        ASSERT_EQ(outcome_of(choice_sequence(seed), seen, false), "") << story_of(seed);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print(
        "{} simulations, {} steps, {} calls: {:.0f} steps a second\n", seen.simulations, seen.steps, seen.calls,
        static_cast<double>(seen.steps) / took.count());
    // It has been everywhere.
    const auto often = simulations / 100;
    EXPECT_GT(seen.successes, often);
    EXPECT_GT(seen.openings, often);
    EXPECT_GT(seen.refusals, often);
    EXPECT_GT(seen.after_outages, often);
    EXPECT_GT(seen.after_conflicts, often);
    EXPECT_GT(seen.stopped_by_budget, often);
    EXPECT_GT(seen.stopped_by_deadline, often);
    EXPECT_GT(seen.stopped_by_attempts, often);
    EXPECT_GT(seen.not_repeatable, often);
    EXPECT_GT(seen.waited_in_vain, often);
    EXPECT_GT(seen.cannot_connect, often);
    EXPECT_GT(seen.useless_grants, often);
    EXPECT_GT(seen.cancelled_with_grant, often);
    EXPECT_GT(seen.checks_in_vain, often);
    EXPECT_GT(seen.in_doubt, often);
}

/// The same with orders that RapidCheck chooses, and makes shorter when one fails.
RC_GTEST_PROP(calls_under_faults, keep_every_promise_in_orders_that_can_be_shortened, ())
{
    const silence quiet;
    const auto given = *rc::gen::scale(
        8.0, rc::gen::container<std::vector<std::uint32_t>>(
                 rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint32_t>())));
    coverage seen;
    std::vector<std::string> story;
    const auto problem = outcome_of(choice_sequence(given), seen, true, &story);
    if (!problem.empty())
        RC_LOG() << problem << '\n' << fmt::format("{}", fmt::join(story, "\n"));
    RC_ASSERT(problem.empty());
}

/// An outage is not multiplied: 1.2 attempts a call, and a few for each ten seconds.
TEST(calls_under_faults, make_no_more_than_a_fifth_more_attempts_in_an_outage)
{
    const silence quiet;
    for (const bool has_breaker : {false, true}) {
        coverage seen;
        choice_sequence chance(7);
        auto given = simulation_settings::random(chance);
        given.has_breaker = has_breaker;
        given.budget_minimum = 3;
        given.pool.connect_backoff = given.pool.connect_backoff_limit = 1ms;
        simulation outage(choice_sequence(7), seen, false, given);
        outage.arrive_in_outage(2'000);
        ASSERT_EQ(outage.problem(), "");
        const auto windows = std::chrono::duration_cast<std::chrono::seconds>(outage.elapsed()).count() / 10 + 1;
        EXPECT_LE(static_cast<double>(outage.attempts()), 1.2 * 2'000 + 3.0 * static_cast<double>(windows));
        EXPECT_GT(seen.after_outages, has_breaker ? 0U : 300U) << "nothing was repeated";
    }
}

} // namespace
} // namespace tradecore::test
