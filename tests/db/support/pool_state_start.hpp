// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_state.hpp>

#include <chrono>
#include <cstddef>

namespace tradecore::test {

/// When the tests of a pool's state begin.
constexpr pool_state::time_point start{std::chrono::hours(1)};

inline pool_options of_size(std::size_t minimum, std::size_t maximum)
{
    return {.minimum = minimum, .maximum = maximum};
}

/// Starts all connects that are wanted and lets them succeed.
inline void fill(pool_state& pool, pool_state::time_point now)
{
    while (pool.wants_connect(now)) {
        pool.connect_started();
        pool.connect_succeeded(now, 0);
    }
}

} // namespace tradecore::test
