// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_options.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace tradecore {

/// What a health check found.
struct database_health {
    std::string name{};
    /// Whether a statement was answered in time.
    bool reachable = false;
    /// How long that took, getting a connection included.
    std::chrono::microseconds latency{0};
    /// Such as "15.6"; empty when not reachable.
    std::string server_version{};
    /// "primary" or "standby"; empty when not reachable.
    std::string role{};
    /// Why it is not reachable: the server does not answer, connecting fails, or who holds all connections; empty when
    /// it is.
    std::string error{};
    /// What the circuit breaker does with callers; nothing when the database has none. The check itself goes past it.
    std::optional<resilience::breaker_state> breaker{};
    pool_stats pool_info{};
};

/// @returns `{"name", "reachable", "latency_ms", "server_version", "role", "error", "breaker", "pool_info":
///          {"size", "min_size", "max_size", "active", "idle", "waiting", "connecting"}}`; what is not known is null.
///          `latency_ms` may be a fraction. Texts are UTF-8, whatever a server said.
[[nodiscard]] boost::json::object to_json(const database_health& health);

/// The same in one line for people: Boost.JSON writes `1.74E-1` where this has `0.174`.
[[nodiscard]] std::string to_json_text(const database_health& health);

} // namespace tradecore
