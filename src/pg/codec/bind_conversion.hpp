// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/column.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// One encoded argument: its natural type and bytes, and what messages need.
struct natural_value {
    std::size_t position;
    oid type;
    std::string_view bytes;
};

/// Appends a value that is not NULL as the server wants it.
/// @returns the format it took.
/// @throws argument_error when it cannot go there.
wire_format append_converted(std::string& out, const natural_value& value, oid server);

/// Appends a natural value in the server's text form; arrays as `{…}`.
/// @param limit stop soon after so many bytes, for logs.
void append_text_form(std::string& out, oid type, std::string_view bytes, std::size_t limit = std::string::npos);

} // namespace tradecore::pg::detail
