// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/schema/schema_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <string>

namespace tradecore {
class database;
}

namespace tradecore::schema {

/// Applies a schema file to a database exactly once, however many workers ask at the same time: one
/// runs it, the others wait and skip. What counts is the marker in `public.tradecore_schema` (name and
/// SHA-256), written in the file's own transaction; the lock only keeps workers from trying together.
///
/// The file is one script of statements that may run in a transaction; it must not contain BEGIN or
/// COMMIT. With `recreate` the setting `tradecore.recreate` is `on` while it runs, so that a file can
/// drop what it is about to create only then: `current_setting('tradecore.recreate', true) = 'on'`.
///
/// The lock is `pg_try_advisory_xact_lock(hashtextextended(key, 0))` with the key
/// `schema_init_<database>_<file>`, such as `schema_init_main_tradecore.sql`. It is tried again every
/// `options.retry_every`, never waited for in the server: a session that waits there holds a snapshot, and
/// CREATE INDEX CONCURRENTLY of the holder would wait for that.
///
/// @param where an open database; the call must not be inside an ambient transaction of it.
/// @param file its name without the folder is the schema's name.
/// @returns whether the file was applied or skipped.
/// @throws schema_changed when the database has other content under this name and `recreate` is off;
///         schema_lock_timeout when another worker held the lock for `options.wait`;
///         std::filesystem::filesystem_error when the file cannot be read; std::logic_error inside an
///         ambient transaction; whatever the database throws. After an error nothing of the file is left.
/// Cancellation: rolls back; nothing is left.
/// Thread safety: as of the database.
[[nodiscard]] boost::asio::awaitable<schema_outcome>
run_schema_from_file(database& where, std::filesystem::path file, schema_options options = {});

/// The same for a text the caller holds.
/// @param name the schema's name in the marker table.
[[nodiscard]] boost::asio::awaitable<schema_outcome>
run_schema(database& where, std::string name, std::string text, schema_options options = {});

/// The same on the database `main`, after `init_all()`.
[[nodiscard]] boost::asio::awaitable<schema_outcome>
run_schema_from_file(std::filesystem::path file, schema_options options = {});

/// The same on the database `vb`, after `init_all()`.
[[nodiscard]] boost::asio::awaitable<schema_outcome>
run_vb_schema(std::filesystem::path file, schema_options options = {});

} // namespace tradecore::schema
