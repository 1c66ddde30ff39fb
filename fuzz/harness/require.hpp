// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::fuzz {

/// Ends the program, which libFuzzer takes for a finding.
[[noreturn]] void fail(std::string_view what);

/// What must hold whatever the input.
inline void require(bool holds, std::string_view what)
{
    if (!holds)
        fail(what);
}

} // namespace tradecore::fuzz
