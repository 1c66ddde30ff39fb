// SPDX-License-Identifier: Apache-2.0
#include "db/statement_loops.hpp"

#include <algorithm>

namespace tradecore::detail {
namespace {

bool is_same(const sql_text& one, const sql_text& other) noexcept
{
    return one.text.size() == other.text.size() && (one.text.data() == other.text.data() || one.text == other.text);
}

bool starts_with_word(std::string_view text, std::string_view word) noexcept
{
    return text.size() > word.size() && std::ranges::equal(text.substr(0, word.size()), word, [](char a, char b) {
               return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b;
           });
}

} // namespace

statement_loops::loop& statement_loops::find(const sql_text& sql) noexcept
{
    auto* rarest = seen_.data();
    for (loop& one : seen_) {
        if (one.count == 0 || is_same(one.sql, sql))
            return one;
        if (one.count < rarest->count)
            rarest = &one;
    }
    // All places are taken: the one of the statement that looks least like a loop is used again.
    *rarest = {};
    return *rarest;
}

void statement_loops::note(
    const sql_text& sql, std::string_view name, std::uint64_t rows, std::chrono::nanoseconds took) noexcept
{
    if (threshold_ == 0 || rows > 1)
        return;
    loop& one = find(sql);
    if (one.count == 0)
        one.sql = sql;
    one.took += took;
    if (++one.count != threshold_)
        return;
    try {
        one.name = name; // the caller's need not live until the transaction's end
    }
    catch (...) { // NOLINT(bugprone-empty-catch): no memory for the name; the SQL is there
    }
}

const statement_loops::loop* statement_loops::worst() const noexcept
{
    const auto* most = &*std::ranges::max_element(seen_, {}, &loop::count);
    return threshold_ > 0 && most->count >= threshold_ ? most : nullptr;
}

std::string_view instead_of_loop(std::string_view sql) noexcept
{
    sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n("), sql.size()));
    if (starts_with_word(sql, "INSERT"))
        return "copy_in, execute_many, or INSERT … SELECT FROM UNNEST($1, …)";
    if (starts_with_word(sql, "UPDATE") || starts_with_word(sql, "DELETE") || starts_with_word(sql, "MERGE"))
        return "execute_many, or one statement that joins UNNEST($1, …)";
    if (starts_with_word(sql, "SELECT") || starts_with_word(sql, "TABLE") || starts_with_word(sql, "VALUES"))
        return "one SELECT with = ANY($1) or a join with UNNEST($1, …)";
    return "execute_many, UNNEST or COPY";
}

} // namespace tradecore::detail
