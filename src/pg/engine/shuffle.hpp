// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <random>

namespace tradecore::pg::engine {

/// Puts the elements in a random order, another one in each process and each time.
template <class Range>
void shuffle(Range& elements)
{
    if (elements.size() < 2)
        return;
    std::random_device source;
    std::ranges::shuffle(elements, source);
}

} // namespace tradecore::pg::engine
