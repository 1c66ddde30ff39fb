// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg::detail {

/// @returns whether a statement's first word, behind blanks and comments, is `keyword` (in lower case).
[[nodiscard]] bool begins_with_keyword(std::string_view sql, std::string_view keyword) noexcept;

} // namespace tradecore::pg::detail
