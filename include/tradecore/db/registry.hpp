// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/database.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore {

// Thread safety: databases may be looked up and listed from any thread. A database is used by others only once the call
// that opens it has returned, and no more when `shutdown()` has been called.

/// The main database: usable between `init_db_pool()` or `init_all()` and `shutdown()`; a
/// `database_closed` outside of that.
extern database db;
/// The virtual broker's database; `database_disabled` when `ENABLE_VB_DATABASE` is false.
extern database vb_db;

/// Opens the main database as the environment says, on the executor of the caller, which is where its connections
/// live; `vb` stays closed. It may be called again when it has failed.
/// @throws configuration_error; the error of the connect that failed.
[[nodiscard]] boost::asio::awaitable<void> init_db_pool();

/// Opens main and vb, each with this worker's share of its pool. When one cannot be opened the other is closed again,
/// and it may be called again. Without a configuration it is that of the environment (docs/configuration.md).
///
/// A server, a role or a database that allows fewer connections than the pools of all workers may make is named in the
/// log with what to set: `[POOL SIZING] …`. Behind a pooler nothing is said, since it has limits of its own.
/// @throws configuration_error when a pool cannot be divided among the workers; the error of the connect that failed.
[[nodiscard]] boost::asio::awaitable<void> init_all();
[[nodiscard]] boost::asio::awaitable<void> init_all(database_configuration configuration);

/// Opens a further database under the name its options have, or one of the two under "main" or "vb".
/// @returns the database; the reference stays valid, also after `shutdown()`.
/// @throws std::invalid_argument when a database of that name is open already.
[[nodiscard]] boost::asio::awaitable<std::reference_wrapper<database>> init_database(database_options options);

/// @returns the database called `name`.
/// @throws std::out_of_range when there never was one.
[[nodiscard]] database& get_database(std::string_view name);

/// @returns the pool of the database called `name`.
/// @throws std::out_of_range; database_closed; database_disabled.
[[nodiscard]] pool& get_pool(std::string_view name = "main");

/// @returns the names of all databases that were ever opened, and of main and vb.
[[nodiscard]] std::vector<std::string> database_names();

/// Closes all databases, the last opened first. Until then their connections are work for their event loop, whose
/// `run()` does not return.
/// @param limit for each; see `database::close`.
[[nodiscard]] boost::asio::awaitable<void> shutdown(std::chrono::milliseconds limit = std::chrono::seconds(10));

} // namespace tradecore
