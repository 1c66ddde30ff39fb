// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore {

/// A variable has a value that makes no sense. The message has the variable's name and what is wrong, never
/// a secret.
class configuration_error : public std::invalid_argument {
public:
    configuration_error(std::string variable, const std::string& problem)
        : std::invalid_argument(variable + ": " + problem), variable_(std::move(variable))
    {}

    [[nodiscard]] const std::string& variable() const noexcept { return variable_; }

private:
    std::string variable_;
};

/// The value of an environment variable, nothing when it is not set.
using environment = std::function<std::optional<std::string>(std::string_view name)>;

/// @returns the environment of this process. Thread safety: as of `getenv`.
[[nodiscard]] environment process_environment();

/// A setting as it is in force.
struct setting {
    /// The variable; for a part of a connection that of the DSN and the keyword, "POSTGRES_DSN.host".
    std::string name;
    /// Without secrets.
    std::string value;
    /// The variable that says so, a place in a service file, "follows …" with the setting that it may not be above, or
    /// "default".
    std::string origin;
};

/// Everything the environment says about databases, and about the log.
struct database_configuration {
    database_options main;
    /// Nothing when `ENABLE_VB_DATABASE` is false.
    std::optional<database_options> vb;
    /// How many processes share the pools: each makes its part of the connections, see `share_of_worker`.
    std::size_t workers = 1;
    /// What was read, for people: every variable there is.
    std::vector<setting> settings{};
};

/// Reads the settings of a database: the variables of docs/configuration.md, those of the database itself with
/// `prefix`, and those for all databases. An empty value counts as not set.
///
/// @param name the database's name.
/// @param prefix "" for main, "VB_" for vb.
/// @param defaults what counts where nothing is set.
/// @throws configuration_error, also when no DSN is set and `defaults` have no host.
[[nodiscard]] database_options
read_database_options(const environment& from, std::string name, std::string_view prefix, database_options defaults);

/// Reads the settings of `main` and `vb`; `ENABLE_VB_DATABASE` is true when not set, and `DB_WORKERS` is 1. The level
/// of the log, `TRADECORE_LOG`, is only looked at: the log reads it by itself.
/// @throws configuration_error.
[[nodiscard]] database_configuration read_configuration(const environment& from = process_environment());

} // namespace tradecore
