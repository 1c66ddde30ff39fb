// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/pool_sizing.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace tradecore::app::cli {

namespace {

struct config_options {
    std::optional<std::size_t> workers;
    bool json = false;
};

/// What: how many connections there are for all workers and for each.
struct sizes {
    std::size_t total = 0;
    database_configuration share;
};

sizes sizes_of(const database_configuration& whole)
{
    sizes made{.share = share_of_worker(whole)};
    made.total = whole.workers * (made.share.main.pool.maximum + (made.share.vb ? made.share.vb->pool.maximum : 0));
    return made;
}

std::string connections_to(const database_options& database)
{
    auto text = fmt::format("{} to {} connections to {}", database.pool.minimum, database.pool.maximum, database.name);
    if (database.standbys.enabled)
        text += fmt::format(" and 0 to {} to its standbys", database.standbys.pool.maximum);
    return text;
}

/// @returns the variables of the environment that are named like settings and are none: misspelt, most likely.
std::vector<std::string> unknown_variables(const database_configuration& whole)
{
    static constexpr std::string_view of_vb = "VB_";
    static constexpr std::array<std::string_view, 11> beginnings{
        "PG_POOL_", "PG_COMMAND_", "PG_COMMIT_", "PG_RETRY_", "PG_BREAKER_", "PG_STANDBY_",
        "DB_SLOW_", "DB_LONG_",    "DB_POOL_",   "DB_LOG_",   "DB_WORKER"};
    std::vector<std::string> unknown;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view line(*variable);
        const auto name = line.substr(0, line.find('='));
        // Settings of vb are like those of main, which are always there.
        const auto of_main = name.starts_with(of_vb) ? name.substr(of_vb.size()) : name;
        const auto begins = [&](std::string_view beginning) { return of_main.starts_with(beginning); };
        const bool is_known = std::ranges::find(whole.settings, of_main, &setting::name) != whole.settings.end();
        if (std::ranges::any_of(beginnings, begins) && !is_known)
            unknown.emplace_back(name);
    }
    std::ranges::sort(unknown);
    return unknown;
}

std::string to_text(const database_configuration& whole)
{
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    for (const auto& one : whole.settings) {
        name_width = std::max(name_width, one.name.size());
        value_width = std::max(value_width, one.value.size());
    }
    std::string text;
    for (const auto& one : whole.settings)
        text += fmt::format("{:<{}}  {:<{}}  {}\n", one.name, name_width, one.value, value_width, one.origin);
    const auto sized = sizes_of(whole);
    const auto whose = whole.workers == 1 ? std::string("1 worker") : fmt::format("each of {} workers", whole.workers);
    text += fmt::format("\n{}: {}", whose, connections_to(sized.share.main));
    if (sized.share.vb)
        text += ", " + connections_to(*sized.share.vb);
    text += fmt::format(
        "; {} in all\nrecommended on the server: max_connections = {}\n", sized.total,
        recommended_max_connections(sized.total));
    if (const auto unknown = unknown_variables(whole); !unknown.empty())
        text += fmt::format("not known, and without effect: {}\n", fmt::join(unknown, ", "));
    return text;
}

boost::json::object to_json(const database_configuration& whole)
{
    boost::json::object settings;
    for (const auto& one : whole.settings)
        settings[one.name] = boost::json::object{{"value", one.value}, {"origin", one.origin}};
    const auto sized = sizes_of(whole);
    return {
        {"settings", std::move(settings)},
        {"workers", whole.workers},
        {"connections", sized.total},
        {"unknown", boost::json::value_from(unknown_variables(whole))},
        {"recommended_max_connections", recommended_max_connections(sized.total)}};
}

database_configuration read(std::optional<std::size_t> workers)
{
    if (!workers)
        return read_configuration();
    auto found = read_configuration([&, from = process_environment()](std::string_view name) {
        return name == "DB_WORKERS" ? std::optional(std::to_string(*workers)) : from(name);
    });
    std::ranges::find(found.settings, "DB_WORKERS", &setting::name)->origin = "--workers";
    return found;
}

int run(const config_options& wanted)
{
    try {
        const auto found = read(wanted.workers);
        if (wanted.json)
            fmt::print("{}\n", boost::json::serialize(to_json(found)));
        else
            fmt::print("{}", to_text(found));
        return exit_ok;
    }
    catch (const configuration_error& error) {
        fmt::print(stderr, "tradecore: {}\n", error.what());
        return exit_refused;
    }
}

} // namespace

void add_config(CLI::App& program, int& status)
{
    auto wanted = std::make_shared<config_options>();
    auto* command = program.add_subcommand(
        "config", "Print the settings that the environment gives the databases, and where each came from");
    command->add_option("--workers", wanted->workers, "How many processes share the pools; goes before DB_WORKERS")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000));
    command->add_flag("--json", wanted->json, "Print one JSON object instead of the table");
    command->footer(
        "Secrets are never printed. Nothing is connected to. docs/configuration.md says what each variable means.\n"
        "Exit status: 0, or 2 when a variable has a value that makes no sense, or no DSN is set.");
    command->callback([wanted, &status] { status = run(*wanted); });
}

} // namespace tradecore::app::cli
