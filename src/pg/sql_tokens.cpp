// SPDX-License-Identifier: Apache-2.0
#include "pg/sql_tokens.hpp"

#include <algorithm>
#include <cstddef>

namespace tradecore::pg::detail {

namespace {

/// @returns what follows a comment that `sql` begins with; comments in `/* */` nest.
std::string_view skip_comment(std::string_view sql) noexcept
{
    if (sql.starts_with("--"))
        return sql.substr(std::min(sql.find_first_of("\n\r"), sql.size()));
    std::size_t depth = 0;
    std::size_t at = 0;
    do {
        const auto here = sql.substr(at, 2);
        depth += here == "/*" ? 1U : 0U;
        depth -= here == "*/" ? 1U : 0U;
        at += here == "/*" || here == "*/" ? 2 : 1;
    } while (depth > 0 && at < sql.size());
    return sql.substr(std::min(at, sql.size()));
}

bool is_blank(char c) noexcept
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool is_letter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_part_of_word(char c) noexcept
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

std::size_t length_of_word(std::string_view sql) noexcept
{
    return static_cast<std::size_t>(std::ranges::find_if_not(sql, is_part_of_word) - sql.begin());
}

/// @returns where a piece in quotes that `sql` begins with ends.
std::size_t length_of_quoted(std::string_view sql, bool backslashes) noexcept
{
    const char quote = sql.front();
    std::size_t at = 1;
    while (at < sql.size() && (sql[at] != quote || sql.substr(at + 1).starts_with(quote)))
        at += sql[at] == quote || (backslashes && sql[at] == '\\') ? 2 : 1;
    return at + 1;
}

/// @returns where a text between two `$tag$` that `sql` begins with ends; where the `$` ends when there is none.
std::size_t length_of_dollar_quoted(std::string_view sql) noexcept
{
    const auto end_of_tag = sql.find('$', 1);
    const auto tag = sql.substr(0, end_of_tag);
    if (end_of_tag == std::string_view::npos || !std::ranges::all_of(tag.substr(1), is_part_of_word))
        return 1;
    const auto end = sql.find(sql.substr(0, end_of_tag + 1), end_of_tag + 1);
    return end == std::string_view::npos ? sql.size() : end + end_of_tag + 1;
}

std::size_t length_of_token(std::string_view sql) noexcept
{
    const char first = sql.front();
    if (first == '\'' || first == '"')
        return length_of_quoted(sql, false);
    if ((first == 'e' || first == 'E') && sql.substr(1).starts_with('\''))
        return 1 + length_of_quoted(sql.substr(1), true);
    if (first == '$')
        return length_of_dollar_quoted(sql);
    return std::max<std::size_t>(length_of_word(sql), 1);
}

} // namespace

bool is_word(std::string_view token, std::string_view keyword) noexcept
{
    return std::ranges::equal(
        token, keyword, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; });
}

std::string_view take_token(std::string_view& sql) noexcept
{
    while (!sql.empty()) {
        if (is_blank(sql.front()))
            sql.remove_prefix(1);
        else if (sql.starts_with("--") || sql.starts_with("/*"))
            sql = skip_comment(sql);
        else
            break;
    }
    if (sql.empty())
        return {};
    const auto token = sql.substr(0, length_of_token(sql));
    sql.remove_prefix(token.size());
    return token;
}

} // namespace tradecore::pg::detail
