// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace tradecore::detail {

/// @returns whole milliseconds, for messages and for the driver's limits.
[[nodiscard]] constexpr std::chrono::milliseconds to_ms(std::chrono::steady_clock::duration time) noexcept
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

} // namespace tradecore::detail
