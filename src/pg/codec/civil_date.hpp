// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tradecore::pg::detail {

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
struct civil_date {
    std::int64_t year = 0;
    int month = 0;
    int day = 0;
};

// std::chrono::year ends at 32767; these are Howard Hinnant's public-domain civil calendar algorithms in
// 64 bits ("chrono-Compatible Low-Level Date Algorithms").

/// @returns days since 1970-01-01.
constexpr std::int64_t days_from_civil(const civil_date& date) noexcept
{
    const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

/// @param days since 1970-01-01.
constexpr civil_date civil_from_days(std::int64_t days) noexcept
{
    days += 719'468;
    const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
    const std::int64_t day_of_era = days - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t shifted = (5 * day_of_year + 2) / 153;
    const int month = static_cast<int>(shifted + (shifted < 10 ? 3 : -9));
    return {
        year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
        static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

/// @returns whether the calendar has the day.
constexpr bool exists(const civil_date& date) noexcept
{
    constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.month < 1 || date.month > 12) {
        return false;
    }
    const bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    const int last = date.month == 2 && leap ? 29 : days[static_cast<std::size_t>(date.month - 1)];
    return date.day >= 1 && date.day <= last;
}

} // namespace tradecore::pg::detail
