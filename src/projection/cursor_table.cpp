// SPDX-License-Identifier: Apache-2.0
#include "projection/cursor_table.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace tradecore::projection {

namespace {

// PostgreSQL keeps time limits as milliseconds in an int; 0 would mean none.
std::int32_t limit_of(std::chrono::milliseconds limit)
{
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(limit.count(), 1, std::numeric_limits<std::int32_t>::max() / 2));
}

std::optional<std::int64_t> known(std::int64_t version)
{
    return version > 0 ? std::optional{version} : std::nullopt;
}

} // namespace

cursor_table::cursor_table(database& read, std::string projection, int version, std::string source)
    : read_(read), projection_(std::move(projection)), version_(version), source_(std::move(source))
{}

boost::asio::awaitable<checkpoint> cursor_table::prepare(uuid epoch)
{
    co_await read_.execute(
        "INSERT INTO proj.registry (projection, active_version) VALUES ($1, $2) ON CONFLICT DO NOTHING", projection_,
        version_);
    co_await read_.execute(
        "INSERT INTO proj.checkpoint (projection, version, source, shard, epoch) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        projection_, version_, source_, shard_, epoch);
    const auto found = co_await load_checkpoint();
    co_return found.value();
}

boost::asio::awaitable<std::optional<checkpoint>> cursor_table::load_checkpoint()
{
    const auto row = co_await read_.fetchrow<std::tuple<std::int64_t, uuid>>(
        "SELECT position, epoch FROM proj.checkpoint "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND shard = $4",
        projection_, version_, source_, shard_);
    if (!row) {
        co_return std::nullopt;
    }
    co_return checkpoint{.position = std::get<0>(*row), .epoch = std::get<1>(*row)};
}

boost::asio::awaitable<std::vector<stream_cursor>>
cursor_table::lock(std::vector<std::string> streams, std::chrono::milliseconds limit)
{
    auto rows = co_await read_.fetch<std::tuple<std::string, std::int64_t, std::string>>(
        "SELECT stream, applied_version, state FROM proj.lock_streams($1, $2, $3, $4, $5)", projection_, version_,
        source_, streams, limit_of(limit));
    std::vector<stream_cursor> cursors;
    cursors.reserve(rows.size());
    for (auto& [stream, applied, state] : rows) {
        cursors.push_back({.stream = std::move(stream), .applied = applied, .state = parse_stream_state(state)});
    }
    // The function answers in the order it was asked, which is the order a plan needs; it costs nothing
    // to be certain.
    std::ranges::sort(cursors, {}, &stream_cursor::stream);
    co_return cursors;
}

boost::asio::awaitable<bool>
cursor_table::finish_batch(std::int64_t old_position, std::int64_t new_position, std::vector<stream_cursor> moved)
{
    std::vector<std::string> streams;
    std::vector<std::int64_t> applied;
    streams.reserve(moved.size());
    applied.reserve(moved.size());
    for (auto& cursor : moved) {
        streams.push_back(std::move(cursor.stream));
        applied.push_back(cursor.applied);
    }
    co_return co_await read_.fetchval<bool>(
        "SELECT proj.finish_batch($1, $2, $3, $4, $5, $6, $7, $8)", projection_, version_, source_, shard_,
        old_position, new_position, streams, applied);
}

boost::asio::awaitable<void> cursor_table::set_applied(std::string stream, std::int64_t version)
{
    co_await read_.execute(
        "UPDATE proj.stream SET applied_version = $5 "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND stream = $4",
        projection_, version_, source_, stream, version);
}

boost::asio::awaitable<bool> cursor_table::park(
    std::string stream, std::int64_t seen, std::int64_t failed, std::chrono::milliseconds delay, std::string error,
    std::chrono::milliseconds lock_limit)
{
    co_return co_await read_.fetchval<bool>(
        "SELECT proj.park_stream($1, $2, $3, $4, $5, $6, $7, $8, $9)", projection_, version_, source_, stream, seen,
        known(failed), std::int64_t{delay.count()}, error, limit_of(lock_limit));
}

boost::asio::awaitable<std::optional<due_stream>> cursor_table::take_due(std::chrono::milliseconds limit)
{
    const auto row = co_await read_.fetchrow<std::tuple<std::string, std::int64_t, std::int32_t>>(
        "SELECT stream, applied_version, attempts FROM proj.take_due($1, $2, $3, $4)", projection_, version_, source_,
        limit_of(limit));
    if (!row) {
        co_return std::nullopt;
    }
    co_return due_stream{.stream = std::get<0>(*row), .applied = std::get<1>(*row), .attempts = std::get<2>(*row)};
}

boost::asio::awaitable<std::optional<std::chrono::milliseconds>> cursor_table::until_due()
{
    const auto left = co_await read_.fetchval<std::optional<std::int64_t>>(
        "SELECT ceil(extract(epoch FROM min(next_retry_at) - clock_timestamp()) * 1000)::bigint "
        "FROM proj.stream WHERE projection = $1 AND version = $2 AND source = $3 AND state = 'parked'",
        projection_, version_, source_);
    if (!left) {
        co_return std::nullopt;
    }
    co_return std::chrono::milliseconds{std::max<std::int64_t>(0, *left)};
}

boost::asio::awaitable<void> cursor_table::revive(std::string stream, std::int64_t applied)
{
    co_await read_.execute(
        "UPDATE proj.stream SET applied_version = $5, state = 'ok', attempts = 0, next_retry_at = NULL, "
        "failed_version = NULL, last_error = NULL "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND stream = $4",
        projection_, version_, source_, stream, applied);
}

boost::asio::awaitable<void> cursor_table::try_later(
    due_stream seen, std::int64_t applied, int attempts, failed_event what, std::chrono::milliseconds delay)
{
    co_await read_.execute(
        "UPDATE proj.stream SET applied_version = $6, attempts = $7, "
        "next_retry_at = clock_timestamp() + $8 * interval '1 millisecond', failed_version = $9, last_error = $10 "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND stream = $4 "
        "AND state = 'parked' AND applied_version = $5",
        projection_, version_, source_, seen.stream, seen.applied, applied, std::int32_t{attempts},
        static_cast<double>(delay.count()), known(what.version), what.error);
}

boost::asio::awaitable<void>
cursor_table::give_up(due_stream seen, std::int64_t applied, int attempts, failed_event what)
{
    // Only what is known of the event is kept.
    std::optional<uuid> id;
    std::optional<std::string> type;
    if (what.version > 0 && !what.type.empty()) {
        id = what.id;
        type = what.type;
    }
    co_await read_.execute(
        "WITH gone AS (UPDATE proj.stream SET applied_version = $6, state = 'dead', attempts = $7, "
        "next_retry_at = NULL, failed_version = $8, last_error = $11 "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND stream = $4 "
        "AND state = 'parked' AND applied_version = $5 RETURNING stream) "
        "INSERT INTO proj.dead_letter "
        "(projection, version, source, stream, failed_version, event_id, event_type, attempts, error) "
        "SELECT $1, $2, $3, stream, $8, $9, $10, $7, $11 FROM gone",
        projection_, version_, source_, seen.stream, seen.applied, applied, std::int32_t{attempts}, known(what.version),
        id, type, what.error);
}

boost::asio::awaitable<bool> cursor_table::retry_dead(std::string stream, bool skip)
{
    const auto revived = co_await read_.fetchval<std::int64_t>(
        "WITH back AS (UPDATE proj.stream SET state = 'parked', attempts = 0, next_retry_at = clock_timestamp(), "
        "applied_version = CASE WHEN $5 THEN failed_version ELSE applied_version END, failed_version = NULL "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND stream = $4 AND state = 'dead' "
        "AND (failed_version IS NOT NULL OR NOT $5) RETURNING stream), "
        "noted AS (UPDATE proj.dead_letter SET resolved_at = now(), "
        "resolution = CASE WHEN $5 THEN 'skipped' ELSE 'retried' END "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND resolved_at IS NULL "
        "AND stream IN (SELECT stream FROM back)) SELECT count(*) FROM back",
        projection_, version_, source_, stream, skip);
    co_return revived > 0;
}

boost::asio::awaitable<void> cursor_table::forget()
{
    co_await read_.execute(
        "WITH streams AS (DELETE FROM proj.stream WHERE projection = $1 AND version = $2 AND source = $3), "
        "letters AS (UPDATE proj.dead_letter SET resolved_at = now(), resolution = 'rebuilt' "
        "WHERE projection = $1 AND version = $2 AND source = $3 AND resolved_at IS NULL) "
        "DELETE FROM proj.checkpoint WHERE projection = $1 AND version = $2 AND source = $3",
        projection_, version_, source_);
}

boost::asio::awaitable<void> cursor_table::rewind()
{
    co_await read_.execute(
        "UPDATE proj.checkpoint SET position = 0, updated_at = now() "
        "WHERE projection = $1 AND version = $2 AND source = $3",
        projection_, version_, source_);
}

} // namespace tradecore::projection
