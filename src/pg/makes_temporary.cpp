// SPDX-License-Identifier: Apache-2.0
#include "pg/makes_temporary.hpp"

#include "pg/sql_tokens.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tradecore::pg::detail {

namespace {

/// How deep quotes are looked into: the body of a DO, and what is executed in it.
constexpr int most_quotes = 2;

/// Most texts end here.
bool mentions_temp(std::string_view sql) noexcept
{
    constexpr std::string_view word = "temp";
    for (std::size_t at = 0; at + word.size() <= sql.size(); ++at) {
        if ((sql[at] == 't' || sql[at] == 'T') && is_word(sql.substr(at, word.size()), word))
            return true;
    }
    return false;
}

template <std::size_t Size>
bool is_one_of(std::string_view token, const std::array<std::string_view, Size>& words) noexcept
{
    return std::ranges::any_of(words, [token](std::string_view each) { return is_word(token, each); });
}

/// @returns what a piece in quotes holds, and maybe the quotes behind it; nothing of other tokens.
std::string_view content_of(std::string_view token) noexcept
{
    std::size_t opening = 0;
    if (token.front() == '\'' || token.front() == '"')
        opening = 1;
    else if (token.substr(1).starts_with('\'')) // E'…'
        opening = 2;
    else if (token.front() == '$')
        opening = token.find('$', 1) == std::string_view::npos ? 0 : token.find('$', 1) + 1;
    return opening == 0 ? std::string_view() : token.substr(opening);
}

bool makes_temporary(std::string_view sql, int quotes) noexcept
{
    // CREATE [OR REPLACE] [LOCAL | GLOBAL] TEMP …, INTO [LOCAL | GLOBAL] TEMP …; but INSERT INTO temp.
    static constexpr std::array<std::string_view, 5> before_temp{"create", "replace", "local", "global", "into"};
    static constexpr std::array<std::string_view, 2> with_into{"insert", "merge"};
    static constexpr std::array<std::string_view, 2> temp{"temp", "temporary"};
    static constexpr std::string_view schema = "pg_temp"; // and pg_temp_3, which it stands for
    std::string_view last;
    std::string_view last_but_one;
    for (auto token = take_token(sql); !token.empty(); token = take_token(sql)) {
        const bool is_table_name = is_word(last, "into") && is_one_of(last_but_one, with_into);
        if (is_word(token.substr(0, schema.size()), schema) ||
            (is_one_of(token, temp) && is_one_of(last, before_temp) && !is_table_name))
            return true;
        const auto content = content_of(token);
        if (!content.empty() && quotes < most_quotes && makes_temporary(content, quotes + 1))
            return true;
        last_but_one = last;
        last = token;
    }
    return false;
}

} // namespace

bool makes_temporary(std::string_view sql) noexcept
{
    return mentions_temp(sql) && makes_temporary(sql, 0);
}

} // namespace tradecore::pg::detail
