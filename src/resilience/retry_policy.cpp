// SPDX-License-Identifier: Apache-2.0
#include "resilience/demand.hpp"

#include <tradecore/resilience/retry_policy.hpp>

#include <algorithm>

namespace tradecore::resilience {

void retry_policy::validate() const
{
    demand(max_attempts >= 1, "retry_policy.max_attempts must be at least 1");
    demand(backoff.base.count() > 0, "retry_policy.backoff.base must be positive");
    demand(backoff.cap >= backoff.base, "retry_policy.backoff.cap must not be below base");
    demand(backoff.jitter >= 0 && backoff.jitter <= 1, "retry_policy.backoff.jitter must be between 0 and 1");
}

duration pause_after(const retry_policy& policy, int failures, double lottery) noexcept
{
    if (policy.first_at_once && failures <= 1)
        return duration::zero();
    const int first = policy.first_at_once ? 2 : 1;
    return pause(policy.backoff, static_cast<unsigned>(std::max(0, failures - first)), lottery);
}

} // namespace tradecore::resilience
