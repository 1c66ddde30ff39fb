// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/statistics.hpp>
#include <tradecore/pg/sql.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>

namespace tradecore::detail {

/// Counts calls of statements: by the name a call has, else by the SQL.
///
/// It holds a bounded number of statements; whatever is met after that is counted together, so that a counter which
/// exists never goes back. Texts put together at run time, of which there may be any number, get at most half of the
/// places. A statement that has been met costs no memory.
class statement_table {
public:
    /// @param limit how many statements are kept apart; 0: nothing is counted.
    explicit statement_table(std::size_t limit) : limit_(limit) {}
    statement_table(const statement_table&) = delete;
    statement_table& operator=(const statement_table&) = delete;
    statement_table(statement_table&&) = delete;
    statement_table& operator=(statement_table&&) = delete;
    ~statement_table() = default;

    void count(
        const sql_text& sql, std::string_view name, std::chrono::nanoseconds took, std::uint64_t rows,
        bool failed) noexcept;

    void report(database_statistics& into) const;

private:
    /// A literal that was met, found again by its address.
    struct literal {
        const char* text = nullptr;
        std::size_t size = 0;
        statement_statistics* counted = nullptr;
    };
    using index = std::unordered_map<std::string_view, statement_statistics*>;

    [[nodiscard]] statement_statistics& find(const sql_text& sql, std::string_view name);
    [[nodiscard]] statement_statistics&
    find_or_add(index& where, std::string_view key, const sql_text& sql, bool named);

    std::size_t limit_;
    std::size_t at_run_time_ = 0; // how many places such texts have
    std::deque<statement_statistics> counted_;
    statement_statistics others_;
    // Their keys are views of what `counted_` holds.
    index by_name_;
    index by_sql_;
    std::array<literal, 256> literals_{};
};

} // namespace tradecore::detail
