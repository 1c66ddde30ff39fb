// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `interval`, its three parts exact. They stay apart because they mean different things: a
/// month has 28 to 31 days, and a day has 23 to 25 hours where clocks change.
///
/// Durations of `std::chrono` are arguments, too, and become `time`; an interval is read into a duration
/// when it has no months and no days. Two intervals are equal when all parts are: the server, which takes
/// a month for 30 days and a day for 24 hours when it compares, says so of more. There is no order here
/// for that reason.
struct interval {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::chrono::microseconds time{0};

    /// Reads the server's output in each IntervalStyle: postgres, postgres_verbose, sql_standard, iso_8601.
    [[nodiscard]] static std::optional<interval> parse(std::string_view text) noexcept;
    /// @returns "1 year 2 mons 3 days 04:05:06.789", as the server prints it in its default IntervalStyle.
    [[nodiscard]] std::string to_string() const;

    friend constexpr bool operator==(const interval&, const interval&) = default;
};

template <>
struct detail::value_codec<interval> {
    static constexpr std::string_view name = "tradecore::pg::interval";
    static constexpr oid type = oids::interval;
    static std::optional<interval> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const interval& value, parameter_writer& to);
};

} // namespace tradecore::pg
