// SPDX-License-Identifier: Apache-2.0
#include "projection/backoff.hpp"

#include <tradecore/resilience/backoff.hpp>

#include <algorithm>
#include <chrono>

namespace tradecore::projection {

std::chrono::milliseconds backoff(const backoff_policy& policy, int attempt, double lottery) noexcept
{
    const resilience::backoff_policy half{.base = policy.base, .cap = policy.cap, .jitter = 0.5};
    const auto doublings = static_cast<unsigned>(std::max(0, attempt - 1));
    return std::chrono::duration_cast<std::chrono::milliseconds>(resilience::pause(half, doublings, lottery));
}

} // namespace tradecore::projection
