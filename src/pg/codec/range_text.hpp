// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// Appends the server's text of a range, "[1,5)", from its natural binary form, which this library wrote.
/// @param element the bounds' type.
void append_range_text(std::string& out, oid element, std::string_view bytes);

/// The same for a multirange, "{[1,3),[5,7)}".
/// @param limit stop soon after so many bytes, for logs.
void append_multirange_text(std::string& out, oid element, std::string_view bytes, std::size_t limit);

} // namespace tradecore::pg::detail
