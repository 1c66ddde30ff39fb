// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/read_freshness.hpp"

#include <tradecore/pg/result.hpp>

#include <optional>
#include <string_view>

namespace tradecore::detail {

/// Where the log of a primary ends; no row when it is none. Everybody may ask.
///
/// What is inserted and not yet written counts, for who has `synchronous_commit=off` may have been told that it is
/// committed. Where a page has just been filled the place that is inserted at lies behind the header of the next one,
/// and no standby comes there before something is written: then nothing lies between it and what is written (40 bytes
/// are the longest header; the shortest record would make it 48). Source: PostgreSQL 15,
/// src/include/access/xlog_internal.h, xlogrecord.h.
inline constexpr std::string_view question_to_primary =
    "SELECT pg_catalog.concat_ws('/', pg_catalog.pg_wal_lsn_diff(CASE WHEN "
    "pg_catalog.mod(pg_catalog.pg_wal_lsn_diff(written, '0/0'), pg_catalog.current_setting('wal_block_size')::numeric) "
    "= 0 AND pg_catalog.pg_wal_lsn_diff(inserted, written) <= 40 THEN written ELSE inserted END, '0/0'), "
    "pg_catalog.concat('x', pg_catalog.substr(pg_catalog.pg_walfile_name(written), 1, 8))::bit(32)::bigint, "
    "(SELECT system_identifier FROM pg_catalog.pg_control_system())) FROM (SELECT "
    "pg_catalog.pg_current_wal_insert_lsn() AS inserted, pg_catalog.pg_current_wal_flush_lsn() AS written "
    "WHERE NOT pg_catalog.pg_is_in_recovery()) AS log";

/// What a standby has replayed; no row when it is none. Everybody may ask, but only members of `pg_read_all_stats` are
/// told which timeline is being received; for others it is the one of the last restart point or later, which follows
/// some time after a promotion.
///
/// The place before the timeline: a standby goes to another timeline only when all that it has replayed is part of
/// that, so a place that was read before lies on the timeline that was read after it. Source: PostgreSQL 15,
/// src/backend/access/transam/xlogrecovery.c, rescanLatestTimeLine.
inline constexpr std::string_view question_to_standby =
    "SELECT pg_catalog.concat_ws('/', pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0'), "
    "coalesce((SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver), "
    "(SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery())), "
    "(SELECT system_identifier FROM pg_catalog.pg_control_system())) WHERE pg_catalog.pg_is_in_recovery()";

/// @returns what an answer to one of them says; nothing when it does not say all of it.
[[nodiscard]] std::optional<log_position> position_in(const pg::result& answer);

} // namespace tradecore::detail
