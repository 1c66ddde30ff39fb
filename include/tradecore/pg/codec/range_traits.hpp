// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/parameter_traits.hpp>
#include <tradecore/pg/codec/range_reader.hpp>
#include <tradecore/pg/types/range.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::pg {

namespace detail {

/// @returns the built-in type of ranges with such bounds; 0 when there is none.
constexpr oid range_of(oid element) noexcept
{
    switch (element) {
    case oids::int4:
        return oids::int4range;
    case oids::int8:
        return oids::int8range;
    case oids::numeric:
        return oids::numrange;
    case oids::date:
        return oids::daterange;
    case oids::timestamp:
        return oids::tsrange;
    case oids::timestamptz:
        return oids::tstzrange;
    default:
        return 0;
    }
}

// Bits of the binary form's first byte. (rangetypes.h of the server)
inline constexpr std::uint8_t range_empty = 0x01;
inline constexpr std::uint8_t range_lower_within = 0x02;
inline constexpr std::uint8_t range_upper_within = 0x04;
inline constexpr std::uint8_t range_lower_unbounded = 0x08;
inline constexpr std::uint8_t range_upper_unbounded = 0x10;

/// @returns the server's text of a value in its natural binary form.
[[nodiscard]] std::string natural_text(oid type, std::string_view bytes);

template <class T>
void append_converted_part(const T& value, parameter_writer& to)
{
    if constexpr (converts_parameter<T>) {
        append_converted_part(parameter_traits<T>::convert(value), to);
    }
    else {
        const auto begin = to.begin_value();
        parameter_traits<T>::encode(value, to);
        to.end_value(begin);
    }
}

template <class T>
[[nodiscard]] std::string natural_text_of(const T& value)
{
    argument_buffer buffer;
    parameter_writer to(buffer, 1);
    parameter_traits<T>::encode(value, to);
    return natural_text(parameter_traits<T>::type, std::string_view(buffer.data(), buffer.size()));
}

} // namespace detail

/// Ranges of any type whose bounds `T` can be read from.
template <class T>
    requires decodable<T>
struct field_traits<range<T>> {
    static_assert(!std::is_same_v<T, std::string_view>, "a range's bounds are no views: take std::string");

    static std::string name() { return "tradecore::pg::range<" + field_traits<T>::name() + ">"; }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::range && field_traits<T>::accepts(type.element().base(), format);
    }
    static range<T> decode(const field& from)
    {
        const detail::range_reader reader(from, "tradecore::pg::range");
        if (reader.is_empty()) {
            return {};
        }
        auto made = range<T>::make(
            reader.lower().template decode<std::optional<T>>(), reader.upper().template decode<std::optional<T>>(),
            reader.bounds());
        if (!made) {
            from.refuse(name(), "the lower bound is above the upper one, or next to the type's last value");
        }
        return *std::move(made);
    }
};

template <class T>
    requires(detail::range_of(parameter_traits<detail::converted_t<T>>::type) != 0)
struct parameter_traits<range<T>> {
    static constexpr oid type = detail::range_of(parameter_traits<detail::converted_t<T>>::type);
    static void encode(const range<T>& value, parameter_writer& to)
    {
        using namespace detail;
        if (value.is_empty()) {
            to.append(std::string_view("\1", 1));
            return;
        }
        const auto flag = [](bool set, std::uint8_t bit) { return set ? static_cast<int>(bit) : 0; };
        to.append(static_cast<std::int8_t>(
            flag(value.lower_within(), range_lower_within) | flag(value.upper_within(), range_upper_within) |
            flag(!value.lower(), range_lower_unbounded) | flag(!value.upper(), range_upper_unbounded)));
        if (value.lower()) {
            append_converted_part(*value.lower(), to);
        }
        if (value.upper()) {
            append_converted_part(*value.upper(), to);
        }
    }
};

namespace detail {

template <class T>
concept has_built_in_range = (range_of(parameter_traits<converted_t<T>>::type) != 0);

} // namespace detail

/// Ranges of bounds for which no range type is built in, such as enums: for range types that users create.
template <class T>
    requires(detail::is_argument<T>() && !detail::has_built_in_range<T>)
struct parameter_traits<range<T>> {
    static constexpr oid type = detail::natural::range;
    static void encode(const range<T>& value, parameter_writer& to)
    {
        using namespace detail;
        to.append(natural_type<T, false>());
        const auto flag = [](bool set, std::uint8_t bit) { return set ? static_cast<int>(bit) : 0; };
        to.append(static_cast<std::int8_t>(
            value.is_empty()
                ? int{range_empty}
                : flag(value.lower_within(), range_lower_within) | flag(value.upper_within(), range_upper_within) |
                      flag(!value.lower(), range_lower_unbounded) | flag(!value.upper(), range_upper_unbounded)));
        for (const auto& bound : {value.lower(), value.upper()}) {
            if (bound && !value.is_empty()) {
                const auto begin = to.begin_value();
                write_natural<false>(*bound, to);
                to.end_value(begin);
            }
        }
    }
};

/// @returns "[1,5)", "(,)", "empty", as the server prints it.
template <class T>
    requires detail::has_built_in_range<T>
[[nodiscard]] std::string to_string(const range<T>& value)
{
    return detail::natural_text_of(value);
}

} // namespace tradecore::pg
