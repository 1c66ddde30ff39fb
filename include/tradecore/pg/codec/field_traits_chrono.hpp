// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/type_names.hpp>
#include <tradecore/pg/types/extended.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>
#include <string>
#include <utility>

namespace tradecore::pg {

namespace detail {

/// @returns the time part of an interval.
/// @throws type_error when it has months or days, which are no fixed time.
[[nodiscard]] std::chrono::microseconds read_duration(const field& from, std::string_view cpp_type);

/// @returns 1 for infinity, -1 for -infinity, 0 for all else.
[[nodiscard]] int read_infinity(const field& from) noexcept;

/// A duration with whole numbers of a whole number, or a whole part, of microseconds.
template <class D>
inline constexpr bool is_readable_duration = false;
template <std::integral R, std::intmax_t N, std::intmax_t M>
inline constexpr bool is_readable_duration<std::chrono::duration<R, std::ratio<N, M>>> = true;

} // namespace detail

// From date. The infinities, and what the C++ type cannot hold, are refused by name.
template <>
struct field_traits<std::chrono::sys_days> {
    static std::string name() { return "std::chrono::sys_days"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::date; }
    static std::chrono::sys_days decode(const field& from);
};
template <>
struct field_traits<std::chrono::local_days> {
    static std::string name() { return "std::chrono::local_days"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::date; }
    static std::chrono::local_days decode(const field& from);
};
/// Years end at 32767 here, at 5874897 in the server.
template <>
struct field_traits<std::chrono::year_month_day> {
    static std::string name() { return "std::chrono::year_month_day"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::date; }
    static std::chrono::year_month_day decode(const field& from);
};

/// From timestamp, which has no time zone; never from timestamptz.
template <>
struct field_traits<std::chrono::local_time<std::chrono::microseconds>> {
    static std::string name() { return "std::chrono::local_time<std::chrono::microseconds>"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::timestamp; }
    static std::chrono::local_time<std::chrono::microseconds> decode(const field& from);
};

/// From interval, when it has neither months nor days and is a whole number of the duration's units.
template <class R, class P>
    requires detail::is_readable_duration<std::chrono::duration<R, P>>
struct field_traits<std::chrono::duration<R, P>> {
    using duration = std::chrono::duration<R, P>;

    static std::string name() { return "std::chrono::duration"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::interval; }
    static duration decode(const field& from)
    {
        using to_units = std::ratio_divide<std::micro, P>;
        const std::int64_t micros = detail::read_duration(from, "std::chrono::duration").count();
        std::int64_t scaled = 0;
        if (__builtin_mul_overflow(micros, std::int64_t{to_units::num}, &scaled)) {
            from.refuse(name(), "it does not fit");
        }
        const std::int64_t units = scaled / to_units::den;
        if (units * to_units::den != scaled) {
            from.refuse(name(), "it is no whole number of the duration's units; take microseconds");
        }
        if (!std::in_range<R>(units)) {
            from.refuse(name(), "it does not fit");
        }
        return duration(static_cast<R>(units));
    }
};

/// A date or time, or one of the infinities.
template <class T>
    requires decodable<T>
struct field_traits<extended<T>> {
    static std::string name() { return "tradecore::pg::extended<" + field_traits<T>::name() + ">"; }
    static bool accepts(oid type, wire_format format) { return field_traits<T>::accepts(type, format); }
    static extended<T> decode(const field& from)
    {
        switch (detail::read_infinity(from)) {
        case 1:
            return extended<T>::infinity();
        case -1:
            return extended<T>::minus_infinity();
        default:
            return field_traits<T>::decode(from);
        }
    }
};

} // namespace tradecore::pg
