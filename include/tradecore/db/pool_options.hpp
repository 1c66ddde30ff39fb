// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace tradecore {

/// How a pool behaves. The words are HikariCP's.
struct pool_options {
    /// How many connections are kept even when nobody needs them.
    std::size_t minimum = 0;
    /// How many there may be at all; at least 1 and not below `minimum`.
    std::size_t maximum = 10;
    /// How many connects may run at once. Only a pool that stays short of connections gets there: growth
    /// above `minimum` begins with one connect and doubles while callers go on waiting, because a
    /// connection that is being made is mostly slower than one that comes back.
    std::size_t maximum_connecting = 4;
    /// How long a caller waits for a connection.
    std::chrono::milliseconds acquire_timeout{30'000};
    /// A connection idle for longer is checked before it serves again.
    std::chrono::milliseconds idle_check_after{1'000};
    /// An idle connection above `minimum` is closed after this time; 0 keeps it.
    std::chrono::milliseconds idle_timeout{600'000};
    /// A connection older than this is closed when it is not in use; 0 keeps it. Each connection lives a
    /// random share of up to 10 % less, so that they do not all end at once.
    std::chrono::milliseconds max_lifetime{1'800'000};
    /// How long a returned connection may take to be cleaned (ROLLBACK) before it is closed.
    std::chrono::milliseconds cleanup_timeout{5'000};
    /// The shortest and the longest pause after a failed connect; it doubles from one to the next failure
    /// and a random part of it is taken.
    std::chrono::milliseconds connect_backoff{100};
    std::chrono::milliseconds connect_backoff_limit{5'000};

    /// A wait for a connection longer than this is logged; 0 never.
    std::chrono::milliseconds slow_acquire{500};
    /// The share of `maximum` in use above which the pool is said to be exhausted; 1 never.
    double exhaustion_threshold = 0.9;

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// How a pool is used at this moment.
struct pool_stats {
    /// All connections: idle, active and being cleaned; not those being made.
    std::size_t size = 0;
    /// In use by callers, or being cleaned after use.
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
