// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `tsvector` as the text the server prints, "'cat':2A 'rat':5", whichever format it came in.
/// As an argument the text goes as it is and the server sorts its words. It is not made from a document
/// here: pass a string to `to_tsvector` for that.
struct tsvector {
    std::string text;
    friend bool operator==(const tsvector&, const tsvector&) = default;
};

/// PostgreSQL's `tsquery` as the text the server prints, "'fat' & ( 'cat' | 'rat' )".
struct tsquery {
    std::string text;
    friend bool operator==(const tsquery&, const tsquery&) = default;
};

namespace detail {

/// @returns the text of a tsvector's binary form; nothing when it is malformed.
[[nodiscard]] std::optional<std::string> tsvector_text(std::string_view bytes);
/// @returns the text of a tsquery's binary form; nothing when it is malformed.
[[nodiscard]] std::optional<std::string> tsquery_text(std::string_view bytes);

} // namespace detail

template <>
struct field_traits<tsvector> {
    static std::string name() { return "tradecore::pg::tsvector"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::tsvector; }
    static tsvector decode(const field& from);
};
template <>
struct field_traits<tsquery> {
    static std::string name() { return "tradecore::pg::tsquery"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::tsquery; }
    static tsquery decode(const field& from);
};

template <>
struct parameter_traits<tsvector> {
    static const std::string& convert(const tsvector& value) { return value.text; }
};
template <>
struct parameter_traits<tsquery> {
    static const std::string& convert(const tsquery& value) { return value.text; }
};

} // namespace tradecore::pg
