// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace tradecore::resilience {

/// @param problem a literal that names the member.
inline void demand(bool holds, const char* problem)
{
    if (!holds)
        throw std::invalid_argument(problem);
}

} // namespace tradecore::resilience
