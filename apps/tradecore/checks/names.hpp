// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readmodel/projectors.hpp"

#include <string_view>

namespace tradecore::app::checks {

/// What: a system's name in the names of checks.
constexpr std::string_view name_of(readmodel::system which)
{
    return which == readmodel::system::main ? "main" : "vb";
}

} // namespace tradecore::app::checks
