// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg::detail {

/// Takes the next word, piece in quotes or other character, behind blanks and comments; nothing at the end.
[[nodiscard]] std::string_view take_token(std::string_view& sql) noexcept;

/// @returns whether `token` is `keyword` (in lower case), in letters of any case.
[[nodiscard]] bool is_word(std::string_view token, std::string_view keyword) noexcept;

} // namespace tradecore::pg::detail
