// SPDX-License-Identifier: Apache-2.0
#include "harness/require.hpp"

#include <cstdio>
#include <cstdlib>

namespace tradecore::fuzz {

void fail(std::string_view what)
{
    std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

} // namespace tradecore::fuzz
