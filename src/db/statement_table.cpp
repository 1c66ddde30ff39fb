// SPDX-License-Identifier: Apache-2.0
#include "db/statement_table.hpp"

#include <bit>

namespace tradecore::detail {
namespace {

/// A text of this size without a name is nothing to tell statements apart by.
constexpr std::size_t longest_key = 8'192;

} // namespace

statement_statistics& statement_table::find_or_add(index& where, std::string_view key, const sql_text& sql, bool named)
{
    if (const auto found = where.find(key); found != where.end())
        return *found->second;
    const bool made_at_run_time = !named && sql.owner;
    if (counted_.size() >= limit_ || (made_at_run_time && at_run_time_ >= limit_ / 2))
        return others_;
    auto& added = counted_.emplace_back();
    try {
        if (named)
            added.name = key;
        added.sql = sql.text.substr(0, longest_key);
        where.emplace(named ? added.name : added.sql, &added);
    }
    catch (...) {
        counted_.pop_back();
        throw;
    }
    if (made_at_run_time)
        ++at_run_time_;
    return added;
}

statement_statistics& statement_table::find(const sql_text& sql, std::string_view name)
{
    if (!name.empty())
        return find_or_add(by_name_, name, sql, true);
    if (sql.text.size() > longest_key)
        return others_;
    if (sql.owner)
        return find_or_add(by_sql_, sql.text, sql, false);
    // A literal is always in the same place, and most calls are literals: no need to read it.
    const auto address = std::bit_cast<std::uintptr_t>(sql.text.data());
    auto& known = literals_[((address >> 4U) ^ (address >> 12U)) % literals_.size()];
    if (known.text != sql.text.data() || known.size != sql.text.size())
        known = {sql.text.data(), sql.text.size(), &find_or_add(by_sql_, sql.text, sql, false)};
    return *known.counted;
}

void statement_table::count(
    const sql_text& sql, std::string_view name, std::chrono::nanoseconds took, std::uint64_t rows, bool failed) noexcept
{
    if (limit_ == 0)
        return;
    auto* one = &others_;
    try {
        one = &find(sql, name);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): no memory for another one; it is counted with the others
    }
    ++one->calls;
    one->rows += rows;
    if (failed)
        ++one->errors;
    one->latency.add(took);
}

void statement_table::report(database_statistics& into) const
{
    into.statements.assign(counted_.begin(), counted_.end());
    into.others = others_;
}

} // namespace tradecore::detail
