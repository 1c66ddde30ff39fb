// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/sql.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tradecore::detail {

/// Notices that a transaction runs one statement over and over, for one row each time: a loop around a round trip,
/// where one command could do.
///
/// It remembers the last few statements, so that a loop whose body has several is seen, too, and does not allocate.
class statement_loops {
public:
    struct loop {
        sql_text sql{};
        /// As the call had it that made it a loop.
        std::string name{};
        std::size_t count = 0;
        std::chrono::nanoseconds took{0};
    };

    /// @param threshold how often makes a loop; 0 never.
    explicit statement_loops(std::size_t threshold) noexcept : threshold_(threshold) {}

    /// A statement has been answered.
    /// @param rows how many it returned or affected.
    void note(const sql_text& sql, std::string_view name, std::uint64_t rows, std::chrono::nanoseconds took) noexcept;

    /// @returns the loop that was run most often; null when there was none.
    [[nodiscard]] const loop* worst() const noexcept;

private:
    [[nodiscard]] loop& find(const sql_text& sql) noexcept;

    std::size_t threshold_;
    std::array<loop, 8> seen_{};
};

/// @returns what to use instead of a loop around this statement.
[[nodiscard]] std::string_view instead_of_loop(std::string_view sql) noexcept;

} // namespace tradecore::detail
