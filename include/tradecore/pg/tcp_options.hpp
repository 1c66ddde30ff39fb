// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace tradecore::pg {

/// How a silent peer is noticed; says nothing about Unix sockets. 0 leaves the operating system's value.
/// Source: PostgreSQL documentation, libpq's `keepalives*` and `tcp_user_timeout`; Linux's tcp(7).
struct tcp_options {
    bool keepalive = true;
    /// Silence before the first probe.
    std::chrono::seconds keepalive_idle{0};
    /// Between probes.
    std::chrono::seconds keepalive_interval{0};
    /// Probes without an answer before the connection counts as lost.
    int keepalive_count = 0;
    /// How long data that was sent may stay unacknowledged.
    std::chrono::milliseconds user_timeout{0};
};

} // namespace tradecore::pg
