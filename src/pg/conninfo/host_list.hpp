// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/host_address.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::conninfo {

/// Puts the lists of `host`, `hostaddr` and `port` together, whose items are separated by commas. Empty items stand for
/// the defaults: the socket folder of Debian's packages and 5432. One port is for all hosts.
/// @throws std::invalid_argument naming the keyword: lists of different lengths, no address, no port.
/// Source: PostgreSQL documentation, "Specifying Multiple Hosts".
[[nodiscard]] std::vector<host_address>
join_host_lists(std::string_view hosts, std::string_view addresses, std::string_view ports);

} // namespace tradecore::pg::conninfo
