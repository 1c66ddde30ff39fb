// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

/// The subcommands, one file each. Each adds itself to the program and, when it is chosen, sets the exit status.
namespace tradecore::app::cli {

/// What: exit statuses of the program.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;  ///< it was tried and did not work, or a check failed
inline constexpr int exit_refused = 2; ///< what was asked for makes no sense; nothing was done

void add_simulate(CLI::App& program, int& status);
void add_sample(CLI::App& program, int& status);
void add_config(CLI::App& program, int& status);

} // namespace tradecore::app::cli
