// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/configuration.hpp>
#include <tradecore/pg/environment.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tradecore {

/// @returns what `config` shows of a password.
[[nodiscard]] std::string word_for_password(const pg::connect_options& to);

/// A connection part by part, without secrets, as settings that are named like keywords of a DSN.
/// @param to what was read from `dsn`.
/// @param variable where the DSN was, for the origins.
[[nodiscard]] std::vector<setting> connection_parts(
    const pg::connect_options& to, std::string_view dsn, const pg::environment& from, const std::string& variable);

} // namespace tradecore
