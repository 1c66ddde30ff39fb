// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>
#include <tradecore/db/detail/invoke.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/db/health.hpp>
#include <tradecore/db/physical_connection.hpp>
#include <tradecore/db/pool.hpp>
#include <tradecore/db/read_session.hpp>
#include <tradecore/db/statistics.hpp>
#include <tradecore/db/time_source.hpp>
#include <tradecore/db/transaction.hpp>
#include <tradecore/pg/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace tradecore {

namespace detail {
class database_core;

[[nodiscard]] boost::asio::awaitable<void>
run_transaction(std::shared_ptr<database_core> core, erased_body body, transaction_options options);
[[nodiscard]] boost::asio::awaitable<void> run_outside(std::shared_ptr<database_core> core, erased_body body);

// Free functions, so that no frame refers to the database object the caller happened to use.
template <class T, class F>
boost::asio::awaitable<T> transact(std::shared_ptr<database_core> core, F body, transaction_options options)
{
    const auto state = std::make_shared<body_state<F, T>>(std::move(body));
    co_await run_transaction(std::move(core), erase<T>(state), options);
    co_return state->take();
}

template <class T, class F>
boost::asio::awaitable<T> go_outside(std::shared_ptr<database_core> core, F body)
{
    const auto state = std::make_shared<body_state<F, T>>(std::move(body));
    co_await run_outside(std::move(core), erase<T>(state));
    co_return state->take();
}
} // namespace detail

/// A database with call options: what `database::with` returns. Verbs called on it may be awaited after it
/// is gone.
class database_session final : public pg::session {
public:
    /// @param retries null for the database's own.
    database_session(
        std::shared_ptr<detail::database_core> core, pg::call_options options,
        std::shared_ptr<const resilience::retry_policies> retries)
        : core_(std::move(core)), options_(options), retries_(std::move(retries))
    {}

    using pg::session::run;
    [[nodiscard]] boost::asio::awaitable<pg::result> run(pg::statement what) override;
    [[nodiscard]] boost::asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override;
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> run_many(pg::repeated_statement what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(pg::detail::copy_request what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(pg::detail::copy_request what) override;

private:
    std::shared_ptr<detail::database_core> core_;
    pg::call_options options_;
    std::shared_ptr<const resilience::retry_policies> retries_;
};

/// A database behind the five verbs: a pool of connections and ambient transactions.
///
///     tradecore::database_options options;
///     options.connect = tradecore::pg::connect_options::parse("postgresql://app@db.example/trading");
///     tradecore::database db(co_await asio::this_coro::executor, options);
///     co_await db.open();
///     const auto open_orders = co_await db.fetchval<std::int64_t>("SELECT count(*) FROM orders WHERE open");
///     co_await db.close();
///
/// `init_all` opens those that the environment names (`registry.hpp`). The object is a handle: copies are the same
/// database. The verbs (`fetch`, `fetchrow`, `fetchval`, `execute`, of `session`) run on the connection of the ambient
/// transaction when the calling coroutine is inside one of this database, at any depth and in children, else on a
/// connection of the pool for the time of the statement. So do batches, `execute_many`, cursors and COPY: outside of a
/// transaction a cursor or a COPY keeps its connection until its end, and every limit of a command holds for a COPY as
/// a whole; inside, a COPY has the transaction for itself until its end, while a cursor lets other statements run
/// between its slices.
///
/// A circuit breaker stands before the pool. When too many attempts in a row have failed because the database or
/// the way to it did, callers get `circuit_open` at once; the database is asked in the background until it answers,
/// which keeps the event loop busy, or is closed. A transaction asks the breaker once, before its connection is taken.
///
/// Calls that fail are repeated under `database_options::retries` when that can do no harm: nothing was sent, the
/// server has undone everything (conflicts with other transactions), or the connection was lost while nothing was
/// committed. A statement alone whose connection is lost is repeated when it was declared idempotent
/// (`pg::call_options`), or its text shows that it only reads (`pg::only_reads`); `execute_many`, whose rows are gone
/// once sent, is not, and scripts only when declared. Inside a transaction nothing is repeated but the whole. A call
/// refused by the breaker is not repeated: callers are refused in order not to wait. The error of a call that was
/// repeated says how often, and why no more.
///
/// Errors: as of `session`; `circuit_open`, `pool_timeout`, `waits_for_itself`, `transaction_closed`,
/// `database_closed`, `database_disabled`. Cancellation: terminal. The server is asked to stop a statement that is
/// cancelled in flight; the connection lives on, and a transaction it belongs to has failed.
/// Thread safety: as `database_options::used_by` says. With `threads::one`, the default, a database and all coroutines
/// that use it run on one thread (one `io_context` run by one thread), or on one strand. With `threads::several` all
/// members may be called from any thread, also of other event loops; what they return (cursors, readers and writers of
/// COPY, listeners, results) may be used on any thread, by one at a time. A coroutine that is cancelled must be on a
/// strand, as Asio demands; the body of a transaction is put on one. `pool()` and what it lends belong to
/// `pool_executor()`; so do a `connector`, a `time_source` and the hooks of options, which are called there.
/// Lifetimes: what runs keeps what it needs; the handle need not outlive it. The event loops of callers must live as
/// long as their calls.
class database final : public pg::session {
public:
    /// A database that is not there yet: every call throws `database_closed`.
    explicit database(std::string name = "main");

    /// @param executor where connections live; a transaction it may carry is ignored.
    /// @throws std::invalid_argument when the options make no sense.
    database(boost::asio::any_io_executor executor, database_options options);
    /// The same with connections of another kind, and another time for retries and breaker, for tests and tools.
    /// @param to_standbys the same for `database_options::standbys`.
    database(
        boost::asio::any_io_executor executor, database_options options, connector connect, time_source time = {},
        connector to_standbys = {});
    database(const database&) = default;
    database& operator=(const database&) = default;
    database(database&&) = default;
    database& operator=(database&&) = default;
    ~database() override = default;

    /// A database that is switched off: every call throws `database_disabled` with `reason`.
    [[nodiscard]] static database disabled(std::string name, std::string reason);

    /// Makes the pool's `minimum` of connections, so that a wrong address, name or password shows here and not at the
    /// first call; with a minimum of 0 it does not.
    /// @throws the error of the first connect that fails; nothing is open then, and it may be called again.
    /// Cancellation: terminal; nothing is open.
    [[nodiscard]] boost::asio::awaitable<void> open();

    /// Refuses new work, waits for what runs, and closes the connections. Before that they are work for their event
    /// loop, whose `run()` does not return.
    /// @param limit when it has passed, connections are closed under their users.
    /// Cancellation: terminal; as if the limit had passed.
    [[nodiscard]] boost::asio::awaitable<void> close(std::chrono::milliseconds limit = std::chrono::seconds(10));

    /// The door all verbs go through.
    using pg::session::run;
    [[nodiscard]] boost::asio::awaitable<pg::result> run(pg::statement what) override;
    [[nodiscard]] boost::asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override;
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> run_many(pg::repeated_statement what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(pg::detail::copy_request what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(pg::detail::copy_request what) override;

    /// The same database with options for the calls made through the returned object:
    /// `db.with({.timeout = 250ms, .name = "order_insert"}).execute(…)`.
    /// @param options their `name` must outlive the calls, as a literal does.
    [[nodiscard]] database_session with(pg::call_options options) const { return {core_, options, nullptr}; }
    /// The same, with retry policies of its own.
    /// @throws std::invalid_argument naming the member of the policies that makes no sense.
    [[nodiscard]] database_session with(pg::call_options options, const resilience::retry_policies& retries) const;

    /// The same database to read from, at a standby that is proved to be new enough, else at the primary:
    /// `db.read({.max_staleness = 500ms}).fetch<order>(…)`. See `read_session`.
    [[nodiscard]] read_session read(read_options how = {}) const { return {core_, reads_, how}; }
    /// @returns the standbys as a database of their own, named like this one with "/standby" behind it: for its pool,
    ///          health, statistics and metrics. Disabled when there are none.
    [[nodiscard]] database standbys() const;
    /// @returns where the statements of `read` were answered from.
    [[nodiscard]] tradecore::read_statistics read_statistics() const noexcept;

    /// Runs a text of one or more statements without arguments; see `pg::connection::run_script`. Inside
    /// a transaction of this database it belongs to it.
    [[nodiscard]] boost::asio::awaitable<std::vector<pg::result>>
    run_script(sql_text text, pg::call_options options = {});
    /// The same of a literal, or of a `runtime_sql`.
    [[nodiscard]] boost::asio::awaitable<std::vector<pg::result>> run_script(sql<> text, pg::call_options options = {})
    {
        return run_script(text.text(), options);
    }

    /// Listens to a channel on a connection that is taken from the pool for as long as the listener lives, and is
    /// closed with it: what one session listens to must not wait for another's statements, nor be inherited by the
    /// pool's next user. It counts towards the pool's `maximum`, and is never that of an ambient transaction.
    /// A connection that is lost ends the listener with its error; listen again then.
    /// @throws and errors as of `pg::connection::listen`; those of waiting for a connection.
    [[nodiscard]] boost::asio::awaitable<pg::listener> listen(std::string channel, pg::listen_options options = {});

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws or is cancelled.
    ///
    /// Everything called below the body, in any function and any child started on its executor, uses the
    /// transaction; nothing is passed. Inside another transaction of this database it is a savepoint.
    /// The outermost body is run again from its beginning when the server reports a serialization failure or a
    /// deadlock, and when the connection is lost and nothing was committed: it must change nothing but the database
    /// unless that may happen twice. A body that wrote outside of its transaction, by a verb of another database or in
    /// `outside`, is not run again unless the transaction is declared idempotent; the error then says so. Statements
    /// that only read (`pg::only_reads`) do not count; what is done on a connection lent by `pool()` cannot be seen.
    ///
    /// @param body callable without arguments that returns `awaitable<T>`.
    /// @param where the place that logs name.
    /// @returns what the body returned.
    /// @throws what the body threw; `transaction_rolled_back` when it swallowed an error that had made the
    ///         transaction fail; `commit_unknown` when the connection was lost after COMMIT was sent and the server
    ///         cannot prove what became of it, which it is asked for up to `database_options::commit_resolution`;
    ///         `transaction_closed` when nested and the outer one has ended; `timeout_error`;
    ///         `std::invalid_argument` when nested and asking for another isolation or access mode.
    /// Cancellation: terminal and total, until COMMIT is sent. ROLLBACK and COMMIT are not cancelled: they end
    /// within their own limits.
    template <class F>
    [[nodiscard]] boost::asio::awaitable<detail::awaited_t<F>>
    transaction(F body, transaction_options options = {}, std::source_location where = std::source_location::current())
    {
        if (options.where.line() == 0)
            options.where = where;
        return detail::transact<detail::awaited_t<F>, F>(core_, std::move(body), options);
    }

    /// Runs `body` outside the ambient transaction of this database, on other connections.
    /// @throws waits_for_itself when all connections the pool may have are held by the transactions the call
    ///         is in.
    template <class F>
    [[nodiscard]] boost::asio::awaitable<detail::awaited_t<F>> outside(F body)
    {
        return detail::go_outside<detail::awaited_t<F>, F>(core_, std::move(body));
    }

    /// @returns whether a coroutine on `executor` is inside a transaction of this database.
    [[nodiscard]] bool in_transaction(const boost::asio::any_io_executor& executor) const;

    /// Asks the server for a sign of life, on a connection of its own even inside a transaction. Never
    /// throws on account of the database.
    /// @param limit how long it may take; an eighth of it is kept for the question, when a connection is waited for.
    /// @returns what was found; `error` says that the server does not answer, or why there is no connection: connecting
    ///          fails, or who holds all of them.
    /// Cancellation: as the caller's; it is thrown.
    [[nodiscard]] boost::asio::awaitable<database_health>
    health_check(std::chrono::milliseconds limit = std::chrono::seconds(5));

    [[nodiscard]] tradecore::pool_stats pool_stats() const noexcept;
    /// @returns what has been counted since the database was made: calls, rows, errors and latency of its statements,
    /// and
    ///          what its circuit breaker did.
    [[nodiscard]] database_statistics statistics() const;
    /// @returns what the circuit breaker does with callers; nothing when there is none.
    [[nodiscard]] std::optional<resilience::breaker_state> breaker_state() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] bool is_open() const noexcept;
    /// @returns the pool, to lend a connection for what verbs do not offer. With `threads::several` the pool, and what
    ///          it lends, is used on `pool_executor()` only: `co_await run_on(db.pool_executor(), lend_and_use(db))`.
    /// @throws database_closed, database_disabled; `std::logic_error` with `threads::several` when called elsewhere.
    [[nodiscard]] tradecore::pool& pool() const;
    /// @returns where the connections live: the executor that was given, without its transactions, or with
    ///          `threads::several` a strand of it. Empty when the database is not open, or switched off.
    [[nodiscard]] const boost::asio::any_io_executor& pool_executor() const noexcept;

private:
    explicit database(std::shared_ptr<detail::database_core> core) : core_(std::move(core)) {}

    std::shared_ptr<detail::database_core> core_;
    // Null: there are no standbys.
    std::shared_ptr<detail::read_core> reads_;
};

} // namespace tradecore
