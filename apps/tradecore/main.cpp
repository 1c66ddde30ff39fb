// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char** argv)
{
    namespace cli = tradecore::app::cli;
    CLI::App program("TradeCore: events, projections and a virtual broker on PostgreSQL", "tradecore");
    program.set_version_flag("--version", "tradecore " TRADECORE_VERSION);
    program.require_subcommand(0, 1);
    program.footer(
        "tradecore COMMAND --help says more. Lines of the log go to standard error; the variable TRADECORE_LOG\n"
        "(trace, debug, info, warn, error, critical, off) says which.");
    int status = cli::exit_ok;
    cli::add_simulate(program, status);
    cli::add_sample(program, status);
    cli::add_config(program, status);
    try {
        program.parse(argc, argv);
        // Asked here, not by the parser, which would hide a word that is no command behind it.
        if (program.get_subcommands().empty())
            throw CLI::RequiredError("A command (simulate, sample or config)");
    }
    catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? cli::exit_ok : cli::exit_refused;
    }
    return status;
}
