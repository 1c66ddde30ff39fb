// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <cstddef>
#include <string>

namespace tradecore::pg::detail {

/// Appends an argument for a log, without regard to what the server wants.
/// @param limit after how many characters nothing more is needed.
void append_log_text(std::string& out, const natural_value& value, std::size_t limit);

} // namespace tradecore::pg::detail
