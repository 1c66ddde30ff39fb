// SPDX-License-Identifier: Apache-2.0
#include "events/postgres_log.hpp"

#include "events/event_rows.hpp"

#include <boost/asio/this_coro.hpp>

#include <stdexcept>
#include <string>
#include <tuple>

namespace tradecore::events {

namespace asio = boost::asio;

namespace {

std::vector<std::int64_t> positions_of(const pg::result& rows)
{
    std::vector<std::int64_t> positions;
    positions.reserve(rows.size());
    for (const auto row : rows) {
        positions.push_back(row[std::size_t{0}].as<std::int64_t>());
    }
    return positions;
}

// The expression that tells one run of the server from the next, written out in three statements below.
// A new postmaster has a new start time. A crash of one backend restarts all of them under the same
// postmaster: then the cumulative statistics begin anew (PostgreSQL documentation, chapter "The
// Cumulative Statistics System"). Somebody who resets them by hand costs us a fence, no more.

} // namespace

asio::awaitable<std::vector<recorded_event>> postgres_log::next(std::size_t limit)
{
    if (limit == 0) {
        throw std::invalid_argument("log_reader::next: the limit must be at least 1");
    }
    if (where_.in_transaction(co_await asio::this_coro::executor)) {
        throw std::logic_error(
            "log_reader::next was called inside a transaction of database '" + where_.name() +
            "': its snapshot cannot tell which events are safe; call it outside");
    }
    const auto rows_wanted = static_cast<std::int64_t>(limit);
    for (;;) {
        switch (horizon_.wanted()) {
        case safe_horizon::statement::rows_ahead: {
            const auto found = co_await where_.fetch(
                "SELECT position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at "
                "FROM es.events WHERE position > $1 ORDER BY position LIMIT $2",
                horizon_.delivered(), rows_wanted);
            const auto positions = positions_of(found);
            const auto safe = horizon_.rows_ahead(positions);
            if (safe > 0 || found.empty()) {
                co_return read_events(found, wanted_, safe);
            }
            break;
        }
        case safe_horizon::statement::last_drawn:
            co_await ask_last_drawn();
            break;
        case safe_horizon::statement::lock_holders: {
            const bool go_on = co_await ask_lock_holders();
            if (!go_on) {
                co_return std::vector<recorded_event>();
            }
            break;
        }
        case safe_horizon::statement::rows_up_to_fence: {
            // No row at all when the server was restarted since: the fence is worth nothing then.
            const auto found = co_await where_.fetch(
                "SELECT position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at "
                "FROM es.events WHERE position > $1 AND position <= $2 "
                "AND (SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), "
                "extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()))) = $3 "
                "ORDER BY position LIMIT $4",
                horizon_.delivered(), horizon_.fence(), horizon_.run(), rows_wanted);
            const auto positions = positions_of(found);
            horizon_.rows_up_to_fence(positions, found.size() < limit);
            if (!found.empty()) {
                co_return read_events(found, wanted_, found.size());
            }
            break;
        }
        }
    }
}

asio::awaitable<void> postgres_log::ask_last_drawn()
{
    auto answer = co_await where_.fetch<std::tuple<std::int64_t, std::string>>(
        "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END, "
        "concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), "
        "extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time())) FROM es.event_position");
    auto& [position, run] = answer.at(0);
    horizon_.last_drawn(position, std::move(run));
}

asio::awaitable<bool> postgres_log::ask_lock_holders()
{
    auto answer = co_await where_.fetch<std::tuple<std::vector<std::string>, std::string>>(
        "SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}'), "
        "concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), "
        "extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time())) FROM pg_locks "
        "WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND relation = 'es.events'::regclass");
    auto& [transactions, run] = answer.at(0);
    co_return horizon_.lock_holders(std::move(transactions), run);
}

} // namespace tradecore::events
