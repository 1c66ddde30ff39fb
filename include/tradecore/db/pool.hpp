// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/db/pool_options.hpp>
#include <tradecore/db/pool_state.hpp>
#include <tradecore/db/statistics.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore {

namespace detail {
class database_core;
class expected_time;
class pool_core;

/// What a statement that may share its connection says of itself, and then has of it.
struct share {
    /// Learns how long its answer takes; null of who wants a connection alone. Must outlive the use.
    expected_time* time = nullptr;
    /// In line, in case it has to wait after all; 0 for none yet.
    pool_state::ticket place = 0;
    /// What it counts for.
    std::chrono::duration<std::uint32_t, std::micro> weight{};
    bool answered = false;
};
} // namespace detail

/// Who uses a connection; it stands in the message of those who wait in vain.
struct usage {
    /// A literal: "statement", "transaction", …
    std::string_view kind = "session";
    /// A name or the SQL; kept alive by a literal or by `keeps`.
    std::string_view label{};
    std::shared_ptr<const void> keeps{};
    /// Where the caller asked for it, for logs.
    std::source_location where{};

    /// @returns the use by the code that calls this, for a pool that is used directly.
    [[nodiscard]] static usage here(std::string_view what, std::source_location at = std::source_location::current())
    {
        return {.kind = "session", .label = what, .keeps = {}, .where = at};
    }
};

/// A connection on loan: goes back to its pool when the lease ends.
///
/// Giving back never waits and never throws, so it is safe in destructors and during cancellation: a
/// connection that is inside a transaction, has statements in flight or an altered session is cleaned in
/// the background under a time limit, else closed. Of what a session keeps beyond its transaction some
/// cannot be seen (`set_config`, session locks): who uses such things calls `discard()`.
///
/// Thread safety: none. Lifetimes: may outlive the `pool` object.
class lease {
public:
    lease() = default;
    lease(lease&& other) noexcept
        : core_(std::move(other.core_)), connection_(std::exchange(other.connection_, nullptr)), where_(other.where_),
          share_(other.share_)
    {}
    lease& operator=(lease&& other) noexcept;
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { reset(); }

    [[nodiscard]] physical_connection& operator*() const noexcept { return *connection_; }
    [[nodiscard]] physical_connection* operator->() const noexcept { return connection_; }
    explicit operator bool() const noexcept { return connection_ != nullptr; }

    /// Gives the connection back.
    void reset() noexcept;
    /// Closes the connection; the pool makes another when it needs one.
    void discard() noexcept;

private:
    friend class detail::database_core;
    friend class detail::pool_core;
    lease(
        std::shared_ptr<detail::pool_core> core, physical_connection* connection, pool_state::slot where,
        const detail::share& share) noexcept
        : core_(std::move(core)), connection_(connection), where_(where), share_(share)
    {}

    /// As `reset`, by who knows the time.
    void give_back(std::chrono::steady_clock::time_point now) noexcept;

    std::shared_ptr<detail::pool_core> core_;
    physical_connection* connection_ = nullptr;
    pool_state::slot where_ = 0;
    detail::share share_{};
};

/// A bounded number of connections, lent to callers in the order they ask.
///
/// Every wait ends: with a connection, with a `pool_timeout` that says why, with the error of a connect
/// that failed, or with `database_closed`.
///
/// A process that was forked from the one that made the pool must not use it, and need not: calls throw
/// `database_closed`, and no connection is touched, neither by leases nor by destructors.
///
/// Thread safety: none: the pool and everyone who uses it run on one thread (one `io_context` run by one thread), or on
/// one strand; that of a database with `threads::several` on `database::pool_executor()`. Lifetimes: leases and waiting
/// calls keep what they need; the `io_context` may be destroyed at any time, the pool's sockets go with it.
class pool {
public:
    using clock = pool_state::clock;

    /// @param executor where connections live; a transaction it may carry is ignored.
    /// @param name for messages: "main".
    /// @throws std::invalid_argument when the options make no sense.
    pool(boost::asio::any_io_executor executor, std::string name, pool_options options, connector connect);
    pool(pool&&) noexcept = default;
    pool& operator=(pool&&) noexcept = default;
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    /// Closes at once what is not lent; loans end with their leases.
    ~pool();

    /// Makes `minimum` connections; fewer when the server has room for some only (53300).
    /// @throws the error of the first connect that fails; the pool is then closed and may be opened again.
    /// Cancellation: terminal; the pool is closed.
    [[nodiscard]] boost::asio::awaitable<void> open();

    /// Refuses new callers, sends those who wait away with `database_closed`, waits until all loans have
    /// ended, and closes the connections.
    /// @param limit when it has passed the connections still lent are closed under their users.
    /// Cancellation: terminal; as if the limit had passed.
    [[nodiscard]] boost::asio::awaitable<void> close(std::chrono::milliseconds limit);

    /// Waits for a connection.
    /// @param user who will use it.
    /// @param until the caller's own deadline, when it is before the end of `acquire_timeout`.
    /// @throws pool_timeout; database_closed; the error of a connect that failed.
    /// Cancellation: any kind; a connection on its way goes to the next in line.
    [[nodiscard]] boost::asio::awaitable<lease> acquire(usage user, std::optional<clock::time_point> until = {});

    /// @returns a connection when one is idle and nobody waits, else an empty lease.
    /// @throws database_closed.
    [[nodiscard]] lease try_acquire(usage user);

    /// Lends nothing and connects to nothing until `resume()`: callers wait, for as long as they would for a
    /// connection; what is lent stays lent. For a failover that is planned: suspend, `evict()`, switch, resume.
    void suspend();
    void resume();
    [[nodiscard]] bool is_suspended() const noexcept;

    using predicate = std::function<bool(const physical_connection&)>;
    /// Ends connections without disturbing who uses them (softEvictConnections): idle ones are closed now, others when
    /// they come back or, while they are still being made, when that is done. New ones are made as they are needed.
    /// @returns how many of those that exist were chosen.
    std::size_t evict();
    /// The same of those that the predicate is true of; one of a server that has become a standby says so:
    /// `parameter("in_hot_standby") == "on"`. What it throws is passed on, and nothing is ended then;
    /// of a connection that is still being made it means yes.
    /// @param unwanted is kept until the connects that are under way have ended, and so must be what it refers to.
    std::size_t evict(const predicate& unwanted);
    /// The same of those to one server.
    /// @param host its name or address, as it is written in the connect options. @param port any when not set.
    std::size_t evict_host(std::string_view host, std::optional<std::uint16_t> port = {});

    /// Ends the pause after a connect that failed: the next caller's begins at once.
    void end_pause();

    [[nodiscard]] pool_stats stats() const noexcept;
    /// @returns what has been counted since the pool was made.
    [[nodiscard]] const pool_statistics& statistics() const noexcept;
    [[nodiscard]] bool is_open() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept;

private:
    friend class detail::database_core;

    std::shared_ptr<detail::pool_core> core_;
};

} // namespace tradecore
