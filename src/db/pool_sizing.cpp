// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_sizing.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace tradecore {

namespace {

/// The pools that draw from one limit.
struct claim {
    std::size_t wanted = 0;
    std::vector<std::string_view> names;
    const server_room* room = nullptr;
};

/// @param key what the limit belongs to: a server, a role or a database of it.
template <class Key>
auto claims(const std::vector<server_room>& rooms, Key key)
{
    std::map<decltype(key(rooms.front())), claim> found;
    for (const auto& one : rooms) {
        claim& its = found[key(one)];
        its.wanted += one.wanted;
        its.names.push_back(one.name);
        its.room = &one;
    }
    return found;
}

std::string complaint(const claim& of, std::size_t workers, const std::string& limit)
{
    const auto whose = workers == 1 ? std::string("the pool") : fmt::format("the pools of {} workers", workers);
    return fmt::format(
        "[POOL SIZING] {} of {} may make {} connections, but {}", whose, fmt::join(of.names, " and "), of.wanted,
        limit);
}

void divide(pool_options& pool, std::string variable, std::size_t workers)
{
    try {
        pool = share_of_worker(pool, workers);
    }
    catch (const std::invalid_argument& problem) {
        throw configuration_error(std::move(variable), problem.what());
    }
}

void divide(database_options& options, const std::string& prefix, std::size_t workers)
{
    divide(options.pool, prefix + "PG_POOL_MAX_SIZE", workers);
    if (options.standbys.enabled)
        divide(options.standbys.pool, prefix + "PG_STANDBY_POOL_MAX_SIZE", workers);
}

} // namespace

pool_options share_of_worker(pool_options whole, std::size_t workers)
{
    if (workers < 1)
        throw std::invalid_argument("there must be at least 1 worker");
    if (whole.maximum < workers)
        throw std::invalid_argument(
            fmt::format("{} connections cannot be divided among {} workers", whole.maximum, workers));
    whole.minimum /= workers;
    whole.maximum /= workers;
    return whole;
}

database_configuration share_of_worker(database_configuration whole)
{
    divide(whole.main, "", whole.workers);
    if (whole.vb)
        divide(*whole.vb, "VB_", whole.workers);
    whole.workers = 1;
    return whole;
}

std::vector<std::string> sizing_complaints(const std::vector<server_room>& rooms, std::size_t workers)
{
    std::vector<std::string> lines;
    for (const auto& [server, of] :
         claims(rooms, [](const server_room& one) { return std::tie(one.server, one.is_standby); })) {
        const auto most = of.room->max_connections;
        const auto allowed = most - std::min(most, of.room->reserved);
        if (of.wanted > allowed)
            lines.push_back(complaint(
                of, workers,
                fmt::format(
                    "the server allows {} (max_connections = {}, {} reserved); recommended: max_connections = {}",
                    allowed, most, of.room->reserved, recommended_max_connections(of.wanted))));
    }
    for (const auto& [role, of] :
         claims(rooms, [](const server_room& one) { return std::tie(one.server, one.is_standby, one.role); })) {
        if (of.room->role_limit && of.wanted > *of.room->role_limit)
            lines.push_back(complaint(
                of, workers,
                fmt::format("the role \"{}\" is allowed {} (CONNECTION LIMIT)", of.room->role, *of.room->role_limit)));
    }
    const auto by_database = [](const server_room& one) { return std::tie(one.server, one.is_standby, one.database); };
    for (const auto& [database, of] : claims(rooms, by_database)) {
        if (of.room->database_limit && of.wanted > *of.room->database_limit)
            lines.push_back(complaint(
                of, workers,
                fmt::format(
                    "the database \"{}\" allows {} (CONNECTION LIMIT)", of.room->database, *of.room->database_limit)));
    }
    return lines;
}

} // namespace tradecore
