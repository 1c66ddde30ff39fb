// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// What the reading of a connection string takes from the process, so that tests and programs can put
/// something else in its place.
struct environment {
    /// A variable's value; none when it is not set.
    std::function<std::optional<std::string>(std::string_view name)> variable{};
    /// The operating system's name of the user; empty when it has none.
    std::string user_name{};
    /// The user's home as the operating system knows it; the variable HOME goes before it.
    std::string home{};
    /// Where `pg_service.conf` of all users is, unless PGSYSCONFDIR says; Debian's place.
    std::string system_folder = "/etc/postgresql-common";

    /// The process's own: its variables, and its effective user's entry in the user database.
    /// Thread safety: reads variables when asked, which must not be set meanwhile (getenv).
    [[nodiscard]] static environment of_process();
};

} // namespace tradecore::pg
