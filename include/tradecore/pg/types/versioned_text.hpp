// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <string>
#include <string_view>

// Types whose values are texts with a grammar of their own, and whose binary form is that text behind a
// version.

namespace tradecore::pg {

/// PostgreSQL's `jsonpath`, as the server prints it.
struct jsonpath {
    std::string text;
    friend bool operator==(const jsonpath&, const jsonpath&) = default;
};

/// `ltree` of the extension of that name: labels with dots between them, "Top.Science".
struct ltree {
    std::string text;
    friend bool operator==(const ltree&, const ltree&) = default;
};

/// `lquery` of the extension ltree: a pattern of labels, "*.science@.*".
struct lquery {
    std::string text;
    friend bool operator==(const lquery&, const lquery&) = default;
};

namespace detail {

/// @returns the text of a field in either format.
/// @throws type_error when the version is unknown.
[[nodiscard]] std::string_view read_versioned_text(const field& from, std::string_view cpp_type);

} // namespace detail

template <>
struct field_traits<jsonpath> {
    static std::string name() { return "tradecore::pg::jsonpath"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::jsonpath; }
    static jsonpath decode(const field& from) { return {std::string(detail::read_versioned_text(from, name()))}; }
};
template <>
struct field_traits<ltree> {
    static std::string name() { return "tradecore::pg::ltree"; }
    static bool accepts(const type_ref& type, wire_format) noexcept { return type.is_named("ltree"); }
    static ltree decode(const field& from) { return {std::string(detail::read_versioned_text(from, name()))}; }
};
template <>
struct field_traits<lquery> {
    static std::string name() { return "tradecore::pg::lquery"; }
    static bool accepts(const type_ref& type, wire_format) noexcept { return type.is_named("lquery"); }
    static lquery decode(const field& from) { return {std::string(detail::read_versioned_text(from, name()))}; }
};

template <>
struct parameter_traits<jsonpath> {
    static const std::string& convert(const jsonpath& value) { return value.text; }
};
template <>
struct parameter_traits<ltree> {
    static const std::string& convert(const ltree& value) { return value.text; }
};
template <>
struct parameter_traits<lquery> {
    static const std::string& convert(const lquery& value) { return value.text; }
};

} // namespace tradecore::pg
