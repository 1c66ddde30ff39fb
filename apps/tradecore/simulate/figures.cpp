// SPDX-License-Identifier: Apache-2.0
#include "simulate/figures.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

namespace tradecore::app::simulate {

void figures::add(const figures& other)
{
    commands += other.commands;
    repeated += other.repeated;
    sync_waits.insert(sync_waits.end(), other.sync_waits.begin(), other.sync_waits.end());
    sync_pending += other.sync_pending;
    sync_rate.appends_waited += other.sync_rate.appends_waited;
    sync_rate.events += other.sync_rate.events;
    outlasted.add(other.outlasted);
    repeated_by_databases += other.repeated_by_databases;
    lost_commits.resolved += other.lost_commits.resolved;
    lost_commits.unknown += other.lost_commits.unknown;
}

boost::json::object to_json(const figures& of)
{
    boost::json::array waits;
    waits.reserve(of.sync_waits.size());
    for (const auto waited : of.sync_waits)
        waits.emplace_back(waited.count());
    return {
        {"commands", of.commands},
        {"repeated", of.repeated},
        {"sync_waits_ns", std::move(waits)},
        {"sync_pending", of.sync_pending},
        {"appends_waited", of.sync_rate.appends_waited},
        {"events", of.sync_rate.events},
        {"outlasted_calls", of.outlasted.calls},
        {"outlasted_attempts", of.outlasted.attempts},
        {"longest_call_ns", of.outlasted.longest.count()},
        {"repeated_by_databases", of.repeated_by_databases},
        {"commits_resolved", of.lost_commits.resolved},
        {"commits_unknown", of.lost_commits.unknown}};
}

figures figures_from(const boost::json::object& told)
{
    const auto number = [&](std::string_view name) { return boost::json::value_to<std::uint64_t>(told.at(name)); };
    figures made;
    made.commands = number("commands");
    made.repeated = number("repeated");
    for (const auto& waited : told.at("sync_waits_ns").as_array())
        made.sync_waits.emplace_back(boost::json::value_to<std::int64_t>(waited));
    made.sync_pending = number("sync_pending");
    made.sync_rate = {.appends_waited = number("appends_waited"), .events = number("events")};
    made.outlasted = {
        .calls = number("outlasted_calls"),
        .attempts = number("outlasted_attempts"),
        .longest = std::chrono::nanoseconds(boost::json::value_to<std::int64_t>(told.at("longest_call_ns")))};
    made.repeated_by_databases = number("repeated_by_databases");
    made.lost_commits = {.resolved = number("commits_resolved"), .unknown = number("commits_unknown")};
    return made;
}

} // namespace tradecore::app::simulate
