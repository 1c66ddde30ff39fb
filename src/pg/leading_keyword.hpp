// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg::detail {

/// @returns whether a statement's first word, behind blanks and comments, is `keyword` (in lower case).
[[nodiscard]] bool begins_with_keyword(std::string_view sql, std::string_view keyword) noexcept;

/// @returns whether a statement is a COPY whose data comes from the client or goes there.
[[nodiscard]] bool copies_through_client(std::string_view sql) noexcept;

/// @returns whether a statement may commit what was done so far, or a part of what it does itself.
[[nodiscard]] bool may_commit(std::string_view sql) noexcept;

/// @returns whether a statement begins or ends a transaction; ROLLBACK TO a savepoint does neither.
[[nodiscard]] bool controls_transaction(std::string_view sql) noexcept;

} // namespace tradecore::pg::detail
