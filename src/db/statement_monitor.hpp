// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/backend_sessions.hpp"
#include "db/deadlock_report.hpp"
#include "db/statement_loops.hpp"
#include "db/statement_table.hpp"

#include <tradecore/db/database_options.hpp>
#include <tradecore/db/pool.hpp>

#include <source_location>
#include <string_view>

namespace tradecore::detail {

/// What a database knows of the statements it runs, for what it tells.
class statement_monitor {
public:
    /// @param options must outlive this.
    /// @param executor where connections live; empty when there are none.
    explicit statement_monitor(const database_options& options, const boost::asio::any_io_executor& executor = {})
        : options_(options), table_(options.counted_statements),
          sessions_(executor, options.name, options.connect, options.pool.maximum), executor_(executor)
    {}

    [[nodiscard]] const database_options& options() const noexcept { return options_; }
    [[nodiscard]] statement_table& table() noexcept { return table_; }
    [[nodiscard]] const statement_table& table() const noexcept { return table_; }
    [[nodiscard]] backend_sessions& sessions() noexcept { return sessions_; }

    /// @param pool where a connection is borrowed to ask the server about others; must outlive this.
    void ask_with(tradecore::pool& pool) noexcept { pool_ = &pool; }
    void tell(deadlock_report what);

private:
    const database_options& options_;
    statement_table table_;
    backend_sessions sessions_;
    boost::asio::any_io_executor executor_;
    tradecore::pool* pool_ = nullptr;
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

    /// The transaction has its connection.
    void runs_on(backend_sessions& sessions, std::int32_t pid);
    [[nodiscard]] const session_use& session() const noexcept { return session_; }

    /// The transaction is over: says when it was a loop.
    void ended() const noexcept;

private:
    void say(const statement_loops::loop& loop) const;

    const database_options& options_;
    std::string_view name_;
    std::source_location where_;
    statement_loops loops_;
    session_use session_;
};

} // namespace tradecore::detail
