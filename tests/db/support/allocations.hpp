// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace tradecore::test {

/// @returns how often this thread has called `operator new`; 0 under ThreadSanitizer, always.
[[nodiscard]] std::size_t allocations() noexcept;

/// While it lives one allocation of this thread fails: the one after so many others. Under ThreadSanitizer none does.
class failing_allocation {
public:
    explicit failing_allocation(std::size_t after) noexcept;
    failing_allocation(failing_allocation&&) = delete;
    failing_allocation& operator=(failing_allocation&&) = delete;
    ~failing_allocation();
};

} // namespace tradecore::test
