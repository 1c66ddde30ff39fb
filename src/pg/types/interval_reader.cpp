// SPDX-License-Identifier: Apache-2.0
#include "pg/types/interval_reader.hpp"

#include <array>
#include <limits>
#include <utility>

namespace tradecore::pg::detail {

namespace {

constexpr std::int64_t second = 1'000'000;

struct unit_name {
    std::string_view word;
    char unit;
};

// The words of postgres and postgres_verbose, without the s of the plural.
constexpr std::array<unit_name, 6> unit_names = {
    {{"year", 'Y'}, {"mon", 'M'}, {"day", 'D'}, {"hour", 'h'}, {"min", 'm'}, {"sec", 's'}}};

} // namespace

std::optional<interval> interval_reader::run() noexcept
{
    const bool read = from_.skip('P') ? read_iso() : read_words();
    return read ? result() : std::nullopt;
}

// P1Y2M3DT4H5M6.789S
bool interval_reader::read_iso() noexcept
{
    bool in_time = false;
    if (from_.done()) {
        return false;
    }
    while (!from_.done()) {
        if (!in_time && from_.skip('T')) {
            in_time = true;
        }
        number value;
        if (!read_number(value)) {
            return false;
        }
        char unit = '\0';
        for (const char candidate : std::string_view(in_time ? "HMS" : "YMWD")) {
            if (from_.skip(candidate)) {
                unit = in_time ? static_cast<char>(candidate - 'A' + 'a') : candidate;
                break;
            }
        }
        if (!add(unit, value)) {
            return false;
        }
    }
    return true;
}

// 1 year -2 mons +04:05:06, @ 1 hour 5 mins ago, 1-2 3 4:05:06
bool interval_reader::read_words() noexcept
{
    const bool verbose = from_.skip("@ ");
    if (from_.done()) {
        return false;
    }
    while (read_token()) {
        if (from_.done()) {
            return true;
        }
        if (!from_.skip(' ')) {
            return false;
        }
        if (verbose && from_.skip("ago") && from_.done()) {
            months_ = -months_;
            days_ = -days_;
            micros_ = -micros_;
            return true;
        }
    }
    return false;
}

// A number with what belongs to it: a unit, -months, :minutes, or nothing.
bool interval_reader::read_token() noexcept
{
    number value;
    if (!read_number(value)) {
        return false;
    }
    if (first_) {
        leading_minus_ = value.negative;
        first_ = false;
    }
    if (value.millionths == 0 && from_.peek() == '-') {
        (void)from_.skip('-');
        std::int64_t months = 0;
        if (!from_.digits(months, 1, 2) || months > 11) {
            return false;
        }
        months_ += wide{value.whole} * 12 + (value.negative ? -months : months);
        return true;
    }
    // Without a sign of its own a field of sql_standard takes the one at the beginning.
    const bool inherits = leading_minus_ && !value.is_signed;
    if (from_.peek() == ':') {
        if (inherits) {
            value.whole = -value.whole;
            value.negative = true;
        }
        return read_clock(value);
    }
    const auto unit_follows =
        text_scanner(from_).skip(' ') && from_.rest().size() > 1 && from_.rest()[1] >= 'a' && from_.rest()[1] <= 'z';
    if (unit_follows) {
        (void)from_.skip(' ');
        leading_minus_ = false; // units mean one of the other styles
        for (const auto& [word, unit] : unit_names) {
            if (from_.skip(word)) {
                (void)from_.skip('s');
                return add(unit, value);
            }
        }
        return false;
    }
    // A number alone: days before a time, or "0" for nothing at all.
    if (value.millionths != 0 || (from_.done() && value.whole != 0)) {
        return false;
    }
    days_ += inherits ? -value.whole : value.whole;
    return true;
}

bool interval_reader::read_number(number& value) noexcept
{
    value.negative = from_.skip('-');
    value.is_signed = value.negative || from_.skip('+');
    if (!from_.digits(value.whole, 1, 18) || !from_.fraction(value.millionths)) {
        return false;
    }
    if (value.negative) {
        value.whole = -value.whole;
        value.millionths = -value.millionths;
    }
    return true;
}

bool interval_reader::read_clock(const number& hours) noexcept
{
    int minutes = 0;
    int seconds = 0;
    int fraction = 0;
    if (hours.millionths != 0 || !from_.skip(':') || !from_.digits(minutes, 2, 2) ||
        (from_.skip(':') && (!from_.digits(seconds, 2, 2) || !from_.fraction(fraction))) || minutes > 59 ||
        seconds > 59) {
        return false;
    }
    const std::int64_t rest = (std::int64_t{minutes} * 60 + seconds) * second + fraction;
    micros_ += wide{hours.whole} * 3600 * second + (hours.negative ? -rest : rest);
    return true;
}

bool interval_reader::add(char unit, const number& value) noexcept
{
    const wide whole = value.whole;
    if (unit != 's' && value.millionths != 0) {
        return false;
    }
    switch (unit) {
    case 'Y':
        months_ += whole * 12;
        return true;
    case 'M':
        months_ += whole;
        return true;
    case 'W':
        days_ += whole * 7;
        return true;
    case 'D':
        days_ += whole;
        return true;
    case 'h':
        micros_ += whole * 3600 * second;
        return true;
    case 'm':
        micros_ += whole * 60 * second;
        return true;
    case 's':
        micros_ += whole * second + value.millionths;
        return true;
    default:
        return false;
    }
}

std::optional<interval> interval_reader::result() const noexcept
{
    const auto fits = [](wide value, auto example) {
        using limits = std::numeric_limits<decltype(example)>;
        return value >= limits::min() && value <= limits::max();
    };
    if (!fits(months_, std::int32_t{}) || !fits(days_, std::int32_t{}) || !fits(micros_, std::int64_t{})) {
        return std::nullopt;
    }
    return interval{
        .months = static_cast<std::int32_t>(months_),
        .days = static_cast<std::int32_t>(days_),
        .time = std::chrono::microseconds(static_cast<std::int64_t>(micros_))};
}

} // namespace tradecore::pg::detail
