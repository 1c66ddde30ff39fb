// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/statement_monitor.hpp"

#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/execute_many.hpp>
#include <tradecore/pg/result.hpp>
#include <tradecore/pg/statement.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>

namespace tradecore::detail {

/// Watches one command from its sending to the end of its answer, and tells the monitor. One that is destroyed before
/// its end says nothing.
///
/// Lifetimes: the monitor and the trace must outlive it, and so must the command's name; so must a single statement,
/// and the SQL of a command without arguments.
class statement_watch {
public:
    /// @param within the transaction it runs in; null when in none.
    statement_watch(statement_monitor& by, const pg::statement& what, transaction_trace* within = nullptr);
    statement_watch(statement_monitor& by, const pg::repeated_statement& what, transaction_trace* within = nullptr);
    statement_watch(statement_monitor& by, const pg::batch& what, transaction_trace* within = nullptr);
    /// A command without arguments.
    statement_watch(
        statement_monitor& by, std::string_view verb, const sql_text& sql, std::string_view name,
        transaction_trace* within = nullptr);

    /// It runs outside of transactions, on this process of the server.
    void runs_on(std::int32_t pid);

    /// It was answered.
    /// @param error null for a success.
    void ended(const pg::result& answer, const std::exception_ptr& error) noexcept;
    void ended(const pg::batch_answers& answers, const std::exception_ptr& error) noexcept;
    /// @param rows how many it returned or affected.
    void ended(std::uint64_t rows, const std::exception_ptr& error) noexcept;

private:
    statement_watch(
        statement_monitor& by, std::string_view verb, std::unique_ptr<const sql_text> sql, std::string_view name,
        transaction_trace* within);

    [[nodiscard]] const session_use& session() const noexcept
    {
        return within_ != nullptr ? within_->session() : session_;
    }
    [[nodiscard]] std::string arguments() const;
    void say_slow(std::chrono::milliseconds took, bool failed) const;

    statement_monitor& monitor_;
    transaction_trace* within_;
    const sql_text* sql_;
    std::unique_ptr<const sql_text> kept_sql_;  // of what is gone when it is sent
    const pg::parameters* arguments_ = nullptr; // null when they are not to be said
    session_use session_;                       // outside of transactions
    std::chrono::steady_clock::time_point began_;
    std::string_view verb_;
    std::string_view name_;
    std::uint32_t further_ = 0; // entries of a batch behind the one whose SQL this is
    bool is_batch_ = false;
    bool is_single_ = false; // not a batch, many executions, or a script
};

} // namespace tradecore::detail
