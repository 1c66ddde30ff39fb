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
/// Small, for it is in the frame of every statement. Lifetimes: the monitor and the trace must outlive it, and so must
/// a single statement, and any command's name.
class statement_watch {
public:
    /// @param what stays as it is.
    /// @param within the transaction it runs in; null when in none.
    statement_watch(statement_monitor& by, const pg::statement& what, transaction_trace* within = nullptr);
    /// The same outside of transactions, by who knows the time.
    statement_watch(
        statement_monitor& by, const pg::statement& what, std::chrono::steady_clock::time_point now) noexcept
        : monitor_(by), within_(nullptr), single_(&what), began_(now)
    {}
    statement_watch(statement_monitor& by, const pg::repeated_statement& what, transaction_trace* within = nullptr);
    statement_watch(statement_monitor& by, const pg::batch& what, transaction_trace* within = nullptr);
    /// A command without arguments.
    statement_watch(
        statement_monitor& by, std::string_view verb, const sql_text& sql, std::string_view name,
        transaction_trace* within = nullptr);

    /// It runs outside of transactions, on this process of the server.
    void runs_on(std::int32_t pid);

    /// @returns the time it was.
    std::chrono::steady_clock::time_point ended(const pg::result& answer) noexcept;
    /// It was answered.
    /// @param error null for a success.
    void ended(const pg::result& answer, const std::exception_ptr& error) noexcept;
    void ended(const pg::batch_answers& answers, const std::exception_ptr& error) noexcept;
    /// @param rows how many it returned or affected.
    std::chrono::steady_clock::time_point ended(std::uint64_t rows, const std::exception_ptr& error) noexcept;

private:
    /// What is not a single statement, which may be gone when it is sent.
    struct command {
        std::string_view verb;
        sql_text sql;
        std::string_view name;
        bool is_batch = false;
        std::size_t further = 0; // entries of a batch behind the one whose SQL this is
    };

    statement_watch(
        statement_monitor& by, const pg::statement* single, std::unique_ptr<const command> other,
        transaction_trace* within);

    [[nodiscard]] const session_use& session() const noexcept
    {
        return within_ != nullptr ? within_->session() : session_;
    }
    [[nodiscard]] const sql_text& sql() const noexcept { return single_ != nullptr ? single_->sql : other_->sql; }
    [[nodiscard]] std::string_view name() const noexcept
    {
        return single_ != nullptr ? single_->options.name : other_->name;
    }
    [[nodiscard]] std::string arguments() const;
    void say_slow(std::chrono::milliseconds took, bool failed) const;

    statement_monitor& monitor_;
    transaction_trace* within_;
    const pg::statement* single_; // or
    std::unique_ptr<const command> other_;
    session_use session_; // outside of transactions
    std::chrono::steady_clock::time_point began_;
};

} // namespace tradecore::detail
