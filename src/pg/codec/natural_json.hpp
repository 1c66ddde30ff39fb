// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <string>

namespace tradecore::pg::detail {

/// Appends an argument as JSON, as `to_json` would have made it.
/// @throws json_mismatch for what JSON cannot say.
void append_natural_json(std::string& out, const natural_value& value);

} // namespace tradecore::pg::detail
