// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/error.hpp>
#include <boost/json/value.hpp>

#include <string_view>

namespace tradecore::pg::detail {

/// Parses a JSON document with all numbers that are no 64-bit integers as the `double` nearest to their text, which
/// Boost's own parser misses in the last bit. One beyond the range of `double` is infinite or zero.
///
/// @param failed is set, and null returned, when it is no JSON, or nested deeper than 500.
[[nodiscard]] boost::json::value parse_json(std::string_view text, boost::json::error_code& failed);

} // namespace tradecore::pg::detail
