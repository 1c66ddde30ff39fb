// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// `hstore` of the extension of that name: keys with texts, or with NULL.
using hstore = std::map<std::string, std::optional<std::string>>;

/// @returns `"key"=>"value", "other"=>NULL`, which the server reads; it prints the keys in another order.
[[nodiscard]] std::string to_string(const hstore& value);
/// Reads the server's output.
[[nodiscard]] std::optional<hstore> parse_hstore(std::string_view text);

namespace detail {

/// @returns the value of hstore's binary form; nothing when it is malformed.
[[nodiscard]] std::optional<hstore> hstore_from_wire(std::string_view bytes);

} // namespace detail

template <>
struct field_traits<hstore> {
    static std::string name() { return "tradecore::pg::hstore"; }
    static bool accepts(const type_ref& type, wire_format) noexcept { return type.is_named("hstore"); }
    static hstore decode(const field& from);
};

/// Goes into hstore only; into other types as the text that `to_string` makes.
template <>
struct parameter_traits<hstore> {
    static constexpr std::string_view type_name = "hstore";
    static void encode(const hstore& value, parameter_writer& to);
};

} // namespace tradecore::pg
