// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/conninfo/values.hpp"

#include <string_view>

namespace tradecore::pg::conninfo {

/// Takes a connection URI or a keyword/value string apart into keywords and values, which are not looked at yet.
/// Accepts and refuses what libpq does (its PQconninfoParse), plus the keywords libpq does not know.
/// @throws std::invalid_argument naming the part that is wrong, never quoting a password or what may be a piece of one.
/// Source: PostgreSQL documentation, "Connection Strings".
[[nodiscard]] values split_dsn(std::string_view dsn);

/// The two forms; `rest` is what follows the scheme of a URI.
[[nodiscard]] values split_uri(std::string_view rest);
[[nodiscard]] values split_keyword_values(std::string_view text);

} // namespace tradecore::pg::conninfo
