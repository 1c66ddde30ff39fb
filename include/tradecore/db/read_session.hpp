// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/session.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace tradecore {

namespace detail {
class database_core;
class read_core;
} // namespace detail

/// How old what is read may be, and what is done when no standby is as new as that.
struct read_options {
    /// What was committed on the primary longer ago than this, when the statement is sent, is seen by it. Not set: a
    /// standby may be as old as it likes. 0 always reads from the primary.
    std::optional<std::chrono::milliseconds> max_staleness = std::chrono::seconds(1);
    /// False: `no_fresh_standby` instead.
    bool primary_otherwise = true;
    /// As of `database::with`; the time limit holds for both servers together.
    pg::call_options call{};
};

/// Where reads were answered from since the database was made.
struct read_statistics {
    std::uint64_t at_standby = 0;
    /// What went to the primary, or was refused with `no_fresh_standby`: nothing was known yet that could prove
    /// anything; the standby was too old; it could not be reached; all its connections were in use; it had failed.
    std::uint64_t not_known = 0;
    std::uint64_t too_old = 0;
    std::uint64_t unavailable = 0;
    std::uint64_t busy = 0;
    std::uint64_t failed = 0;
    /// Answers of standbys that were dropped, for they turned out to be too old.
    std::uint64_t dropped = 0;
};

/// A database to read from, a standby where that is new enough: what `database::read` returns. Verbs called on it may
/// be awaited after it is gone.
///
/// What a standby has is proved by positions in the log that all servers of a cluster share: the primary is asked now
/// and then, in the background, how far it is; a standby that has replayed as much has everything that had been
/// committed when the question was sent. No clocks of servers are compared. The standby is asked in the round trip of
/// the statement, in front of it, and only when what is known of it has become too old. Where nothing can be proved the
/// primary is asked, at once; so it is when standbys are down, have no free connection, or fail, also because replay
/// was in the way of the statement (40001).
///
/// Statements run as ever, `fetch`, batches and cursors alike, but cannot write: the server refuses that
/// (`read_only_sql_transaction`, 25006), the primary as well as a standby. For that, what does not show by its text
/// that it only reads (`pg::only_reads`) is run by the primary in a transaction that is declared read-only, one more
/// round trip. `execute_many` and COPY are not offered.
///
/// Inside a transaction of the database everything runs in that transaction, as if called on the database itself, so
/// that it sees what was written. Outside, a read need not see what its caller has just written, nor what another read
/// has shown: the next may be answered by another server.
///
/// Errors: as of `database`; `no_fresh_standby` when asked for. Cancellation and thread safety: as of `database`.
class read_session final : public pg::session {
public:
    read_session(
        std::shared_ptr<detail::database_core> primary, std::shared_ptr<detail::read_core> reads, read_options how)
        : primary_(std::move(primary)), reads_(std::move(reads)), how_(how)
    {}

    using pg::session::run;
    [[nodiscard]] boost::asio::awaitable<pg::result> run(pg::statement what) override;
    /// @throws argument_error for a batch whose entries stand alone when one of them does not show that it only reads.
    [[nodiscard]] boost::asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override;
    /// A cursor reads all its rows where it was opened; it ends with an error when replay gets in its way.
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override;

private:
    std::shared_ptr<detail::database_core> primary_;
    // Null: there are no standbys.
    std::shared_ptr<detail::read_core> reads_;
    read_options how_;
};

} // namespace tradecore
