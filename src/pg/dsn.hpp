// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::detail {

struct dsn_setting {
    std::string keyword;
    std::string value;
};

/// Takes a connection URI or keyword/value string apart into libpq's keywords, in order; later ones win.
/// (PostgreSQL documentation, "Connection Strings".)
/// @throws std::invalid_argument naming the part that is wrong, never quoting a password.
[[nodiscard]] std::vector<dsn_setting> split_dsn(std::string_view dsn);

} // namespace tradecore::pg::detail
