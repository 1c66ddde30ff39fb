// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/codec/timestamp_wire.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <limits>

namespace tradecore::pg::detail {

namespace {

using std::chrono::microseconds;

constexpr std::int64_t epoch_2000 = 946'684'800'000'000;
// MIN_TIMESTAMP of the server's datatype/timestamp.h, 4714-11-24 BC; its end lies beyond ours.
constexpr std::int64_t min_wire = -211'813'488'000'000'000;

// Reads a timestamp's text from the left.
class text_reader {
public:
    explicit text_reader(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    bool skip(char c) noexcept
    {
        if (!rest_.starts_with(c)) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool skip(std::string_view text) noexcept
    {
        if (!rest_.starts_with(text)) {
            return false;
        }
        rest_.remove_prefix(text.size());
        return true;
    }
    // A number of `least` to `most` digits.
    bool number(int& value, std::size_t least, std::size_t most) noexcept
    {
        value = 0;
        std::size_t count = 0;
        while (count < most && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
            value = value * 10 + (rest_[count] - '0');
            ++count;
        }
        rest_.remove_prefix(count);
        return count >= least;
    }
    // Up to six digits after a point; more would be lost.
    bool fraction(int& micros) noexcept
    {
        micros = 0;
        if (!skip('.')) {
            return true;
        }
        const auto before = rest_.size();
        if (!number(micros, 1, 6)) {
            return false;
        }
        for (auto digits = before - rest_.size(); digits < 6; ++digits) {
            micros *= 10;
        }
        return true;
    }

private:
    std::string_view rest_;
};

struct parts {
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int micros = 0;
    int offset = 0; // seconds east of UTC
};

bool read_offset(text_reader& from, int& offset) noexcept
{
    if (from.skip('Z')) {
        offset = 0;
        return true;
    }
    const bool west = from.skip('-');
    if (!west && !from.skip('+')) {
        return false;
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!from.number(hours, 2, 2)) {
        return false;
    }
    if (from.skip(':') && !from.number(minutes, 2, 2)) {
        return false;
    }
    if (from.skip(':') && !from.number(seconds, 2, 2)) {
        return false;
    }
    offset = (hours * 3600 + minutes * 60 + seconds) * (west ? -1 : 1);
    return minutes < 60 && seconds < 60;
}

std::optional<parts> read_parts(std::string_view text) noexcept
{
    text_reader from(text);
    parts p;
    const bool read = from.number(p.year, 4, 6) && from.skip('-') && from.number(p.month, 2, 2) && from.skip('-') &&
                      from.number(p.day, 2, 2) && (from.skip(' ') || from.skip('T')) && from.number(p.hour, 2, 2) &&
                      from.skip(':') && from.number(p.minute, 2, 2) && from.skip(':') && from.number(p.second, 2, 2) &&
                      from.fraction(p.micros) && read_offset(from, p.offset);
    if (!read || p.year == 0) {
        return std::nullopt;
    }
    if (from.skip(" BC")) {
        p.year = 1 - p.year;
    }
    if (!from.done() || p.hour > 23 || p.minute > 59 || p.second > 59) {
        return std::nullopt;
    }
    return p;
}

// std::chrono::year ends at 32767; these are Howard Hinnant's public-domain civil calendar algorithms in
// 64 bits ("chrono-Compatible Low-Level Date Algorithms").
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) noexcept
{
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

constexpr bool is_leap(std::int64_t year) noexcept
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int days_in_month(std::int64_t year, int month) noexcept
{
    constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

struct civil {
    std::int64_t year;
    int month;
    int day;
};

constexpr civil civil_from_days(std::int64_t days) noexcept
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

} // namespace

std::optional<std::int64_t> timestamptz_to_wire(tradecore::timestamptz value) noexcept
{
    std::int64_t wire = 0;
    if (__builtin_sub_overflow(value.time_since_epoch().count(), epoch_2000, &wire) || wire < min_wire) {
        return std::nullopt;
    }
    return wire;
}

std::optional<tradecore::timestamptz> timestamptz_from_wire(std::int64_t micros) noexcept
{
    std::int64_t since_1970 = 0;
    if (micros < min_wire || micros == std::numeric_limits<std::int64_t>::max() ||
        __builtin_add_overflow(micros, epoch_2000, &since_1970)) {
        return std::nullopt;
    }
    return tradecore::timestamptz(microseconds(since_1970));
}

std::string timestamptz_to_text(tradecore::timestamptz value, char separator)
{
    const auto days = std::chrono::floor<std::chrono::days>(value);
    // Calendar days reach further than 64 bits of microseconds, so the difference may be taken as numbers.
    const std::int64_t day_count = days.time_since_epoch().count();
    const std::int64_t micros_per_day = 86'400'000'000;
    std::int64_t within = value.time_since_epoch().count() % micros_per_day;
    if (within < 0) {
        within += micros_per_day;
    }
    const auto date = civil_from_days(day_count);
    const bool before_christ = date.year <= 0;
    const auto year = static_cast<long long>(before_christ ? 1 - date.year : date.year);
    const auto seconds = static_cast<int>(within / 1'000'000);
    std::array<char, 64> buffer{};
    const int length = std::snprintf(
        buffer.data(), buffer.size(), "%04lld-%02d-%02d%c%02d:%02d:%02d", year, date.month, date.day, separator,
        seconds / 3600, seconds / 60 % 60, seconds % 60);
    std::string text(buffer.data(), static_cast<std::size_t>(length));
    if (const auto micros = static_cast<int>(within % 1'000'000); micros != 0) {
        const int size = std::snprintf(buffer.data(), buffer.size(), ".%06d", micros);
        text.append(buffer.data(), static_cast<std::size_t>(size));
        while (text.ends_with('0')) {
            text.pop_back();
        }
    }
    text += separator == 'T' ? "Z" : "+00";
    if (before_christ) {
        text += " BC";
    }
    return text;
}

std::optional<tradecore::timestamptz> timestamptz_from_text(std::string_view text) noexcept
{
    const auto p = read_parts(text);
    if (!p || p->month < 1 || p->month > 12 || p->day < 1 || p->day > days_in_month(p->year, p->month)) {
        return std::nullopt;
    }
    const std::int64_t seconds = days_from_civil(p->year, p->month, p->day) * 86'400 + std::int64_t{p->hour} * 3600 +
                                 std::int64_t{p->minute} * 60 + p->second - p->offset;
    std::int64_t micros = 0;
    if (__builtin_mul_overflow(seconds, std::int64_t{1'000'000}, &micros) ||
        __builtin_add_overflow(micros, p->micros, &micros)) {
        return std::nullopt;
    }
    return tradecore::timestamptz(microseconds(micros));
}

} // namespace tradecore::pg::detail
