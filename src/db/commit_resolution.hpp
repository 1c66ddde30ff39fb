// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool.hpp>
#include <tradecore/db/time_source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::detail {

/// What became of a transaction whose COMMIT was not answered.
enum class commit_fate { committed, rolled_back, unknown };

struct commit_finding {
    commit_fate fate = commit_fate::unknown;
    /// Why it is not known.
    std::string why{};
};

/// A transaction as it was known when its COMMIT was sent.
struct lost_commit {
    std::uint64_t xid = 0;
    /// Of the server that gave the id.
    std::string incarnation{};
};

/// What one server said when it was asked for a transaction.
struct commit_answer {
    /// Of the server that was asked.
    std::string_view incarnation{};
    /// What `pg_xact_status` returned; nothing for NULL.
    std::optional<std::string_view> status{};
};

/// @returns what that proves; nothing when it is worth asking again, because the transaction is still under way.
[[nodiscard]] std::optional<commit_finding> judge(const lost_commit& lost, const commit_answer& said);

/// Asks on other connections of a pool until it is known, or the time has passed. Never throws, but for lack of
/// memory.
///
/// An answer is believed only of the same incarnation of the server. After a crash it gives the ids of transactions
/// that had not reached the disk to others; a standby that took over may never have heard of them.
///
/// @param pool must have room for a connection: who asks has given back the one that was lost.
/// @param time all of it is there; must outlive the call, as the pool.
[[nodiscard]] boost::asio::awaitable<commit_finding>
resolve_commit(tradecore::pool& pool, const time_source& time, lost_commit lost, resilience::time_point until);

} // namespace tradecore::detail
