// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/projection/options.hpp>

#include <chrono>

namespace tradecore::projection {

/// @param attempt how many tries have failed, from 1.
/// @param lottery a random number in [0, 1).
/// @returns between half and all of `base` doubled with every attempt after the first, `cap` at most.
[[nodiscard]] std::chrono::milliseconds backoff(const backoff_policy& policy, int attempt, double lottery) noexcept;

} // namespace tradecore::projection
