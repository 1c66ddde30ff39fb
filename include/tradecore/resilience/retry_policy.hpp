// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/backoff.hpp>

#include <chrono>

namespace tradecore::resilience {

/// How often something is tried, and how long the pauses are. The values as they stand are for outages.
struct retry_policy {
    /// Tries in all, the first included; 1 never repeats.
    int max_attempts = 3;
    /// Pauses between tries: U(0, min(2 s, 50 ms · 2ⁿ)).
    backoff_policy backoff{};
    /// The second try comes without a pause, and the pauses begin with the third.
    bool first_at_once = false;
    /// Whether a repetition must be granted by the budget.
    bool uses_budget = true;

    /// For deadlocks and serialization failures: the other side of the conflict has got what it wanted, so the
    /// first repetition is made at once; then U(0, min(250 ms, 10 ms · 2ⁿ)). The budget is not asked, since the
    /// server is well.
    [[nodiscard]] static constexpr retry_policy for_conflicts() noexcept
    {
        return {
            .max_attempts = 5,
            .backoff = {.base = std::chrono::milliseconds(10), .cap = std::chrono::milliseconds(250), .jitter = 1.0},
            .first_at_once = true,
            .uses_budget = false,
        };
    }

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// @param failures how many tries have failed, from 1.
/// @param lottery a random number in [0, 1).
/// @returns how long to wait before the next try.
[[nodiscard]] duration pause_after(const retry_policy& policy, int failures, double lottery) noexcept;

} // namespace tradecore::resilience
