// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/statement_loops.hpp"
#include "db/statement_table.hpp"

#include <tradecore/db/database_options.hpp>

#include <source_location>
#include <string_view>

namespace tradecore::detail {

/// What a database knows of the statements it runs, for what it tells.
class statement_monitor {
public:
    /// @param options must outlive this.
    explicit statement_monitor(const database_options& options) : options_(options), table_(options.counted_statements)
    {}

    [[nodiscard]] const database_options& options() const noexcept { return options_; }
    [[nodiscard]] statement_table& table() noexcept { return table_; }
    [[nodiscard]] const statement_table& table() const noexcept { return table_; }

private:
    const database_options& options_;
    statement_table table_;
};

/// What is known of one transaction, for what is told of it and its statements.
class transaction_trace {
public:
    /// @param options must outlive this, as must `name`.
    transaction_trace(const database_options& options, std::string_view name, std::source_location where) noexcept
        : options_(options), name_(name), where_(where), loops_(options.statement_loop)
    {}

    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] const std::source_location& where() const noexcept { return where_; }
    [[nodiscard]] statement_loops& loops() noexcept { return loops_; }

    /// The transaction is over: says when it was a loop.
    void ended() const;

private:
    const database_options& options_;
    std::string_view name_;
    std::source_location where_;
    statement_loops loops_;
};

} // namespace tradecore::detail
