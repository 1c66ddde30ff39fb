// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tradecore::resilience {

namespace {

void validate_as(std::string_view member, const retry_policy& policy)
{
    try {
        policy.validate();
    }
    catch (const std::invalid_argument& e) {
        throw std::invalid_argument("retry_policies." + std::string(member) + ": " + e.what());
    }
}

} // namespace

void retry_policies::validate() const
{
    validate_as("outage", outage);
    validate_as("conflict", conflict);
}

std::string_view to_string(give_up why) noexcept
{
    switch (why) {
    case give_up::not_repeatable:
        return "it cannot be repeated";
    case give_up::deadline:
        return "the deadline leaves no time for another attempt";
    case give_up::attempts_used:
        return "the attempts are used up";
    case give_up::budget:
        return "the retry budget is used up";
    }
    return "unknown";
}

retry::retry(const retry_policies& policies, deadline limit, retry_budget* budget, time_point now) noexcept
    : retry(policies, limit, budget)
{
    if (budget_)
        budget_->count_call(now);
}

int retry::failures() const noexcept
{
    return failures_[0] + failures_[1];
}

retry_decision retry::failed(const failed_attempt& attempt, time_point now, double lottery) noexcept
{
    const bool conflict = attempt.kind == fault::conflict;
    const retry_policy& policy = conflict ? policies_->conflict : policies_->outage;
    const int of_this_kind = ++failures_[conflict ? 1 : 0];
    if (!attempt.repeatable)
        return {.stop = give_up::not_repeatable};
    if (limit_.has_passed(now))
        return {.stop = give_up::deadline};
    if (of_this_kind >= policy.max_attempts ||
        failures() >= std::max(policies_->outage.max_attempts, policies_->conflict.max_attempts))
        return {.stop = give_up::attempts_used};
    const duration wait =
        saturating_sum(std::max(attempt.minimum_wait, duration::zero()), pause_after(policy, of_this_kind, lottery));
    if (!limit_.leaves_room_for(wait, now))
        return {.stop = give_up::deadline};
    // Last, so that nothing is taken from the budget for an attempt that will not be made.
    if (policy.uses_budget && budget_ && !is_granted(attempt.granted_together, now))
        return {.stop = give_up::budget};
    return {.wait = wait};
}

bool retry::is_granted(std::optional<bool>* together, time_point now) noexcept
{
    if (together == nullptr)
        return budget_->try_take(now);
    if (!*together)
        *together = budget_->try_take(now);
    return **together;
}

} // namespace tradecore::resilience
