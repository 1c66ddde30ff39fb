// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// The longest summary; what does not fit is left out as a whole.
inline constexpr std::size_t longest_query_summary = 255;

/// What a text does to what, in few words, to group by: "SELECT orders users", "INSERT fills SELECT orders". Commands,
/// and the tables and functions behind FROM, JOIN, INTO, UPDATE, TABLE and CALL, in their order and as they are
/// written; no values, no columns, no conditions.
///
/// It is read by its words alone: what it makes of a text that the server would refuse does not matter.
/// @param sql one or more statements.
/// @returns nothing of an empty text.
/// Source: OpenTelemetry semantic conventions, "Generating a summary of the query".
[[nodiscard]] std::string query_summary(std::string_view sql);

} // namespace tradecore::pg
