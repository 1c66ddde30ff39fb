// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// @returns whether a number of type `natural` may be asked to become a `server`, which its value decides.
[[nodiscard]] bool number_goes_into(oid natural, oid server) noexcept;

/// Appends a number in the binary form of another type; requires `number_goes_into`.
/// @throws argument_error when it does not fit or digits would be lost.
void append_number(std::string& out, const natural_value& value, oid server);

/// Appends the text of an integer or a float.
void append_number_text(std::string& out, oid type, std::string_view bytes);

} // namespace tradecore::pg::detail
