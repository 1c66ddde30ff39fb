// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/field_core.hpp>
#include <tradecore/pg/json.hpp>

#include <boost/json/value.hpp>

#include <string>

namespace tradecore::pg::detail {

[[nodiscard]] bool is_json_type(oid type) noexcept;
/// @throws type_error naming the column when the text is no JSON.
[[nodiscard]] boost::json::value parse_json_field(const field& from, std::string_view cpp_type);

} // namespace tradecore::pg::detail

namespace tradecore::pg {

/// JSON from json and jsonb.
template <>
struct field_traits<boost::json::value> {
    static std::string name() { return "boost::json::value"; }
    static bool accepts(oid type, wire_format) noexcept { return detail::is_json_type(type); }
    static boost::json::value decode(const field& from) { return detail::parse_json_field(from, name()); }
};

} // namespace tradecore::pg
