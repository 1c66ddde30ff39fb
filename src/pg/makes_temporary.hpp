// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg::detail {

/// @returns whether a text may make a temporary table, view or sequence, or another object in `pg_temp`, which tags of
///          commands do not show: `SELECT … INTO TEMP` is answered as a SELECT. Code in quotes, as of DO, counts. Now
///          and then true of what makes none; what functions and procedures make is not seen.
[[nodiscard]] bool makes_temporary(std::string_view sql) noexcept;

} // namespace tradecore::pg::detail
