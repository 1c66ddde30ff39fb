// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"
#include "cli/unknown_variables.hpp"
#include "market/price_reader.hpp"
#include "simulate/run.hpp"

#include <tradecore/observe/log.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <memory>
#include <system_error>

namespace tradecore::app::cli {

namespace {

constexpr int signal_base = 128; // the shell's convention for a program ended by a signal

/// What: text as it is written; the domain's own parsers judge amounts.
struct raw_options {
    simulate::options made;
    std::string prices;
    std::string symbol;
    std::string data;
    std::string cash = domain::default_cash.text();
    std::string max_fill;
    std::size_t connections = 0;
    std::string chaos;
};

template <class Amount>
Amount positive(const std::string& option, const std::string& text)
{
    try {
        const auto parsed = Amount::parse(text);
        if (parsed.is_positive())
            return parsed;
    }
    catch (const domain::amount_error& wrong) {
        throw simulate::usage_error(option + ": " + wrong.what());
    }
    throw simulate::usage_error(option + ": " + text + " is not above zero");
}

std::uint64_t seed_of_chaos(const std::string& text)
{
    std::uint64_t seed = 0;
    const auto* const end = text.data() + text.size();
    if (const auto read = std::from_chars(text.data(), end, seed); read.ec != std::errc() || read.ptr != end)
        throw simulate::usage_error("--chaos: " + text + " is no seed, a whole number from 0 to 18446744073709551615");
    return seed;
}

simulate::options finished(const raw_options& raw)
{
    auto made = raw.made;
    if (!raw.prices.empty())
        made.prices = raw.prices;
    if (!raw.symbol.empty())
        made.symbol = raw.symbol;
    if (!raw.data.empty())
        made.data = raw.data;
    if (raw.connections > 0)
        made.connections = raw.connections;
    if (!raw.chaos.empty())
        made.chaos = seed_of_chaos(raw.chaos);
    made.cash = positive<domain::money>("--cash", raw.cash);
    if (!raw.max_fill.empty())
        made.max_fill = positive<domain::quantity>("--max-fill", raw.max_fill);
    return made;
}

int tell(const std::exception& error, int status)
{
    fmt::print(stderr, "tradecore: {}\n", error.what());
    return status;
}

void warn_of_unknown_variables()
{
    if (const auto unknown = unknown_variables(); !unknown.empty())
        observe::log(
            observe::level::warn, "variables look like settings and have no effect",
            {{"variables", fmt::format("{}", fmt::join(unknown, ", "))}});
}

int run(const raw_options& raw)
{
    try {
        const auto wanted = finished(raw);
        warn_of_unknown_variables();
        const auto report = simulate::run(wanted, process_environment());
        if (wanted.json)
            fmt::print("{}\n", boost::json::serialize(simulate::to_json(report)));
        else
            fmt::print("{}", simulate::to_text(report));
        if (wanted.keep && !wanted.json)
            fmt::print("  kept: the same command goes on with, or repeats, this run\n");
        return report.ok() ? exit_ok : exit_failed;
    }
    catch (const simulate::interrupted& by) {
        fmt::print(stderr, "tradecore: interrupted; the same command goes on where this one stopped\n");
        return signal_base + by.signal();
    }
    catch (const simulate::usage_error& error) {
        return tell(error, exit_refused);
    }
    catch (const market::price_error& error) {
        return tell(error, exit_refused);
    }
    catch (const configuration_error& error) {
        return tell(error, exit_refused);
    }
    catch (const std::exception& error) {
        return tell(error, exit_failed);
    }
}

} // namespace

void add_simulate(CLI::App& program, int& status)
{
    auto raw = std::make_shared<raw_options>();
    auto* command =
        program.add_subcommand("simulate", "Traders trade through events at given prices; then everything is checked");
    command
        ->add_option(
            "--prices", raw->prices,
            "CSV file with a header: timestamp (ISO 8601, UTC where it has no zone) and close,\nprice, or bid and ask; "
            "optionally symbol. Without it a seeded sample is generated")
        ->type_name("FILE");
    command->add_option("--symbol", raw->symbol, "Which symbol of the file; needed when it has several")
        ->type_name("S");
    command->add_option("--traders", raw->made.traders, "How many traders")
        ->type_name("N")
        ->check(CLI::Range(1U, 100'000U))
        ->capture_default_str();
    command->add_option("--orders", raw->made.orders, "How many orders they place in all")
        ->type_name("N")
        ->check(CLI::Range(1U, 100'000'000U))
        ->capture_default_str();
    command->add_option("--seed", raw->made.seed, "The same seed and prices give the same result")
        ->type_name("S")
        ->capture_default_str();
    command->add_option("--cash", raw->cash, "What each trader begins with")
        ->type_name("AMOUNT")
        ->capture_default_str();
    command
        ->add_option(
            "--max-fill", raw->max_fill,
            "The most an order fills per tick; without it a size that about one order in\nseven exceeds")
        ->type_name("QTY");
    command
        ->add_option(
            "--connections", raw->connections,
            "The most connections to each of the two databases, of all workers together (default\nwhat "
            "PG_POOL_MIN_SIZE "
            "and PG_POOL_MAX_SIZE, or their VB_ twins, say as in `tradecore\nconfig`; 16 where neither is set)")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000));
    command
        ->add_option(
            "--workers", raw->made.workers,
            "How many processes share the traders; they and the one that starts them have an\nequal part of the "
            "connections each")
        ->type_name("N")
        ->check(CLI::Range(1U, 64U))
        ->capture_default_str();
    command
        ->add_option(
            "--chaos", raw->chaos,
            "While they trade, end sessions, restart the server, cut, delay and silence\nconnections, as this seed "
            "says; the result is the same. An embedded server only")
        ->type_name("[SEED]")
        ->expected(0, 1)
        ->default_str("1");
    command->add_flag("--json", raw->made.json, "Print one JSON object instead of the table");
    command
        ->add_option(
            "--data", raw->data,
            "Folder of the embedded PostgreSQL server (default /var/lib/tradecore for root, "
            "else\n~/.local/share/tradecore)")
        ->type_name("DIR");
    command->add_flag(
        "--keep", raw->made.keep, "Keep the databases; the same command later goes on with, or repeats, the run");
    command->footer("With POSTGRES_DSN and VB_POSTGRES_DSN set those servers are used instead of an embedded one.\n"
                    "Exit status: 0 all checks passed, 1 a check failed or the run did not work, 2 refused, 128+n "
                    "ended by signal n.");
    command->callback([raw, &status] { status = run(*raw); });
}

} // namespace tradecore::app::cli
