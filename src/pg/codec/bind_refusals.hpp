// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <string>

namespace tradecore::pg::detail {

/// @throws argument_error always: "argument $2: <reason>".
[[noreturn]] void refuse_argument(const natural_value& value, const std::string& reason);

/// Says that values of that type never go where the server wants a `server`, and what to pass instead.
/// @throws argument_error always.
[[noreturn]] void refuse_argument_type(const natural_value& value, type_ref server);

} // namespace tradecore::pg::detail
