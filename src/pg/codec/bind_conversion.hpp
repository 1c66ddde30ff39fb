// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/column.hpp>
#include <tradecore/pg/type_info.hpp>
#include <tradecore/pg/type_names.hpp>

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

/// @returns whether a value of a `natural` type is kept here in the very bytes that the server wants.
constexpr bool goes_as_it_is(oid natural, oid server) noexcept
{
    return natural == server && server != oids::jsonb;
}

/// Appends a value that is not NULL as the server wants it.
/// @returns the format it took.
/// @throws argument_error when it cannot go there.
wire_format append_converted(std::string& out, const natural_value& value, type_ref server);

/// @returns whether `append_binary` knows how to make a `server` of a built-in `natural` type; that depends on the
///          types alone, so that arrays can ask before.
[[nodiscard]] bool has_binary(oid natural, type_ref server) noexcept;

/// Appends a value of a built-in type in the binary form of `server`; requires `has_binary`.
/// @throws argument_error when the value does not fit.
void append_binary(std::string& out, const natural_value& value, type_ref server);

} // namespace tradecore::pg::detail
