// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/pool_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the connections of a server are shared by the pools of several processes.
namespace tradecore {

/// @param whole what all workers have together.
/// @param workers at least 1.
/// @returns what one of them has: minimum and maximum divided, rounded down, so that all together never have more than
///          the whole.
/// @throws std::invalid_argument when that leaves a worker without a connection.
[[nodiscard]] pool_options share_of_worker(pool_options whole, std::size_t workers);

/// The same for all databases of a configuration, the pools for standbys that are enabled included, and its own number
/// of workers.
/// @returns a configuration of one worker.
/// @throws configuration_error naming the variable of the pool that is too small to be divided.
[[nodiscard]] database_configuration share_of_worker(database_configuration whole);

/// How many connections a server should allow for so many of ours: twice as many, which leaves room for a deployment
/// that runs beside the one it replaces, and for people.
[[nodiscard]] constexpr std::size_t recommended_max_connections(std::size_t connections) noexcept
{
    return 2 * connections;
}

/// What a server lets one of our databases have.
struct server_room {
    /// The database's name here, "main".
    std::string name;
    /// How many connections all workers may make to it.
    std::size_t wanted = 0;
    /// Tells servers apart: the system identifier of the cluster, which standbys have from their primary. All standbys
    /// of one count as one server: each of them may get all connections.
    std::int64_t server = 0;
    bool is_standby = false;
    std::string role;
    std::string database;
    /// The server's setting, and what it keeps back from roles such as ours.
    std::size_t max_connections = 0;
    std::size_t reserved = 0;
    /// Limits of the role and the database, when they have one.
    std::optional<std::size_t> role_limit{};
    std::optional<std::size_t> database_limit{};
};

/// Compares what the pools may ask for with what their servers, roles and databases allow.
/// @param workers for the text: `wanted` counts all of them already.
/// @returns a line for each limit that is too low, `[POOL SIZING] …`, with what to set.
[[nodiscard]] std::vector<std::string> sizing_complaints(const std::vector<server_room>& rooms, std::size_t workers);

} // namespace tradecore
