// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"
#include "cli/unknown_variables.hpp"
#include "simulate/options.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/pool_sizing.hpp>
#include <tradecore/observe/utf8.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
    std::size_t to_standbys = 0;
    database_configuration share;

    /// A server may be primary today and standby tomorrow.
    [[nodiscard]] std::size_t recommended() const { return recommended_max_connections(std::max(total, to_standbys)); }
};

sizes sizes_of(const database_configuration& whole)
{
    sizes made{.share = share_of_worker(whole)};
    const auto add = [&](const database_options& one) {
        made.total += whole.workers * one.pool.maximum;
        made.to_standbys += one.standbys.enabled ? whole.workers * one.standbys.pool.maximum : 0;
    };
    add(made.share.main);
    if (made.share.vb)
        add(*made.share.vb);
    return made;
}

std::string connections_to(const database_options& database)
{
    auto text = fmt::format("{} to {} connections to {}", database.pool.minimum, database.pool.maximum, database.name);
    if (database.standbys.enabled)
        text += fmt::format(" and 0 to {} to its standbys", database.standbys.pool.maximum);
    return text;
}

/// Returns: the databases whose sizes nobody has said, for which `simulate` has its own.
std::vector<std::string> not_sized(const database_configuration& whole)
{
    const auto is_default = [&](const std::string& name) {
        const auto found = std::ranges::find(whole.settings, name, &setting::name);
        return found != whole.settings.end() && found->origin == "default";
    };
    std::vector<std::string> names;
    for (const auto& [name, prefix] : {std::pair("main", std::string()), std::pair("vb", std::string("VB_"))})
        if (is_default(prefix + "PG_POOL_MIN_SIZE") && is_default(prefix + "PG_POOL_MAX_SIZE"))
            names.emplace_back(name);
    return names;
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
    text += fmt::format("; {} in all", sized.total);
    if (sized.to_standbys > 0)
        text += fmt::format(", and {} to standbys", sized.to_standbys);
    text += fmt::format(
        "\nrecommended on {} server: max_connections = {}\n", sized.to_standbys > 0 ? "each" : "the",
        sized.recommended());
    if (const auto names = not_sized(whole); !names.empty())
        text += fmt::format(
            "tradecore simulate: at most {} connections, or two for each process, to {}, whose sizes are not set\n",
            simulate::fewest_default_connections, fmt::join(names, " and "));
    if (const auto unknown = unknown_variables(); !unknown.empty())
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
        {"standby_connections", sized.to_standbys},
        {"unknown", boost::json::value_from(unknown_variables())},
        {"recommended_max_connections", sized.recommended()}};
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
            fmt::print("{}\n", observe::valid_utf8(boost::json::serialize(to_json(found))));
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
