// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `time`: what a clock on the wall shows, from 00:00:00 to 24:00:00, the day's end, with
/// microseconds.
class time_of_day {
public:
    /// Midnight, at the day's beginning.
    constexpr time_of_day() = default;
    /// @param since_midnight any duration of whole microseconds: `time_of_day(9h + 30min)`.
    /// @throws type_error unless it is from 0 to 24 hours.
    explicit constexpr time_of_day(std::chrono::microseconds since_midnight) : since_midnight_(since_midnight)
    {
        if (since_midnight < std::chrono::microseconds(0) || since_midnight > std::chrono::hours(24)) {
            throw type_error("a time of day is from 00:00:00 to 24:00:00");
        }
    }

    /// Reads "09:30:00.5", the server's output.
    [[nodiscard]] static std::optional<time_of_day> parse(std::string_view text) noexcept;
    /// @returns "09:30:00.5", as the server prints it.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] constexpr std::chrono::microseconds since_midnight() const noexcept { return since_midnight_; }

    friend constexpr auto operator<=>(const time_of_day&, const time_of_day&) = default;

private:
    std::chrono::microseconds since_midnight_{0};
};

/// PostgreSQL's `timetz`: a time of day with an offset from UTC. (Of a zone with summer time the offset
/// alone says little: the documentation itself advises against the type.)
class zoned_time_of_day {
public:
    constexpr zoned_time_of_day() = default;
    /// @param offset seconds east of UTC.
    /// @throws type_error unless the offset is less than 16 hours either way.
    constexpr zoned_time_of_day(time_of_day time, std::chrono::seconds offset) : time_(time), offset_(offset)
    {
        constexpr std::chrono::hours limit(16);
        if (offset <= -limit || offset >= limit) {
            throw type_error("the offset of a time of day is less than 16 hours");
        }
    }

    /// Reads "09:30:00+05:30", the server's output.
    [[nodiscard]] static std::optional<zoned_time_of_day> parse(std::string_view text) noexcept;
    /// @returns "09:30:00+05:30", as the server prints it.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] constexpr time_of_day time() const noexcept { return time_; }
    /// @returns seconds east of UTC.
    [[nodiscard]] constexpr std::chrono::seconds offset() const noexcept { return offset_; }

    /// Equal when both parts are: the server says the same.
    friend constexpr bool operator==(const zoned_time_of_day&, const zoned_time_of_day&) = default;
    /// As the server orders: by the moment in UTC, and of two at the same moment the one further east first.
    friend constexpr std::strong_ordering operator<=>(const zoned_time_of_day& left, const zoned_time_of_day& right)
    {
        const auto instant = [](const zoned_time_of_day& of) { return of.time_.since_midnight() - of.offset_; };
        const auto order = instant(left) <=> instant(right);
        return order != 0 ? order : right.offset_ <=> left.offset_;
    }

private:
    time_of_day time_;
    std::chrono::seconds offset_{0};
};

namespace detail {

template <>
struct value_codec<time_of_day> {
    static constexpr std::string_view name = "tradecore::pg::time_of_day";
    static constexpr oid type = oids::time;
    static std::optional<time_of_day> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const time_of_day& value, parameter_writer& to);
};

template <>
struct value_codec<zoned_time_of_day> {
    static constexpr std::string_view name = "tradecore::pg::zoned_time_of_day";
    static constexpr oid type = oids::timetz;
    static std::optional<zoned_time_of_day> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const zoned_time_of_day& value, parameter_writer& to);
};

} // namespace detail
} // namespace tradecore::pg
