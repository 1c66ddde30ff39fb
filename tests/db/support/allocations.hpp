// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace tradecore::test {

/// @returns how often this thread has called `operator new`; 0 under ThreadSanitizer, always.
[[nodiscard]] std::size_t allocations() noexcept;

} // namespace tradecore::test
