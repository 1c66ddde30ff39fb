// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tradecore::pg {

/// Which of a range's bounds belong to it.
enum class range_bounds : std::uint8_t { neither = 0, lower = 1, upper = 2, both = 3 };

} // namespace tradecore::pg
