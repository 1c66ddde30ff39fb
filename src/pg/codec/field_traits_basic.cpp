// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/field_traits_basic.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/type_names.hpp>

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

namespace {

bool is_text_type(oid type) noexcept
{
    switch (type) {
    case oids::text:
    case oids::varchar:
    case oids::bpchar:
    case oids::name:
    case oids::char_:
    case oids::unknown:
    case oids::cstring:
    case oids::xml:
    case oids::json:
    case oids::jsonb:
    case oids::jsonpath:
        return true;
    default:
        return false;
    }
}

// As name(), which makes a string: nothing is allocated for a value that is fine.
template <class T>
constexpr std::string_view name_of;
template <>
constexpr std::string_view name_of<bool> = "bool";
template <>
constexpr std::string_view name_of<std::int16_t> = "std::int16_t";
template <>
constexpr std::string_view name_of<std::int32_t> = "std::int32_t";
template <>
constexpr std::string_view name_of<std::int64_t> = "std::int64_t";
template <>
constexpr std::string_view name_of<std::uint32_t> = "std::uint32_t";
template <>
constexpr std::string_view name_of<std::uint64_t> = "std::uint64_t";
template <>
constexpr std::string_view name_of<float> = "float";
template <>
constexpr std::string_view name_of<double> = "double";
template <>
constexpr std::string_view name_of<tradecore::uuid> = "tradecore::uuid";
template <>
constexpr std::string_view name_of<tradecore::timestamptz> = "tradecore::timestamptz";

// Of extensions: the binary form is the text.
bool is_named_text(const type_ref& type) noexcept
{
    return type.is_named("citext");
}

template <class T>
T load_exactly(const field& from, std::string_view cpp_type)
{
    if (from.bytes().size() != sizeof(T)) {
        from.refuse(cpp_type, "the value has " + std::to_string(from.bytes().size()) + " bytes");
    }
    return detail::load<T>(from.bytes());
}

template <class T>
T read_text_number(const field& from, std::string_view cpp_type)
{
    const auto value = detail::number_from_text<T>(from.bytes());
    if (!value) {
        from.refuse(cpp_type, "the text is no number that fits");
    }
    return *value;
}

template <class To, class From>
To narrow(const field& from, From value, std::string_view cpp_type)
{
    if (!std::in_range<To>(value)) {
        from.refuse(cpp_type, std::to_string(value) + " does not fit");
    }
    return static_cast<To>(value);
}

template <class T>
T read_integer(const field& from)
{
    constexpr auto cpp_type = name_of<T>;
    if (from.format() == wire_format::text) {
        return read_text_number<T>(from, cpp_type);
    }
    switch (from.type()) {
    case oids::int2:
        return narrow<T>(from, load_exactly<std::int16_t>(from, cpp_type), cpp_type);
    case oids::int4:
        return narrow<T>(from, load_exactly<std::int32_t>(from, cpp_type), cpp_type);
    case oids::int8:
        return narrow<T>(from, load_exactly<std::int64_t>(from, cpp_type), cpp_type);
    case oids::oid_:
    case oids::xid:
    case oids::cid:
        return narrow<T>(from, load_exactly<std::uint32_t>(from, cpp_type), cpp_type);
    case oids::xid8:
        return narrow<T>(from, load_exactly<std::uint64_t>(from, cpp_type), cpp_type);
    default:
        from.refuse(cpp_type, "it is no integer");
    }
}

bool is_unsigned32(oid type) noexcept
{
    return type == oids::oid_ || type == oids::xid || type == oids::cid;
}

} // namespace

bool field_traits<bool>::accepts(oid type, wire_format) noexcept
{
    return type == oids::bool_;
}

bool field_traits<bool>::decode(const field& from)
{
    const auto bytes = from.bytes();
    if (from.format() == wire_format::text) {
        if (bytes != "t" && bytes != "f") {
            from.refuse(name_of<bool>, "the text is neither t nor f");
        }
        return bytes == "t";
    }
    return load_exactly<std::int8_t>(from, name_of<bool>) != 0;
}

bool field_traits<std::int16_t>::accepts(oid type, wire_format) noexcept
{
    return type == oids::int2;
}

std::int16_t field_traits<std::int16_t>::decode(const field& from)
{
    return read_integer<std::int16_t>(from);
}

bool field_traits<std::int32_t>::accepts(oid type, wire_format) noexcept
{
    return type == oids::int2 || type == oids::int4;
}

std::int32_t field_traits<std::int32_t>::decode(const field& from)
{
    return read_integer<std::int32_t>(from);
}

bool field_traits<std::int64_t>::accepts(oid type, wire_format) noexcept
{
    return type == oids::int2 || type == oids::int4 || type == oids::int8 || is_unsigned32(type) || type == oids::xid8;
}

std::int64_t field_traits<std::int64_t>::decode(const field& from)
{
    return read_integer<std::int64_t>(from);
}

bool field_traits<std::uint32_t>::accepts(oid type, wire_format) noexcept
{
    return is_unsigned32(type);
}

std::uint32_t field_traits<std::uint32_t>::decode(const field& from)
{
    return read_integer<std::uint32_t>(from);
}

bool field_traits<std::uint64_t>::accepts(oid type, wire_format) noexcept
{
    return is_unsigned32(type) || type == oids::xid8;
}

std::uint64_t field_traits<std::uint64_t>::decode(const field& from)
{
    return read_integer<std::uint64_t>(from);
}

bool field_traits<float>::accepts(oid type, wire_format) noexcept
{
    return type == oids::float4;
}

float field_traits<float>::decode(const field& from)
{
    if (from.format() == wire_format::text) {
        return read_text_number<float>(from, name_of<float>);
    }
    return std::bit_cast<float>(load_exactly<std::int32_t>(from, name_of<float>));
}

bool field_traits<double>::accepts(oid type, wire_format) noexcept
{
    return type == oids::float4 || type == oids::float8;
}

double field_traits<double>::decode(const field& from)
{
    if (from.type() == oids::float4) {
        return static_cast<double>(field_traits<float>::decode(from));
    }
    if (from.format() == wire_format::text) {
        return read_text_number<double>(from, name_of<double>);
    }
    return std::bit_cast<double>(load_exactly<std::int64_t>(from, name_of<double>));
}

bool field_traits<std::string_view>::accepts(const type_ref& type, wire_format format) noexcept
{
    return format == wire_format::text || is_text_type(type) || type.kind() == type_kind::enumeration ||
           is_named_text(type);
}

std::string_view field_traits<std::string_view>::decode(const field& from)
{
    auto bytes = from.bytes();
    // The binary form of these begins with a version, 1 to this day.
    const bool versioned = from.type() == oids::jsonb || from.type() == oids::jsonpath;
    if (versioned && from.format() == wire_format::binary) {
        if (!bytes.starts_with('\1')) {
            from.refuse(name(), "unknown version of " + type_name(from.type()));
        }
        bytes.remove_prefix(1);
    }
    // The server prints the zero of "char" as nothing, and no text has a NUL.
    if (from.type() == oids::char_ && bytes == std::string_view("\0", 1)) {
        bytes = {};
    }
    return bytes;
}

bool field_traits<std::string>::accepts(const type_ref& type, wire_format format) noexcept
{
    return field_traits<std::string_view>::accepts(type, format);
}

std::string field_traits<std::string>::decode(const field& from)
{
    return std::string(field_traits<std::string_view>::decode(from));
}

bool field_traits<std::vector<std::byte>>::accepts(const type_ref& type, wire_format) noexcept
{
    return type == oids::bytea || !type.is_built_in();
}

std::vector<std::byte> field_traits<std::vector<std::byte>>::decode(const field& from)
{
    const auto bytes = from.bytes();
    if (from.format() == wire_format::text && from.type() == oids::bytea) {
        auto value = detail::bytea_from_text(bytes);
        if (!value) {
            from.refuse(name(), "the text is not in the server's hex format");
        }
        return *std::move(value);
    }
    const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
    return {data, data + bytes.size()};
}

bool field_traits<tradecore::uuid>::accepts(oid type, wire_format) noexcept
{
    return type == oids::uuid;
}

tradecore::uuid field_traits<tradecore::uuid>::decode(const field& from)
{
    if (from.format() == wire_format::text) {
        const auto value = detail::uuid_from_text(from.bytes());
        if (!value) {
            from.refuse(name_of<tradecore::uuid>, "the text is no UUID");
        }
        return *value;
    }
    tradecore::uuid value{};
    if (from.bytes().size() != sizeof value.data) {
        from.refuse(name_of<tradecore::uuid>, "the value has " + std::to_string(from.bytes().size()) + " bytes");
    }
    std::memcpy(value.data, from.bytes().data(), sizeof value.data);
    return value;
}

bool field_traits<tradecore::timestamptz>::accepts(oid type, wire_format) noexcept
{
    return type == oids::timestamptz;
}

tradecore::timestamptz field_traits<tradecore::timestamptz>::decode(const field& from)
{
    if (from.format() == wire_format::text) {
        if (from.bytes() == "infinity" || from.bytes() == "-infinity") {
            from.refuse(name_of<tradecore::timestamptz>, std::string(from.bytes()) + " is no instant");
        }
        const auto value = detail::timestamptz_from_text(from.bytes());
        if (!value) {
            from.refuse(
                name_of<tradecore::timestamptz>, "the text is not in DateStyle ISO, or the instant does not fit");
        }
        return *value;
    }
    const auto micros = load_exactly<std::int64_t>(from, name_of<tradecore::timestamptz>);
    if (micros == std::numeric_limits<std::int64_t>::max() || micros == std::numeric_limits<std::int64_t>::min()) {
        from.refuse(name_of<tradecore::timestamptz>, micros > 0 ? "infinity is no instant" : "-infinity is no instant");
    }
    const auto value = detail::timestamptz_from_wire(micros);
    if (!value) {
        from.refuse(name_of<tradecore::timestamptz>, "the instant does not fit");
    }
    return *value;
}

bool field_traits<numeric>::accepts(oid type, wire_format) noexcept
{
    return type == oids::numeric || type == oids::int2 || type == oids::int4 || type == oids::int8;
}

numeric field_traits<numeric>::decode(const field& from)
{
    if (from.type() != oids::numeric) {
        return numeric(read_integer<std::int64_t>(from));
    }
    auto value = from.format() == wire_format::text ? numeric::parse(from.bytes()) : numeric::from_wire(from.bytes());
    if (!value) {
        from.refuse(name(), "malformed");
    }
    return *std::move(value);
}

} // namespace tradecore::pg
