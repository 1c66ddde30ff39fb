// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace tradecore::app::cli {

/// What: finds variables of the environment that look like settings and are none: misspelt, most likely, or of all
///   databases and written like one of vb.
/// Returns: their names, sorted. Thread safety: the environment must not be changed meanwhile.
[[nodiscard]] std::vector<std::string> unknown_variables();

} // namespace tradecore::app::cli
