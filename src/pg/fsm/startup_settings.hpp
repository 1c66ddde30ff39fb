// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tradecore::pg::fsm {

/// @returns what the start-up message says, by name: who we are, the text forms that reading relies on, and what
///          the user set; the latter wins.
///
/// With unnamed prepared statements only what PgBouncer keeps for each client is said: it refuses start-up
/// parameters that it does not know (its documentation, `ignore_startup_parameters`).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> startup_settings(const connect_options& options);

} // namespace tradecore::pg::fsm
