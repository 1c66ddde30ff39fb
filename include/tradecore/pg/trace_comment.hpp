// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/sql.hpp>

#include <string_view>

namespace tradecore::pg {

/// What: a statement with a comment at its end that tells the server of a trace: ` /*traceparent='00-…-…-01'*/`.
///
/// A text whose end is inside of something (quotes that do not close, `/*` without its end) is left as it is: the
/// server refuses it, and has to say why. So is an empty one.
///
/// Connections know such a statement by its text without the comment: it is prepared, remembered and forgotten as that,
/// and sent as it is each time, to be parsed and planned for this use alone.
///
/// Params: `traceparent`, version 00 of the header of that name: 55 lower-case hexadecimal digits and dashes.
/// Errors: argument_error for another value, so that nothing else gets into the text. Thread safety: any thread.
/// Source: https://www.w3.org/TR/trace-context-2/, https://google.github.io/sqlcommenter/spec/
[[nodiscard]] sql_text with_trace_comment(const sql_text& sql, std::string_view traceparent);

/// What: the text without comments of that kind at its end, whoever has written them; the whole text when it has none.
/// Errors: none. Thread safety: any thread. Lifetimes: a view of `sql`.
[[nodiscard]] std::string_view without_trace_comment(std::string_view sql) noexcept;

} // namespace tradecore::pg
