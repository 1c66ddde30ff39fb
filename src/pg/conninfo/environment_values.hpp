// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/conninfo/values.hpp"

#include <tradecore/pg/environment.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::conninfo {

[[nodiscard]] std::optional<std::string> variable_of(const environment& from, std::string_view name);

/// HOME, or else what the operating system says; empty when neither says anything.
[[nodiscard]] std::string home_of(const environment& from);

/// Adds what the environment says about keywords that nothing is said about yet.
/// Source: PostgreSQL documentation, "Environment Variables".
void add_environment(values& to, const environment& from);

/// The variables that are no keywords but run-time parameters: PGTZ and PGGEQO. PGDATESTYLE is none of them: how dates
/// are written is between this library and the server.
[[nodiscard]] std::map<std::string, std::string> settings_of(const environment& from);

} // namespace tradecore::pg::conninfo
