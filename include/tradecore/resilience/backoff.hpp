// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/time.hpp>

#include <chrono>

namespace tradecore::resilience {

/// Pauses that double from `base` to `cap`, of which a random share is left out, so that callers who failed
/// together do not come back together.
struct backoff_policy {
    std::chrono::milliseconds base{50};
    std::chrono::milliseconds cap{2'000};
    /// How much of a pause is left to chance: 1 for U(0, whole), 0.5 for between half and whole, 0 for none.
    double jitter = 1.0;

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// @param doublings how often the pause has doubled: 0 for the first.
/// @returns min(cap, base · 2ⁿ).
[[nodiscard]] duration whole_pause(const backoff_policy& policy, unsigned doublings) noexcept;

/// @param doublings how often the pause has doubled: 0 for the first.
/// @param lottery a random number in [0, 1).
[[nodiscard]] duration pause(const backoff_policy& policy, unsigned doublings, double lottery) noexcept;

} // namespace tradecore::resilience
