// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/types/extended.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace tradecore::pg::detail {

/// The next value of types that have one, for the form in which the server keeps ranges of them (the
/// canonical functions of int4range, int8range and daterange).
template <class T>
struct range_step;

template <class T>
concept has_range_step = requires(const T& value) {
    { range_step<T>::moves(value) } -> std::same_as<bool>;
    { range_step<T>::next(value) } -> std::same_as<std::optional<T>>;
};

template <class T>
    requires std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>
struct range_step<T> {
    static bool moves(T) noexcept { return true; }
    static std::optional<T> next(T value) noexcept
    {
        return value == std::numeric_limits<T>::max() ? std::nullopt : std::optional<T>(value + 1);
    }
};

template <class Clock>
struct range_step<std::chrono::time_point<Clock, std::chrono::days>> {
    using day = std::chrono::time_point<Clock, std::chrono::days>;
    static bool moves(const day&) noexcept { return true; }
    static std::optional<day> next(const day& value) noexcept
    {
        return value == day::max() ? std::nullopt : std::optional<day>(value + std::chrono::days(1));
    }
};

template <>
struct range_step<std::chrono::year_month_day> {
    static bool moves(const std::chrono::year_month_day&) noexcept { return true; }
    static std::optional<std::chrono::year_month_day> next(const std::chrono::year_month_day& value) noexcept
    {
        if (!value.ok() || value == std::chrono::year::max() / 12 / 31) {
            return std::nullopt;
        }
        return std::chrono::year_month_day(std::chrono::sys_days(value) + std::chrono::days(1));
    }
};

/// The server moves no infinite date.
template <has_range_step T>
struct range_step<extended<T>> {
    static bool moves(const extended<T>& value) noexcept { return value.is_finite(); }
    static std::optional<extended<T>> next(const extended<T>& value)
    {
        const auto moved = range_step<T>::next(value.value());
        return moved ? std::optional<extended<T>>(*moved) : std::nullopt;
    }
};

} // namespace tradecore::pg::detail
