// SPDX-License-Identifier: Apache-2.0
#include "market/sample.hpp"

#include "cli/commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace tradecore::app::cli {

namespace {

struct sample_options {
    std::uint64_t seed = 1;
    std::size_t ticks = 10'000;
};

} // namespace

void add_sample(CLI::App& program, int& status)
{
    auto wanted = std::make_shared<sample_options>();
    auto* command = program.add_subcommand(
        "sample", "Write generated prices as CSV to standard output: a random walk, labelled SAMPLE-PERP");
    command->add_option("--seed", wanted->seed, "The same seed gives the same prices")
        ->type_name("S")
        ->capture_default_str();
    command->add_option("--ticks", wanted->ticks, "How many, one a minute")
        ->type_name("N")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    command->callback([wanted, &status] {
        const auto text = market::to_csv(market::make_sample(wanted->seed, wanted->ticks));
        const bool written =
            std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
        if (!written)
            fmt::print(stderr, "tradecore: cannot write the sample to standard output\n");
        status = written ? exit_ok : exit_failed;
    });
}

} // namespace tradecore::app::cli
