// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connection.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

/// The locks in a database that keep simulations apart. They are of the session that takes them.
/// Errors: what the database throws.
namespace tradecore::app::simulate {

/// What: a session that waits for locks a little: the server may not have noticed yet that a program that held them
///   was killed.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<pg::connection>> connect_for_locks(pg::connect_options to);

/// What: takes the lock of a run's first process. Returns: whether nobody else has it.
[[nodiscard]] boost::asio::awaitable<bool> lock_simulation(pg::connection& on);

/// What: says that a worker is there, as any number of them may.
[[nodiscard]] boost::asio::awaitable<void> lock_as_worker(pg::connection& on);

/// What: waits until no worker is there: those of a program that was killed are killed with it, but may be at their
///   last statement when its own lock is free already. Returns: whether that came to pass.
[[nodiscard]] boost::asio::awaitable<bool> workers_are_gone(pg::connection& on);

} // namespace tradecore::app::simulate
