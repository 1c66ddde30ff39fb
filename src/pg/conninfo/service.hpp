// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/conninfo/values.hpp"

#include <tradecore/pg/environment.hpp>

#include <istream>
#include <string_view>

namespace tradecore::pg::conninfo {

/// Adds what the service file says about the service that is named (keyword `service` or PGSERVICE) and is not said
/// yet. Looked for in PGSERVICEFILE or else `~/.pg_service.conf`, then in `pg_service.conf` in PGSYSCONFDIR.
/// @throws std::invalid_argument when the service is not found, naming it, or its lines are wrong, naming file and
/// line. Source: PostgreSQL documentation, "The Connection Service File".
void add_service(values& to, const environment& from);

/// The same from one file.
/// @returns whether the service is in it.
[[nodiscard]] bool read_service(std::istream& file, std::string_view file_name, std::string_view service, values& to);

} // namespace tradecore::pg::conninfo
