// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/parameter_writer.hpp>
#include <tradecore/pg/type_names.hpp>

#include <boost/json/value.hpp>

#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

/// How a C++ type goes into a statement. Specialize it to make a type of one's own an argument, either
/// in terms of a type that already is one:
///
///     template <>
///     struct parameter_traits<money> {
///         static numeric convert(const money& value);
///     };
///
/// or by writing the binary form of an SQL type:
///
///     template <>
///     struct parameter_traits<point> {
///         static constexpr oid type = oids::point;
///         static void encode(const point& value, parameter_writer& to);
///     };
///
/// For a type of an extension or a user, whose OID differs from database to database, say its name instead:
///
///         static constexpr std::string_view type_name = "cube";
template <class T>
struct parameter_traits;

/// A type that `parameter_traits` writes by itself.
template <class T>
concept encodable = requires(const T& value, parameter_writer& to) {
    { parameter_traits<T>::type } -> std::convertible_to<oid>;
    parameter_traits<T>::encode(value, to);
};

namespace detail {

template <class T>
concept converts_parameter = requires(const T& value) { parameter_traits<T>::convert(value); };

template <class T>
struct converted {
    using type = T;
};
template <converts_parameter T>
struct converted<T> : converted<std::remove_cvref_t<decltype(parameter_traits<T>::convert(std::declval<const T&>()))>> {
};
template <class T>
using converted_t = typename converted<T>::type;

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <class T>
concept integer_parameter = std::integral<T> && !std::same_as<T, bool> && !character<T> && sizeof(T) <= 8;

template <class T>
concept text_parameter =
    std::convertible_to<const T&, std::string_view> && !std::is_null_pointer_v<T> && !std::is_arithmetic_v<T>;

template <class T>
concept bytes_parameter = std::ranges::contiguous_range<const T> && std::ranges::sized_range<const T> &&
                          std::same_as<std::remove_cv_t<std::ranges::range_value_t<T>>, std::byte>;

template <class T>
concept array_like = std::ranges::input_range<const T> && !text_parameter<T> && !bytes_parameter<T>;

template <class T>
inline constexpr bool is_sys_time = false;
template <class D>
inline constexpr bool is_sys_time<std::chrono::sys_time<D>> = true;
template <class T>
inline constexpr bool is_local_time = false;
template <class D>
inline constexpr bool is_local_time<std::chrono::local_time<D>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

/// Whether every value is a whole number of microseconds.
template <class T>
inline constexpr bool is_exact_duration = false;
template <class R, class P>
inline constexpr bool is_exact_duration<std::chrono::duration<R, P>> =
    std::integral<R> && std::ratio_divide<P, std::micro>::den == 1;
template <class T>
inline constexpr bool is_exact_sys_time = false;
template <class D>
inline constexpr bool is_exact_sys_time<std::chrono::sys_time<D>> = is_exact_duration<D>;

/// A month or year of std::chrono is an average, which no calendar has.
template <class T>
inline constexpr bool is_average_duration = false;
template <class R, class P>
inline constexpr bool is_average_duration<std::chrono::duration<R, P>> =
    std::ratio_equal_v<P, std::chrono::months::period> || std::ratio_equal_v<P, std::chrono::years::period>;

/// Says at compile time why a type is no argument.
template <class T>
void explain_refusal()
{
    static_assert(
        !is_average_duration<T>,
        "std::chrono's months and years are averages in seconds: a calendar's are tradecore::pg::interval");
    static_assert(
        !((is_sys_time<T> || is_local_time<T> || is_duration<T>) && !is_average_duration<T>),
        "PostgreSQL keeps microseconds: cut the time with std::chrono::floor<std::chrono::microseconds>, or take "
        "tradecore::now()");
    static_assert(!character<T>, "a single character is neither text nor a number: pass a string or an integer");
    static_assert(!std::ranges::range<T>, "this range is no array: its elements are optional ranges, or it is a map");
    static_assert(
        is_local_time<T> || is_sys_time<T> || is_duration<T> || character<T> || std::ranges::range<T>,
        "no parameter_traits: this type cannot be an argument of a statement");
}

} // namespace detail

template <>
struct parameter_traits<bool> {
    static constexpr oid type = oids::bool_;
    static void encode(bool value, parameter_writer& to) { to.append(static_cast<std::int8_t>(value)); }
};

/// Integers take the narrowest SQL type that holds all their values; unsigned 64-bit ones int8.
template <detail::integer_parameter T>
struct parameter_traits<T> {
    static constexpr bool fits_int2 = std::is_signed_v<T> ? sizeof(T) <= 2 : sizeof(T) < 2;
    static constexpr bool fits_int4 = std::is_signed_v<T> ? sizeof(T) <= 4 : sizeof(T) < 4;
    using wire = std::conditional_t<fits_int2, std::int16_t, std::conditional_t<fits_int4, std::int32_t, std::int64_t>>;

    static constexpr oid type = fits_int2 ? oids::int2 : fits_int4 ? oids::int4 : oids::int8;
    static void encode(T value, parameter_writer& to)
    {
        if constexpr (sizeof(T) == 8 && std::is_unsigned_v<T>) {
            if (!std::in_range<wire>(value)) {
                to.refuse(std::to_string(value) + " does not fit bigint; pass a numeric");
            }
        }
        to.append(static_cast<wire>(value));
    }
};

template <>
struct parameter_traits<float> {
    static constexpr oid type = oids::float4;
    static void encode(float value, parameter_writer& to) { to.append(std::bit_cast<std::int32_t>(value)); }
};
template <>
struct parameter_traits<double> {
    static constexpr oid type = oids::float8;
    static void encode(double value, parameter_writer& to) { to.append(std::bit_cast<std::int64_t>(value)); }
};

/// Strings, views, literals; a literal ends before the zeros at its end.
template <detail::text_parameter T>
struct parameter_traits<T> {
    static constexpr oid type = oids::text;
    static void encode(const T& value, parameter_writer& to)
    {
        if constexpr (std::is_array_v<T>) {
            std::string_view text(value, std::extent_v<T>);
            while (text.ends_with('\0')) {
                text.remove_suffix(1);
            }
            to.append_text(text);
        }
        else {
            if constexpr (std::is_pointer_v<T>) {
                if (value == nullptr) {
                    to.refuse("a null pointer is no text; pass std::nullopt for NULL");
                }
            }
            to.append_text(std::string_view(value));
        }
    }
};

/// Ranges of std::byte that lie in one piece are bytea.
template <detail::bytes_parameter T>
struct parameter_traits<T> {
    static constexpr oid type = oids::bytea;
    static void encode(const T& value, parameter_writer& to)
    {
        const auto bytes = std::span<const std::byte>(value);
        // Any object may be read as char.
        to.append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
};

template <>
struct parameter_traits<tradecore::uuid> {
    static constexpr oid type = oids::uuid;
    static void encode(const tradecore::uuid& value, parameter_writer& to)
    {
        to.append(std::string_view(reinterpret_cast<const char*>(value.data), sizeof value.data));
    }
};

/// Instants, if whole microseconds hold all values of the type.
template <class D>
    requires detail::is_exact_sys_time<std::chrono::sys_time<D>>
struct parameter_traits<std::chrono::sys_time<D>> {
    static constexpr oid type = oids::timestamptz;
    static void encode(const std::chrono::sys_time<D>& value, parameter_writer& to)
    {
        using ratio = std::ratio_divide<typename D::period, std::micro>;
        std::int64_t micros = 0;
        if (__builtin_mul_overflow(value.time_since_epoch().count(), std::intmax_t{ratio::num}, &micros)) {
            to.refuse("the instant is beyond the server's range");
        }
        const auto wire = detail::timestamptz_to_wire(tradecore::timestamptz(std::chrono::microseconds(micros)));
        if (!wire) {
            to.refuse("the instant is beyond the server's range");
        }
        to.append(*wire);
    }
};

template <>
struct parameter_traits<numeric> {
    static constexpr oid type = oids::numeric;
    static void encode(const numeric& value, parameter_writer& to) { to.append(value.to_wire()); }
};

namespace detail {

/// Appends the text of a JSON value.
/// @throws argument_error when a string in it contains NUL, which jsonb cannot hold.
void append_json(const boost::json::value& value, parameter_writer& to);

/// @returns the text of a JSON value.
[[nodiscard]] std::string json_text(const boost::json::value& value);

} // namespace detail

/// JSON is kept as text and becomes jsonb or json as the server wants.
template <class T>
    requires std::same_as<T, boost::json::value> || std::same_as<T, boost::json::object> ||
             std::same_as<T, boost::json::array>
struct parameter_traits<T> {
    static constexpr oid type = oids::jsonb;
    static void encode(const T& value, parameter_writer& to) { detail::append_json(value, to); }
};

} // namespace tradecore::pg
