// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_hooks.hpp>
#include <tradecore/db/sharing_options.hpp>

#include <chrono>
#include <cstddef>

namespace tradecore {

/// What becomes of a returned connection whose session was altered beyond its transaction, as far as the commands it
/// has run tell (`pg::connection::is_altered`): `SET` outside of transactions, `PREPARE`, `DECLARE`, `LISTEN`,
/// `CREATE TABLE` (temporary ones look like others), … What a function does inside (`set_config`, session locks) does
/// not show.
enum class altered_session {
    /// Nothing: the next user finds it as it is.
    keep,
    /// It is brought back in the background: settings, role, listeners, cursors, session locks, temporary tables and
    /// sequences; then `pool_hooks::on_connect` runs again. Prepared statements stay.
    reset,
    /// It is closed.
    close,
};

/// How a pool behaves. The words are HikariCP's; where its name is another one, it stands in brackets.
struct pool_options {
    /// How many connections are kept even when nobody needs them (minimumIdle).
    std::size_t minimum = 0;
    /// How many there may be at all; at least 1 and not below `minimum` (maximumPoolSize).
    std::size_t maximum = 10;
    /// How many connects may run at once. Only a pool that stays short of connections gets there: growth
    /// above `minimum` begins with one connect and doubles while callers go on waiting, because a
    /// connection that is being made is mostly slower than one that comes back.
    std::size_t maximum_connecting = 4;
    /// How long a caller waits for a connection (connectionTimeout).
    std::chrono::milliseconds acquire_timeout{30'000};
    /// A connection of which nothing was heard for longer is checked before it serves again: a round trip with an
    /// empty statement (aliveBypassWindow).
    std::chrono::milliseconds idle_check_after{1'000};
    /// How long such a check may take. After an eighth of it who waits gets a new connection, if there may be one;
    /// after all of it the connection is closed, and with it all that were silent for as long, since the next caller
    /// would find the same.
    std::chrono::milliseconds validation_timeout{2'000};
    /// A connection of which nothing was heard for this time is checked while it is idle, so that no router on
    /// the way forgets it; 0 never. Each one takes a random share of up to 20 % less.
    std::chrono::milliseconds keepalive_time{120'000};
    /// An idle connection above `minimum` is closed after this time; 0 keeps it. Keeping alive does not count as use.
    std::chrono::milliseconds idle_timeout{600'000};
    /// A connection older than this is closed when it is not in use; 0 keeps it. Each connection lives a
    /// random share of up to 10 % less, so that they do not all end at once.
    std::chrono::milliseconds max_lifetime{1'800'000};
    /// How long a returned connection may take to be cleaned (ROLLBACK, and the reset of its session) before it is
    /// closed.
    std::chrono::milliseconds cleanup_timeout{5'000};
    /// What becomes of what a session keeps beyond its transaction.
    altered_session altered_sessions = altered_session::reset;
    /// The shortest and the longest pause after a failed connect; it doubles from one to the next failure
    /// and a random part of it is taken.
    std::chrono::milliseconds connect_backoff{100};
    std::chrono::milliseconds connect_backoff_limit{5'000};

    /// A wait for a connection longer than this is logged; 0 never.
    std::chrono::milliseconds slow_acquire{500};
    /// A connection lent for longer is logged, with who has it, and again when it comes back; 0 never
    /// (leakDetectionThreshold).
    std::chrono::milliseconds leak_detection{0};
    /// The share of `maximum` in use above which the pool is said to be exhausted; 1 never.
    double exhaustion_threshold = 0.9;

    /// What statements of several callers do on one connection, when all are busy.
    sharing_options sharing{};
    pool_hooks hooks{};

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// How a pool is used at this moment.
struct pool_stats {
    /// All connections: idle, active and being cleaned; not those being made.
    std::size_t size = 0;
    /// In use by callers, being cleaned after use, or being checked.
    std::size_t active = 0;
    std::size_t idle = 0;
    /// Callers waiting for a connection.
    std::size_t waiting = 0;
    /// Connections being made.
    std::size_t connecting = 0;
    std::size_t minimum = 0;
    std::size_t maximum = 0;
};

} // namespace tradecore
