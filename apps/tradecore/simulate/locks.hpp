// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/listener.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

/// The locks in a database that keep simulations apart. They are of the session that takes them.
/// Errors: what the database throws.
namespace tradecore::app::simulate {

/// What: takes the lock of a run's first process. Returns: whether nobody else has it.
[[nodiscard]] boost::asio::awaitable<bool> lock_simulation(pg::connection& on);

/// What: says that a worker is there, as any number of them may. Returns: whether nobody is about to begin a run.
[[nodiscard]] boost::asio::awaitable<bool> lock_as_worker(pg::connection& on);

/// What: waits until no worker is there: those of a program that was killed are killed with it, but may be at their
///   last statement when its own lock is free already. Returns: whether that came to pass.
[[nodiscard]] boost::asio::awaitable<bool> workers_are_gone(pg::connection& on);

/// What: a session with one of these locks; another takes it again when that is lost.
/// Thread safety: none.
class held_lock {
public:
    using taking = boost::asio::awaitable<bool> (*)(pg::connection&);

    /// Params: `database` is its name, for messages.
    held_lock(std::string database, taking take) : database_(std::move(database)), take_(take) {}

    /// What: makes a session that waits for locks a little: the server may not have noticed yet that a program that
    /// held
    ///   them was killed.
    [[nodiscard]] boost::asio::awaitable<void> connect(pg::connect_options to);
    /// Returns: whether it has the lock now.
    [[nodiscard]] boost::asio::awaitable<bool> take() { return take_(*session_); }
    [[nodiscard]] pg::connection& session() noexcept { return *session_; }

    /// What: sees to it that it is held until it is told to stop. While the database is away nobody holds it.
    /// Errors: std::runtime_error when somebody else has it then; service::out_of_patience.
    [[nodiscard]] boost::asio::awaitable<void> keep();
    void stop_keeping() noexcept;

private:
    [[nodiscard]] boost::asio::awaitable<bool> is_lost();
    [[nodiscard]] boost::asio::awaitable<bool> take_again();

    std::string database_;
    taking take_;
    pg::connect_options to_;
    std::unique_ptr<pg::connection> session_;
    std::optional<pg::listener> feed_; ///< nobody notifies; it ends with the session
    bool stopping_ = false;
};

} // namespace tradecore::app::simulate
