// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/field.hpp>
#include <tradecore/pg/parameter_writer.hpp>
#include <tradecore/pg/type_names.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::pg {

template <class T>
struct parameter_traits;

namespace detail {

/// How one of the library's own value types travels: its name for messages, its SQL type and its binary
/// form. The text form is the type's own `parse` and `to_string`.
template <class T>
struct value_codec;

template <class T>
concept has_value_codec = requires(const T& value, std::string_view bytes, parameter_writer& to) {
    { value_codec<T>::name } -> std::convertible_to<std::string_view>;
    { value_codec<T>::type } -> std::convertible_to<oid>;
    { value_codec<T>::from_wire(bytes) } -> std::same_as<std::optional<T>>;
    { T::parse(bytes) } -> std::same_as<std::optional<T>>;
    { value.to_string() } -> std::same_as<std::string>;
    value_codec<T>::to_wire(value, to);
};

/// A type that also comes from another SQL type with the same forms.
template <class T>
concept also_accepts = requires(oid type) {
    { value_codec<T>::also(type) } -> std::same_as<bool>;
};

inline void append_double(parameter_writer& to, double value)
{
    to.append(std::bit_cast<std::int64_t>(value));
}

} // namespace detail

template <detail::has_value_codec T>
struct field_traits<T> {
    using codec = detail::value_codec<T>;

    static std::string name() { return std::string(codec::name); }
    static bool accepts(oid type, wire_format) noexcept
    {
        if constexpr (detail::also_accepts<T>) {
            return type == codec::type || codec::also(type);
        }
        else {
            return type == codec::type;
        }
    }
    static T decode(const field& from)
    {
        auto value = from.format() == wire_format::text ? T::parse(from.bytes()) : codec::from_wire(from.bytes());
        if (!value) {
            from.refuse(codec::name, "malformed");
        }
        return *std::move(value);
    }
};

template <detail::has_value_codec T>
struct parameter_traits<T> {
    static constexpr oid type = detail::value_codec<T>::type;
    static void encode(const T& value, parameter_writer& to) { detail::value_codec<T>::to_wire(value, to); }
};

} // namespace tradecore::pg
