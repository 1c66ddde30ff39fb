// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace tradecore::detail {

/// @returns what an exception says.
inline std::string what_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const std::exception& e) {
        return e.what();
    }
    catch (...) {
        return "unknown error";
    }
}

} // namespace tradecore::detail
