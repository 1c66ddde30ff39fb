// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/environment.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// Who says what `connect_options::parse` reads, for people who look for it.
/// @returns by keyword (`host`, `user`, …): "connection string", "environment variable PGHOST", "service file /…, line
///          3". Keywords that nobody gives a value have their default, and are not there.
/// @throws, thread safety: as of `connect_options::parse`; values are not looked at.
[[nodiscard]] std::map<std::string, std::string, std::less<>>
connect_origins(std::string_view dsn, const environment& from);

} // namespace tradecore::pg
