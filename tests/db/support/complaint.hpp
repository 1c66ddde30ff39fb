// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace tradecore::test {

/// @returns the message of what a call throws, "nothing" when it does not throw.
template <class F>
std::string complaint_of(const F& call)
{
    try {
        call();
    }
    catch (const std::exception& e) {
        return e.what();
    }
    return "nothing";
}

} // namespace tradecore::test
