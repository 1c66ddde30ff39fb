// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <tradecore/pg/type_info.hpp>

#include <string>

namespace tradecore::pg::detail {

/// Appends a value in binary, with all that lies in it.
/// @returns false when there is no way; what was appended means nothing then.
/// @throws argument_error when the types fit and the value does not.
[[nodiscard]] bool append_binary_value(std::string& out, const natural_value& value, type_ref server);

/// As `append_binary_value`, in the text that the server's input functions read.
/// @param nested whether something else decided for text: then also what would go in binary goes in text.
[[nodiscard]] bool append_text_value(std::string& out, const natural_value& value, type_ref server, bool nested);

} // namespace tradecore::pg::detail
