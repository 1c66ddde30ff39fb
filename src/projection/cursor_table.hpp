// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/stream_cursor.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::projection {

/// Where a projection stands in the log of one store.
struct checkpoint {
    std::int64_t position = 0;
    uuid epoch{};
};

/// A parked stream whose time has come; its row is locked.
struct due_stream {
    std::string stream;
    std::int64_t applied = 0;
    int attempts = 0;
};

/// The event a stream does not get over.
struct failed_event {
    std::string stream;
    std::int64_t version = 0;
    uuid id{};
    std::string type;
    std::string error;
};

/// The rows of schema proj that belong to one projection, version and source. Each call is one round
/// trip and joins the ambient transaction.
class cursor_table {
public:
    cursor_table(database& read, std::string projection, int version, std::string source);

    /// Makes checkpoint and registration when they are missing.
    /// @returns the checkpoint as it is now.
    [[nodiscard]] boost::asio::awaitable<checkpoint> prepare(uuid epoch);
    /// @returns nothing when there is none.
    [[nodiscard]] boost::asio::awaitable<std::optional<checkpoint>> load_checkpoint();

    /// Locks the cursors of `streams` (sorted, distinct) until the transaction ends, and limits its
    /// further statements.
    /// @returns the cursors, sorted.
    [[nodiscard]] boost::asio::awaitable<std::vector<stream_cursor>>
    lock(std::vector<std::string> streams, std::chrono::milliseconds limit);
    /// @returns false when somebody else has moved the checkpoint: roll back.
    [[nodiscard]] boost::asio::awaitable<bool>
    finish_batch(std::int64_t old_position, std::int64_t new_position, std::vector<stream_cursor> moved);
    [[nodiscard]] boost::asio::awaitable<void> set_applied(std::string stream, std::int64_t version);

    /// Parks a stream that is still in state ok with `seen` applied.
    /// @param failed the event to blame; 0 when it is not known.
    /// @returns false when it is not so any more.
    [[nodiscard]] boost::asio::awaitable<bool> park(
        std::string stream, std::int64_t seen, std::int64_t failed, std::chrono::milliseconds delay, std::string error,
        std::chrono::milliseconds lock_limit);

    /// Locks a parked stream that is due and that nobody else is at, and limits the statements that follow.
    [[nodiscard]] boost::asio::awaitable<std::optional<due_stream>> take_due(std::chrono::milliseconds limit);
    /// @returns how long until a parked stream is due, 0 when one is; nothing when none is parked.
    [[nodiscard]] boost::asio::awaitable<std::optional<std::chrono::milliseconds>> until_due();
    /// The stream is in order again.
    [[nodiscard]] boost::asio::awaitable<void> revive(std::string stream, std::int64_t applied);
    /// Another try failed. Changes nothing when the stream is no longer parked with `seen` applied.
    [[nodiscard]] boost::asio::awaitable<void>
    try_later(due_stream seen, std::int64_t applied, int attempts, failed_event what, std::chrono::milliseconds delay);
    /// The last try failed: the stream is dead, and the event a dead letter. Changes nothing as above.
    [[nodiscard]] boost::asio::awaitable<void>
    give_up(due_stream seen, std::int64_t applied, int attempts, failed_event what);

    /// Makes a dead stream due; with `skip` it passes over the failed event.
    /// @returns whether there was such a stream.
    [[nodiscard]] boost::asio::awaitable<bool> retry_dead(std::string stream, bool skip);

    /// Forgets everything that was done.
    [[nodiscard]] boost::asio::awaitable<void> forget();
    /// Begins again at the start of the log, keeping what the streams' cursors say.
    [[nodiscard]] boost::asio::awaitable<void> rewind();

private:
    database& read_;
    std::string projection_;
    std::int32_t version_;
    std::string source_;
    std::int16_t shard_ = 0;
};

} // namespace tradecore::projection
