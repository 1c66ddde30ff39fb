// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/pool_sizing.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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

std::string range_of(const pool_options& pool)
{
    return fmt::format("{} to {}", pool.minimum, pool.maximum);
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
    text += fmt::format("\neach of {} workers: {} connections to main", whole.workers, range_of(sized.share.main.pool));
    if (sized.share.vb)
        text += fmt::format(", {} to vb", range_of(sized.share.vb->pool));
    text += fmt::format(
        "; {} in all\nrecommended on the server: max_connections = {}\n", sized.total,
        recommended_max_connections(sized.total));
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
    command->footer("Secrets are never printed. Nothing is connected to.\n"
                    "Exit status: 0, or 2 when a variable has a value that makes no sense.");
    command->callback([wanted, &status] { status = run(*wanted); });
}

} // namespace tradecore::app::cli
