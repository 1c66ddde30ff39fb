// SPDX-License-Identifier: Apache-2.0
#include "pg/leading_keyword.hpp"
#include "pg/makes_temporary.hpp"
#include "pg/sql_tokens.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace tradecore::pg {

namespace {

using detail::is_word;
using words = std::span<const std::string_view>;

/// What a statement may begin with.
constexpr std::array<std::string_view, 5> openings{"select", "values", "table", "show", "with"};

/// Where one of these stands as a word, something is written or locked, or may be.
constexpr std::array<std::string_view, 7> writing{"insert", "update", "delete", "merge", "into", "call", "execute"};

/// What may stand before a parenthesis without being called, or without doing anything when it is.
constexpr auto keywords = std::to_array<std::string_view>({
    // clang-format off
    "all", "and", "any", "array", "as", "between", "bigint", "bit", "boolean", "bpchar", "by", "case", "cast", "char",
    "character", "coalesce", "cross", "cube", "date", "decimal", "distinct", "else", "end", "escape", "except",
    "exists", "extract", "filter", "float", "from", "full", "greatest", "group", "grouping", "having", "ilike", "in",
    "inner", "int", "integer", "intersect", "interval", "is", "join", "lateral", "least", "left", "like", "limit",
    "materialized", "natural", "not", "null", "nullif", "numeric", "offset", "on", "only", "or", "order", "outer",
    "over", "overlay", "partition", "position", "precision", "returning", "right", "rollup", "row", "select", "sets",
    "similar", "some", "text", "then", "time", "timestamp", "timestamptz", "union", "using", "values", "varchar",
    "when", "where", "with", "within",
    // clang-format on
});

/// Functions of the server that change nothing, as far as applications commonly use them.
constexpr auto functions = std::to_array<std::string_view>({
    // clang-format off
    "abs", "age", "array_agg", "array_append", "array_cat", "array_length", "array_position", "array_remove",
    "array_to_json", "array_to_string", "avg", "bool_and", "bool_or", "btrim", "cardinality", "ceil", "ceiling",
    "char_length", "concat", "concat_ws", "count", "cume_dist", "current_database", "current_setting", "date_part",
    "date_trunc", "decode", "dense_rank", "div", "encode", "every", "exp", "first_value", "floor", "format",
    "gen_random_uuid", "generate_series", "initcap", "json_agg", "json_array_length", "json_build_array",
    "json_build_object", "json_object_agg", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text",
    "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_object_agg",
    "jsonb_object_keys", "jsonb_typeof", "lag", "last_value", "lead", "length", "ln", "lower", "lpad", "ltrim",
    "make_date", "make_interval", "max", "md5", "min", "mod", "now", "nth_value", "ntile", "octet_length",
    "percent_rank", "percentile_cont", "percentile_disc", "pg_is_in_recovery", "pg_typeof", "power", "random", "rank",
    "regexp_replace", "replace", "reverse", "round", "row_number", "row_to_json", "rpad", "rtrim", "sign",
    "split_part", "sqrt", "string_agg", "strpos", "substr", "substring", "sum", "to_char", "to_date", "to_json",
    "to_jsonb", "to_number", "to_timestamp", "trim", "trunc", "unnest", "upper",
    // clang-format on
});

bool is_one_of(std::string_view token, words all) noexcept
{
    return std::ranges::any_of(all, [token](std::string_view each) { return is_word(token, each); });
}

bool is_name(std::string_view token) noexcept
{
    const char first = token.empty() ? ' ' : token.front();
    return first == '"' || first == '_' || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
           static_cast<unsigned char>(first) >= 0x80;
}

/// The tokens before the one at hand, the nearest first.
struct context {
    std::string_view before;
    std::string_view point;
    std::string_view schema;

    void move_on(std::string_view token) noexcept
    {
        schema = point;
        point = before;
        before = token;
    }
    /// @returns whether a parenthesis that comes now calls nothing that may write.
    [[nodiscard]] bool calls_nothing_that_writes() const noexcept
    {
        if (!is_name(before))
            return true;
        if (point == "." && !is_word(schema, "pg_catalog"))
            return false;
        return is_one_of(before, keywords) || is_one_of(before, functions);
    }
    [[nodiscard]] bool locks(std::string_view token) const noexcept
    {
        static constexpr std::array<std::string_view, 3> strengths{"share", "no", "key"}; // UPDATE is refused anyway
        return is_word(before, "for") && is_one_of(token, strengths);
    }
};

} // namespace

bool only_reads(std::string_view sql) noexcept
{
    auto token = detail::take_token(sql);
    while (token == "(")
        token = detail::take_token(sql);
    if (!is_one_of(token, openings))
        return false;
    context last;
    while (!token.empty() && token != ";") {
        if (is_one_of(token, writing) || last.locks(token) || (token == "(" && !last.calls_nothing_that_writes()))
            return false;
        last.move_on(token);
        token = detail::take_token(sql);
    }
    while (token == ";")
        token = detail::take_token(sql);
    return token.empty();
}

bool may_commit_in_parts(std::string_view sql) noexcept
{
    return detail::may_commit(sql);
}

bool leaves_session_alone(std::string_view sql) noexcept
{
    constexpr std::array<std::string_view, 8> for_data{"select", "insert", "update", "delete",
                                                       "merge",  "values", "table",  "with"};
    const auto begins_with = [sql](std::string_view opening) { return detail::begins_with_keyword(sql, opening); };
    return std::ranges::any_of(for_data, begins_with) && !detail::makes_temporary(sql);
}

} // namespace tradecore::pg
