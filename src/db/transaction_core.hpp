// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/commit_proof.hpp"
#include "db/commit_resolution.hpp"
#include "db/database_core.hpp"

#include <tradecore/db/async_mutex.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::detail {

/// What made a transaction fail, as far as its own database and the way to it are concerned.
struct transaction_failure {
    /// The first error that was not undone by a savepoint, whatever the body made of it; null when only the body
    /// failed, errors of other databases included.
    std::exception_ptr cause{};
    /// Of the moment of `cause`.
    attempt_facts facts{};
    /// COMMIT was sent and what became of it is not known, or the body has ended the transaction itself. False also
    /// when it has been found out since.
    bool in_doubt = false;
};

/// One level of a transaction: the outermost owns the connection, a nested one is a savepoint on it. Shared by
/// the context, the body and the body's children, which may outlive it.
///
/// BEGIN is not sent before the first statement: it goes in front of it, in the same round trip, and the
/// server does not run the statement when it refuses BEGIN.
class transaction_core final : public std::enable_shared_from_this<transaction_core> {
public:
    using clock = std::chrono::steady_clock;

    transaction_core(
        std::shared_ptr<database_core> database, std::shared_ptr<transaction_core> parent, transaction_options options,
        std::optional<clock::time_point> deadline);
    transaction_core(const transaction_core&) = delete;
    transaction_core& operator=(const transaction_core&) = delete;
    transaction_core(transaction_core&&) = delete;
    transaction_core& operator=(transaction_core&&) = delete;
    ~transaction_core();

    static boost::asio::awaitable<pg::result> run(std::shared_ptr<transaction_core> self, pg::statement what);
    static boost::asio::awaitable<std::vector<pg::result>>
    run_script(std::shared_ptr<transaction_core> self, sql_text text, pg::call_options options);

    // transaction_bulk.cpp
    static boost::asio::awaitable<pg::batch_answers> run_batch(std::shared_ptr<transaction_core> self, pg::batch what);
    static boost::asio::awaitable<std::uint64_t>
    run_many(std::shared_ptr<transaction_core> self, pg::repeated_statement what);
    static boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(std::shared_ptr<transaction_core> self, pg::statement what, pg::cursor_options how);
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(std::shared_ptr<transaction_core> self, pg::detail::copy_request what);
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(std::shared_ptr<transaction_core> self, pg::detail::copy_request what);

    /// Runs the body between open and finish. Its own coroutine thread, with its own cancellation state.
    static boost::asio::awaitable<void> drive(std::shared_ptr<transaction_core> self, erased_body body);

    /// @returns what ended it; null when it succeeded.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
    /// @returns what whoever decides about another attempt has to know; of the outermost level, when it has ended.
    [[nodiscard]] const transaction_failure& failure() const noexcept { return cause_; }
    /// @returns whether it certainly has written nothing, here or elsewhere; of the outermost level.
    [[nodiscard]] bool wrote_nothing() const noexcept { return !begun_ || proof_.doubt() == commit_doubt::none; }
    [[nodiscard]] bool holds_connection() const noexcept { return static_cast<bool>(connection_); }
    [[nodiscard]] const transaction_options& options() const noexcept { return options_; }
    [[nodiscard]] const transaction_core& root() const noexcept;

private:
    enum class stage {
        active,
        finishing, // sends its COMMIT, ROLLBACK or RELEASE; takes no more statements
        abandoned, // an outer level finished before this one
        closed
    };

    /// A COMMIT that was sent, of which it is not known whether it took effect.
    struct unanswered_commit {
        commit_doubt doubt;
        lost_commit what;
        std::int32_t backend_pid;
        std::string reason;
    };

    struct command;
    class open_stream;
    class cursor_stream;
    class copy_in_stream;
    class copy_out_stream;
    [[nodiscard]] static boost::asio::awaitable<command>
    take_command(std::shared_ptr<transaction_core> self, pg::call_options options);
    template <class Stream, class Core>
    [[nodiscard]] static boost::asio::awaitable<std::shared_ptr<Core>> open_copy(
        std::shared_ptr<transaction_core> self, pg::detail::copy_request what,
        boost::asio::awaitable<std::shared_ptr<Core>> (pg::session::*open)(pg::detail::copy_request));

    // --- transaction_core.cpp: statements, on the outermost level ---------------------------------
    void require_active() const;
    [[nodiscard]] boost::asio::awaitable<async_mutex::guard> take_turn(std::optional<std::chrono::milliseconds> limit);
    /// Takes the time since then off a call's.
    static void spend(pg::call_options& of, clock::time_point since);
    void require_not_failed() const;
    void require_time() const;
    /// Adds what has to go before the statement, and its limits.
    void prepare(pg::statement& what);
    [[nodiscard]] std::chrono::milliseconds server_limit(const pg::call_options& options) const;
    [[nodiscard]] std::chrono::milliseconds within_own_limits(std::chrono::milliseconds limit) const;
    /// @returns the client's limit for all of a command that is more than one statement; the server's is for each.
    [[nodiscard]] std::optional<std::chrono::milliseconds> limit_of_all(const pg::call_options& options) const;
    /// @returns the options of a script, which tells the server of no limit of its own.
    [[nodiscard]] pg::call_options limited(pg::call_options options) const;
    void statement_ended(const std::exception_ptr& error);
    /// Tells the breaker. @param error null for an answer.
    void tell_breaker(const std::exception_ptr& error) noexcept;
    [[nodiscard]] attempt_facts facts() const;
    /// Keeps the first error that makes the transaction fail.
    void failed_by(const std::exception_ptr& error, const attempt_facts& facts) noexcept;
    void count_busy(clock::time_point since);
    /// Gives up the COPY that the body has left open. @returns whether there was one.
    bool leave_stream() noexcept;
    /// What a rollback that nobody asked for is said to be due to.
    [[nodiscard]] std::string why_failed() const;

    // --- transaction_ends.cpp ---------------------------------------------------------------------
    boost::asio::awaitable<void> open();
    boost::asio::awaitable<void> open_savepoint();
    boost::asio::awaitable<void> finish();
    [[nodiscard]] std::optional<std::chrono::milliseconds> limit_of_end() const;
    boost::asio::awaitable<void> finish_outermost(physical_connection& on, std::string unfinished);
    boost::asio::awaitable<void> finish_savepoint(physical_connection& on, std::string unfinished);
    void log_long_transaction() const;
    void close() noexcept;

    // --- transaction_commit.cpp -------------------------------------------------------------------
    boost::asio::awaitable<void> commit(physical_connection& on, std::string unfinished);
    /// Finds out what became of a transaction whose COMMIT was not answered.
    boost::asio::awaitable<void> resolve();
    [[nodiscard]] clock::time_point end_of_resolution() const;

    [[nodiscard]] transaction_core& root() noexcept;
    [[nodiscard]] std::string begin_command() const;
    [[nodiscard]] std::string label() const;

    const std::shared_ptr<database_core> database_;
    const std::shared_ptr<transaction_core> parent_;
    const transaction_options options_;
    const std::optional<clock::time_point> deadline_;
    const std::string savepoint_; // empty on the outermost level
    async_mutex turns_;           // one statement, or one nested level, at a time
    stage stage_ = stage::active;
    bool opened_ = false;
    bool released_ = false; // the savepoint is gone from the server
    std::exception_ptr error_;
    transaction_core* child_ = nullptr;
    open_stream* stream_ = nullptr;                           // has this level's turn
    async_mutex::guard parents_turn_;                         // a nested level has its parent for its whole life
    std::optional<std::chrono::milliseconds> timeout_before_; // the outermost's, when the savepoint was set

    // --- outermost level only ---------------------------------------------------------------------
    std::string announcement_; // of the trace to the server, to go with the next statement
    transaction_trace trace_;
    attempt attempt_;
    lease connection_;
    commit_proof proof_;
    std::optional<unanswered_commit> unanswered_;
    bool begun_ = false;
    bool spoilt_ = false;                                        // the session
    std::optional<pg::sqlstate> failure_;                        // what made the transaction fail
    transaction_failure cause_;                                  // the same, and a lost connection
    transaction_failure undone_;                                 // the last that a savepoint has undone
    std::optional<std::chrono::milliseconds> statement_timeout_; // as set on the server; nothing: not known
    clock::time_point opened_at_{};
    clock::duration busy_{};
    std::size_t statements_ = 0;
};

} // namespace tradecore::detail
