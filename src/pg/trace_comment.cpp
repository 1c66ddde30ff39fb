// SPDX-License-Identifier: Apache-2.0
#include "pg/sql_tokens.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tradecore::pg {

namespace {

constexpr std::string_view opening = "/*traceparent='";
constexpr std::string_view closing = "'*/";
constexpr std::size_t length_of_value = 55;
constexpr std::size_t length_of_comment = opening.size() + length_of_value + closing.size();

/// "00-", 16 bytes, "-", 8 bytes, "-", one byte.
bool is_traceparent(std::string_view text) noexcept
{
    constexpr std::string_view form = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    static_assert(form.size() == length_of_value);
    return std::ranges::equal(text, form, [](char c, char wanted) {
        return wanted == 'x' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == wanted;
    });
}

/// Begins a line of its own, which ends a comment of the line before.
constexpr std::string_view probe = "\n;";

/// @returns whether the end of `sql`, which the probe is, is no part of something that began before it.
bool is_closed_before_probe(std::string_view sql) noexcept
{
    const auto* const end = sql.data() + sql.size();
    std::string_view last;
    for (auto token = detail::take_token(sql); !token.empty(); token = detail::take_token(sql))
        last = token;
    return last == probe.substr(1) && last.data() + last.size() == end;
}

/// Perhaps not: the dashes may be in quotes, where the line break does no harm either.
bool may_end_in_line_comment(std::string_view sql) noexcept
{
    const auto line = sql.find_last_of("\r\n");
    return sql.substr(line == std::string_view::npos ? 0 : line).find("--") != std::string_view::npos;
}

/// @returns the length of the comment that `sql` ends in, with the blank before it; 0 when there is none.
std::size_t length_of_trace_comment(std::string_view sql) noexcept
{
    if (sql.size() < length_of_comment || !sql.ends_with(closing))
        return 0;
    const auto comment = sql.substr(sql.size() - length_of_comment);
    if (!comment.starts_with(opening) || !is_traceparent(comment.substr(opening.size(), length_of_value)))
        return 0;
    const auto before = sql.substr(0, sql.size() - length_of_comment);
    return length_of_comment + (before.ends_with(' ') || before.ends_with('\n') ? 1 : 0);
}

} // namespace

sql_text with_trace_comment(const sql_text& sql, std::string_view traceparent)
{
    if (!is_traceparent(traceparent))
        throw argument_error("a comment is to tell of a trace with what is no traceparent of version 00");
    if (sql.text.empty())
        return sql;
    std::string made;
    made.reserve(sql.text.size() + 1 + length_of_comment);
    made += sql.text;
    made += probe;
    if (!is_closed_before_probe(made))
        return sql;
    made.resize(sql.text.size());
    made += may_end_in_line_comment(sql.text) ? '\n' : ' ';
    made += opening;
    made += traceparent;
    made += closing;
    auto owner = std::make_shared<const std::string>(std::move(made));
    const std::string_view text = *owner;
    return {text, std::move(owner), sql.where};
}

std::string_view without_trace_comment(std::string_view sql) noexcept
{
    while (const auto length = length_of_trace_comment(sql))
        sql.remove_suffix(length);
    return sql;
}

} // namespace tradecore::pg
