// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::pg {

/// Whether a statement's text shows that running it changes nothing, so that twice is as good as once.
///
/// That is a single SELECT, VALUES, TABLE or SHOW, also behind WITH, without locking clause and INTO, in which no
/// WITH query writes and which calls nothing but functions of a list of the server's own: a SELECT may call a function
/// that writes, and its text does not show which ones do. What views, operators and types call cannot be seen and is
/// taken to change nothing, and so is a function of your own that has the name of one of those: call one that writes by
/// its schema (`app.replace(…)`). Assumes `standard_conforming_strings`, as everything here that looks into SQL.
///
/// @returns false also when it is not certain. Never throws, whatever the text.
[[nodiscard]] bool only_reads(std::string_view sql) noexcept;

/// @returns whether a statement may have committed a part of what it does when it fails: CALL and DO outside of a
///          transaction, and what ends transactions.
[[nodiscard]] bool may_commit_in_parts(std::string_view sql) noexcept;

/// @returns whether a statement is one for data (SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE, also behind
/// WITH):
///          it changes nothing of its session, as far as its text shows; what functions do does not.
[[nodiscard]] bool leaves_session_alone(std::string_view sql) noexcept;

} // namespace tradecore::pg
