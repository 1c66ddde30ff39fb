// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/date_time_text.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <iterator>

namespace tradecore::pg::detail {

bool append_date(std::string& out, std::int64_t days_since_1970)
{
    const auto date = civil_from_days(days_since_1970);
    const bool before_christ = date.year <= 0;
    const auto year = before_christ ? 1 - date.year : date.year;
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", year, date.month, date.day);
    return before_christ;
}

void append_time(std::string& out, std::int64_t micros)
{
    const auto seconds = micros / micros_per_second;
    fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (const auto fraction = micros % micros_per_second; fraction != 0) {
        fmt::format_to(std::back_inserter(out), ".{:06}", fraction);
        while (out.back() == '0') {
            out.pop_back();
        }
    }
}

void append_offset(std::string& out, int seconds_east)
{
    const int seconds = std::abs(seconds_east);
    fmt::format_to(std::back_inserter(out), "{}{:02}", seconds_east < 0 ? '-' : '+', seconds / 3600);
    if (seconds % 3600 != 0) {
        fmt::format_to(std::back_inserter(out), ":{:02}", seconds / 60 % 60);
    }
    if (seconds % 60 != 0) {
        fmt::format_to(std::back_inserter(out), ":{:02}", seconds % 60);
    }
}

bool read_date(text_scanner& from, civil_date& date) noexcept
{
    return from.digits(date.year, 4, 7) && from.skip('-') && from.digits(date.month, 2, 2) && from.skip('-') &&
           from.digits(date.day, 2, 2) && date.year != 0;
}

bool read_time(text_scanner& from, std::int64_t& micros, int last_hour) noexcept
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    int fraction = 0;
    if (!from.digits(hour, 2, 2) || !from.skip(':') || !from.digits(minute, 2, 2) || !from.skip(':') ||
        !from.digits(second, 2, 2) || !from.fraction(fraction)) {
        return false;
    }
    micros = (std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second) * micros_per_second + fraction;
    return hour <= last_hour && minute <= 59 && second <= 59 && micros <= micros_per_day;
}

bool read_offset(text_scanner& from, int& seconds_east) noexcept
{
    seconds_east = 0;
    if (from.skip('Z')) {
        return true;
    }
    const bool west = from.skip('-');
    if (!west && !from.skip('+')) {
        return false;
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!from.digits(hours, 2, 2) || (from.skip(':') && !from.digits(minutes, 2, 2)) ||
        (from.skip(':') && !from.digits(seconds, 2, 2))) {
        return false;
    }
    seconds_east = (hours * 3600 + minutes * 60 + seconds) * (west ? -1 : 1);
    return minutes < 60 && seconds < 60;
}

} // namespace tradecore::pg::detail
