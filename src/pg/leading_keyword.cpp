// SPDX-License-Identifier: Apache-2.0
#include "pg/leading_keyword.hpp"

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

} // namespace

bool begins_with_keyword(std::string_view sql, std::string_view keyword) noexcept
{
    for (;;) {
        if (!sql.empty() && (is_blank(sql.front()) || sql.front() == ';'))
            sql.remove_prefix(1);
        else if (sql.starts_with("--") || sql.starts_with("/*"))
            sql = skip_comment(sql);
        else
            break;
    }
    const auto same = [](char a, char b) { return (is_letter(a) ? static_cast<char>(a | 0x20) : a) == b; };
    return sql.size() >= keyword.size() && std::ranges::equal(sql.substr(0, keyword.size()), keyword, same) &&
           (sql.size() == keyword.size() || !is_letter(sql[keyword.size()]));
}

} // namespace tradecore::pg::detail
