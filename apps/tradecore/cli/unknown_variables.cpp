// SPDX-License-Identifier: Apache-2.0
#include "cli/unknown_variables.hpp"

#include <tradecore/db/configuration.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unistd.h>

namespace tradecore::app::cli {

namespace {

using names = std::set<std::string, std::less<>>;

names known_variables()
{
    const auto only_dsns = [](std::string_view name) {
        return name.ends_with("POSTGRES_DSN") ? std::optional<std::string>("postgresql://user@host/database")
                                              : std::nullopt;
    };
    names known{"DATABASE_URL", "VB_DATABASE_URL"};
    for (const auto& one : read_configuration(only_dsns).settings)
        known.insert(one.name);
    return known;
}

bool begins_like_a_setting(std::string_view name)
{
    static constexpr std::string_view of_vb = "VB_";
    static constexpr std::array<std::string_view, 11> beginnings{
        "PG_POOL_", "PG_COMMAND_", "PG_COMMIT_", "PG_RETRY_", "PG_BREAKER_", "PG_STANDBY_",
        "DB_SLOW_", "DB_LONG_",    "DB_POOL_",   "DB_LOG_",   "DB_WORKER"};
    const auto of_main = name.starts_with(of_vb) ? name.substr(of_vb.size()) : name;
    return std::ranges::any_of(beginnings, [&](std::string_view one) { return of_main.starts_with(one); });
}

/// What: whether one letter is wrong, missing or too much, or two neighbours have changed places.
bool differ_by_a_slip(std::string_view left, std::string_view right)
{
    while (!left.empty() && !right.empty() && left.front() == right.front()) {
        left.remove_prefix(1);
        right.remove_prefix(1);
    }
    while (!left.empty() && !right.empty() && left.back() == right.back()) {
        left.remove_suffix(1);
        right.remove_suffix(1);
    }
    const bool changed_places = left.size() == 2 && right.size() == 2 && left[0] == right[1] && left[1] == right[0];
    return changed_places || (left.size() <= 1 && right.size() <= 1);
}

} // namespace

std::vector<std::string> unknown_variables()
{
    const auto known = known_variables();
    names unknown;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view line(*variable);
        const auto name = line.substr(0, line.find('='));
        const auto is_near = [&](const std::string& one) { return differ_by_a_slip(name, one); };
        if (!known.contains(name) && (begins_like_a_setting(name) || std::ranges::any_of(known, is_near)))
            unknown.emplace(name);
    }
    return {unknown.begin(), unknown.end()};
}

} // namespace tradecore::app::cli
