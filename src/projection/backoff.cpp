// SPDX-License-Identifier: Apache-2.0
#include "projection/backoff.hpp"

#include <algorithm>

namespace tradecore::projection {

std::chrono::milliseconds backoff(const backoff_policy& policy, int attempt, double lottery) noexcept
{
    auto whole = std::min(policy.base, policy.cap);
    for (int i = 1; i < attempt && whole < policy.cap; ++i) {
        whole = whole > policy.cap / 2 ? policy.cap : whole * 2;
    }
    const auto half = whole / 2;
    const auto random = static_cast<double>((whole - half).count()) * lottery;
    return half + std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(random)};
}

} // namespace tradecore::projection
