// SPDX-License-Identifier: Apache-2.0
#include "resilience/demand.hpp"

#include <tradecore/resilience/backoff.hpp>

#include <algorithm>

namespace tradecore::resilience {

void backoff_policy::validate() const
{
    demand(base.count() > 0, "backoff_policy.base must be positive");
    demand(cap >= base, "backoff_policy.cap must not be below base");
    demand(jitter >= 0 && jitter <= 1, "backoff_policy.jitter must be between 0 and 1");
}

duration whole_pause(const backoff_policy& policy, unsigned doublings) noexcept
{
    const duration cap = saturate(policy.cap);
    duration whole = std::min(saturate(policy.base), cap);
    if (whole <= duration::zero())
        return duration::zero(); // would double for ever
    for (; doublings > 0 && whole < cap; --doublings)
        whole = whole > cap / 2 ? cap : whole * 2;
    return whole;
}

duration pause(const backoff_policy& policy, unsigned doublings, double lottery) noexcept
{
    const duration whole = whole_pause(policy, doublings);
    const double kept = 1.0 - policy.jitter * (1.0 - std::clamp(lottery, 0.0, 1.0));
    return std::min(whole, saturate(std::chrono::duration<double, duration::period>(whole) * kept));
}

} // namespace tradecore::resilience
