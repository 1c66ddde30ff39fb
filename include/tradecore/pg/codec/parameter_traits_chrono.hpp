// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/parameter_traits_basic.hpp>
#include <tradecore/pg/types/extended.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <ratio>

namespace tradecore::pg {

namespace detail {

/// Appends the wire's date.
/// @throws argument_error when the server has no such date.
void append_date(std::chrono::sys_days value, parameter_writer& to);
/// Appends the wire's timestamp.
/// @throws argument_error when the server has no such timestamp.
void append_timestamp(std::chrono::local_time<std::chrono::microseconds> value, parameter_writer& to);
/// Appends the wire's interval without months and days.
void append_interval(std::chrono::microseconds value, parameter_writer& to);

/// @returns a duration that whole microseconds hold in those.
/// @throws argument_error beyond 64 bits.
template <class D>
[[nodiscard]] std::chrono::microseconds to_micros(const D& value, const parameter_writer& to)
{
    using ratio = std::ratio_divide<typename D::period, std::micro>;
    std::int64_t micros = 0;
    if (__builtin_mul_overflow(value.count(), std::intmax_t{ratio::num}, &micros)) {
        to.refuse("the time is beyond the server's range");
    }
    return std::chrono::microseconds(micros);
}

} // namespace detail

// Dates. As instants sys_days would be midnights in UTC: for timestamptz pass a tradecore::timestamptz.
template <>
struct parameter_traits<std::chrono::sys_days> {
    static constexpr oid type = oids::date;
    static void encode(const std::chrono::sys_days& value, parameter_writer& to) { detail::append_date(value, to); }
};
template <>
struct parameter_traits<std::chrono::local_days> {
    static constexpr oid type = oids::date;
    static void encode(const std::chrono::local_days& value, parameter_writer& to)
    {
        detail::append_date(std::chrono::sys_days(value.time_since_epoch()), to);
    }
};
template <>
struct parameter_traits<std::chrono::year_month_day> {
    static constexpr oid type = oids::date;
    static void encode(const std::chrono::year_month_day& value, parameter_writer& to)
    {
        if (!value.ok()) {
            to.refuse("the calendar has no such day");
        }
        detail::append_date(std::chrono::sys_days(value), to);
    }
};

/// Local times are timestamps without time zone, never timestamptz.
template <class D>
    requires detail::is_exact_duration<D>
struct parameter_traits<std::chrono::local_time<D>> {
    static constexpr oid type = oids::timestamp;
    static void encode(const std::chrono::local_time<D>& value, parameter_writer& to)
    {
        using local_micros = std::chrono::local_time<std::chrono::microseconds>;
        detail::append_timestamp(local_micros(detail::to_micros(value.time_since_epoch(), to)), to);
    }
};

/// Durations are intervals of microseconds, also std::chrono::days: 24 hours each. (A calendar's days and
/// months are `tradecore::pg::interval`.)
template <class R, class P>
    requires(
        detail::is_exact_duration<std::chrono::duration<R, P>> &&
        !detail::is_average_duration<std::chrono::duration<R, P>>)
struct parameter_traits<std::chrono::duration<R, P>> {
    static constexpr oid type = oids::interval;
    static void encode(const std::chrono::duration<R, P>& value, parameter_writer& to)
    {
        detail::append_interval(detail::to_micros(value, to), to);
    }
};

template <class T>
    requires encodable<T>
struct parameter_traits<extended<T>> {
    static constexpr oid type = parameter_traits<T>::type;
    static_assert(
        type == oids::date || type == oids::timestamp || type == oids::timestamptz,
        "only dates and timestamps are infinite");
    using wire = std::conditional_t<type == oids::date, std::int32_t, std::int64_t>;

    static void encode(const extended<T>& value, parameter_writer& to)
    {
        if (value.is_finite()) {
            parameter_traits<T>::encode(value.value(), to);
        }
        else {
            to.append(value.is_infinity() ? std::numeric_limits<wire>::max() : std::numeric_limits<wire>::min());
        }
    }
};

} // namespace tradecore::pg
