// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/field_core.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {

/// `bool` from bool.
template <>
struct field_traits<bool> {
    static std::string name() { return "bool"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static bool decode(const field& from);
};

/// Integers: from integers that are no wider, and from the unsigned system types (oid, xid, xid8) when
/// the type has room for all their values or, for `xid8`, for the value at hand.
template <>
struct field_traits<std::int16_t> {
    static std::string name() { return "std::int16_t"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static std::int16_t decode(const field& from);
};
template <>
struct field_traits<std::int32_t> {
    static std::string name() { return "std::int32_t"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static std::int32_t decode(const field& from);
};
template <>
struct field_traits<std::int64_t> {
    static std::string name() { return "std::int64_t"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static std::int64_t decode(const field& from);
};
template <>
struct field_traits<std::uint32_t> {
    static std::string name() { return "std::uint32_t"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static std::uint32_t decode(const field& from);
};
template <>
struct field_traits<std::uint64_t> {
    static std::string name() { return "std::uint64_t"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static std::uint64_t decode(const field& from);
};

template <>
struct field_traits<float> {
    static std::string name() { return "float"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static float decode(const field& from);
};
template <>
struct field_traits<double> {
    static std::string name() { return "double"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static double decode(const field& from);
};

/// Text from the text types, from enums and from JSON; from anything that came in text format, as all types do of
/// which nothing better is known.
template <>
struct field_traits<std::string_view> {
    static std::string name() { return "std::string_view"; }
    static bool accepts(const type_ref& type, wire_format format) noexcept;
    static std::string_view decode(const field& from);
};
template <>
struct field_traits<std::string> {
    static std::string name() { return "std::string"; }
    static bool accepts(const type_ref& type, wire_format format) noexcept;
    static std::string decode(const field& from);
};

/// Bytes from bytea. From types that are not built in: the value as it was sent, in the format that `field::format`
/// says.
template <>
struct field_traits<std::vector<std::byte>> {
    static std::string name() { return "std::vector<std::byte>"; }
    static bool accepts(const type_ref& type, wire_format format) noexcept;
    static std::vector<std::byte> decode(const field& from);
};

template <>
struct field_traits<tradecore::uuid> {
    static std::string name() { return "tradecore::uuid"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static tradecore::uuid decode(const field& from);
};

/// An instant from timestamptz; the infinities and what lies outside 64 bits of microseconds since 1970
/// are refused by name.
template <>
struct field_traits<tradecore::timestamptz> {
    static std::string name() { return "tradecore::timestamptz"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static tradecore::timestamptz decode(const field& from);
};

/// From numeric and from integers.
template <>
struct field_traits<numeric> {
    static std::string name() { return "tradecore::pg::numeric"; }
    static bool accepts(oid type, wire_format format) noexcept;
    static numeric decode(const field& from);
};

} // namespace tradecore::pg
