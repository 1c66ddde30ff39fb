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

/// What: keeps the planner, which knows nothing of what is inside jsonb, from reading all events once for each row, for
///   the rest of a transaction. Plans made so look dear; compiling them would cost more than it saves.
inline constexpr const char* prefer_hash_joins = "SET LOCAL enable_nestloop = off; SET LOCAL jit = off";

} // namespace tradecore::app::checks
