// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::observe {

/// What: how many bytes the first character of a text takes.
/// Returns: 0 when the text is empty or does not begin with a character of UTF-8.
/// Source: The Unicode Standard, table 3-7 (well-formed byte sequences).
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

/// What: the text as UTF-8, for those who refuse anything else (Prometheus a whole answer, JSON a whole document): each
/// byte that belongs to no character is replaced by U+FFFD. Errors: std::bad_alloc.
[[nodiscard]] std::string valid_utf8(std::string_view text);

} // namespace tradecore::observe
