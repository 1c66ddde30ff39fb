// SPDX-License-Identifier: Apache-2.0
#include "pg/leading_keyword.hpp"

#include "pg/sql_tokens.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tradecore::pg::detail {

namespace {

std::string_view first_word(std::string_view& sql) noexcept
{
    std::string_view token = ";";
    while (token == ";")
        token = take_token(sql);
    return token;
}

} // namespace

bool begins_with_keyword(std::string_view sql, std::string_view keyword) noexcept
{
    return is_word(first_word(sql), keyword);
}

bool copies_through_client(std::string_view sql) noexcept
{
    if (!is_word(first_word(sql), "copy"))
        return false;
    std::size_t depth = 0;
    bool names_place = false; // the next token
    for (auto token = take_token(sql); !token.empty(); token = take_token(sql)) {
        // The server takes either word for the client in both directions.
        if (names_place && (is_word(token, "stdin") || is_word(token, "stdout")))
            return true;
        depth += token == "(" ? 1U : 0U;
        depth -= token == ")" && depth > 0 ? 1U : 0U;
        names_place = depth == 0 && (is_word(token, "from") || is_word(token, "to"));
    }
    return false;
}

bool may_commit(std::string_view sql) noexcept
{
    const auto word = first_word(sql);
    // PREPARE TRANSACTION ends one, too.
    static constexpr std::array<std::string_view, 5> words{"call", "do", "commit", "end", "prepare"};
    return std::ranges::any_of(words, [&](std::string_view each) { return is_word(word, each); });
}

bool controls_transaction(std::string_view sql) noexcept
{
    const auto word = first_word(sql);
    if (is_word(word, "prepare"))
        return is_word(take_token(sql), "transaction");
    if (is_word(word, "rollback")) {
        auto next = take_token(sql);
        if (is_word(next, "work") || is_word(next, "transaction"))
            next = take_token(sql);
        return !is_word(next, "to");
    }
    static constexpr std::array<std::string_view, 5> words{"begin", "start", "commit", "end", "abort"};
    return std::ranges::any_of(words, [&](std::string_view each) { return is_word(word, each); });
}

} // namespace tradecore::pg::detail
