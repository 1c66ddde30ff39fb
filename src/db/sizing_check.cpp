// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/pool_sizing.hpp>
#include <tradecore/db/sizing_check.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;

namespace {

/// Nobody waits for long at start for a server that need not be there, such as a standby.
constexpr std::chrono::seconds longest_question{3};

struct room_row {
    std::int32_t backend_pid;
    std::int64_t server;
    bool is_standby;
    std::string role;
    std::string database;
    std::int32_t max_connections;
    std::int32_t reserved;
    std::optional<std::int32_t> role_limit;
    std::optional<std::int32_t> database_limit;
};
BOOST_DESCRIBE_STRUCT(
    room_row, (),
    (backend_pid, server, is_standby, role, database, max_connections, reserved, role_limit, database_limit))

std::optional<std::size_t> size_of(std::optional<std::int32_t> limit)
{
    return limit ? std::optional(static_cast<std::size_t>(*limit)) : std::nullopt;
}

/// @returns nothing behind a pooler: what counts there are the pooler's limits.
asio::awaitable<std::optional<server_room>> ask_for_room(sized_database of)
{
    const auto connection = co_await of.handle.pool().acquire({.kind = "sizing check", .label = {}, .keeps = {}});
    // Superusers are bound by max_connections alone (PostgreSQL documentation, "Connections and Authentication",
    // "CREATE ROLE", "CREATE DATABASE"). `reserved_connections` came with PostgreSQL 16.
    const auto found = co_await connection->fetchrow<room_row>(
        "SELECT pg_catalog.pg_backend_pid() AS backend_pid,"
        " (SELECT system_identifier FROM pg_catalog.pg_control_system()) AS server,"
        " pg_catalog.pg_is_in_recovery() AS is_standby,"
        " r.rolname::text AS role, d.datname::text AS database,"
        " pg_catalog.current_setting('max_connections')::int4 AS max_connections,"
        " CASE WHEN r.rolsuper THEN 0"
        " ELSE pg_catalog.current_setting('superuser_reserved_connections')::int4"
        " + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int4 END AS reserved,"
        " CASE WHEN NOT r.rolsuper AND r.rolconnlimit >= 0 THEN r.rolconnlimit END AS role_limit,"
        " CASE WHEN NOT r.rolsuper AND d.datconnlimit >= 0 THEN d.datconnlimit END AS database_limit"
        " FROM pg_catalog.pg_roles r, pg_catalog.pg_database d"
        " WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()");
    if (!found || found->backend_pid != connection->backend_pid())
        co_return std::nullopt;
    co_return server_room{
        .name = of.handle.name(),
        .wanted = of.wanted,
        .server = found->server,
        .is_standby = found->is_standby,
        .role = found->role,
        .database = found->database,
        .max_connections = static_cast<std::size_t>(found->max_connections),
        .reserved = static_cast<std::size_t>(found->reserved),
        .role_limit = size_of(found->role_limit),
        .database_limit = size_of(found->database_limit)};
}

} // namespace

asio::awaitable<void> warn_about_sizing(std::vector<sized_database> of, std::size_t workers)
{
    std::vector<server_room> rooms;
    for (const auto& one : of) {
        try {
            const auto& home = one.handle.pool_executor();
            auto question = with_timeout(longest_question, ask_for_room(one));
            if (auto room = co_await (home ? run_on(home, std::move(question)) : std::move(question)))
                rooms.push_back(std::move(*room));
        }
        catch (const pg::error& why) {
            observe::log(
                observe::level::debug, "what the server allows could not be asked",
                {{"database", one.handle.name()}, {"error", why.what()}});
        }
    }
    for (const auto& line : sizing_complaints(rooms, workers))
        observe::log(observe::level::warn, line, {{"workers", workers}});
}

} // namespace tradecore
