// SPDX-License-Identifier: Apache-2.0
#include "resilience/demand.hpp"

#include <tradecore/resilience/retry_budget.hpp>

#include <algorithm>
#include <cmath>

namespace tradecore::resilience {

void retry_budget_options::validate() const
{
    demand(std::isfinite(share) && share >= 0, "retry_budget_options.share must not be negative");
    demand(window.count() >= 10, "retry_budget_options.window must be at least 10 ms");
}

retry_budget::retry_budget(const retry_budget_options& options)
    : share_(options.share), minimum_(options.minimum), tenth_(saturate(options.window) / static_cast<int>(tenths))
{
    options.validate();
}

bool retry_budget::try_take(time_point now) noexcept
{
    const figures found = in_window(now);
    const double granted = std::max(static_cast<double>(minimum_), share_ * static_cast<double>(found.calls));
    if (static_cast<double>(found.repetitions + 1) > granted)
        return false;
    ++tenths_[current_].repetitions;
    ++sum_.repetitions;
    return true;
}

retry_budget::figures retry_budget::in_window(time_point now) noexcept
{
    if (now >= tenth_ends_)
        move_on(now);
    return sum_;
}

void retry_budget::move_on(time_point now) noexcept
{
    const duration late = saturating_distance(tenth_ends_, now);
    const auto whole = late / tenth_;
    const auto steps = std::min<duration::rep>(whole, tenths) + 1;
    for (duration::rep i = 0; i < steps; ++i) {
        current_ = (current_ + 1) % tenths;
        sum_.calls -= tenths_[current_].calls;
        sum_.repetitions -= tenths_[current_].repetitions;
        tenths_[current_] = {};
    }
    // After a rest longer than the window the tenths begin anew from here.
    tenth_ends_ = whole >= static_cast<duration::rep>(tenths) ? saturating_sum(now, tenth_)
                                                              : saturating_sum(tenth_ends_, tenth_ * (whole + 1));
}

} // namespace tradecore::resilience
