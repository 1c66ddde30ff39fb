// SPDX-License-Identifier: Apache-2.0
#include "domain/timestamp.hpp"

#include <fmt/format.h>

namespace tradecore::app::domain {

namespace {

class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}

    bool done() const { return at_ == text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }
    void skip() { ++at_; }

    bool take(char wanted)
    {
        if (peek() != wanted)
            return false;
        skip();
        return true;
    }

    void expect(char wanted, std::string_view after)
    {
        if (!take(wanted))
            throw timestamp_syntax(fmt::format("expected '{}' after the {}", wanted, after));
    }

    bool at_digit() const { return peek() >= '0' && peek() <= '9'; }

    int number(int digits, int low, int high, std::string_view what)
    {
        int value = 0;
        for (int i = 0; i < digits; ++i, skip()) {
            if (!at_digit())
                throw timestamp_syntax(fmt::format("the {} needs {} digits", what, digits));
            value = value * 10 + (peek() - '0');
        }
        if (value < low || value > high)
            throw timestamp_syntax(fmt::format("the {} is {}, not {} to {}", what, value, low, high));
        return value;
    }

    // Microseconds; a finer fraction is refused rather than cut, since two ticks could fall together.
    int fraction()
    {
        int value = 0;
        int digits = 0;
        for (; at_digit(); skip(), ++digits) {
            if (digits == 6)
                throw timestamp_syntax("the fraction has more than 6 digits");
            value = value * 10 + (peek() - '0');
        }
        if (digits == 0)
            throw timestamp_syntax("no digit follows the decimal point");
        for (; digits < 6; ++digits)
            value *= 10;
        return value;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

std::chrono::minutes zone(reader& in)
{
    if (in.take('Z') || in.take('z'))
        return std::chrono::minutes{0};
    const bool west = in.peek() == '-';
    if (!west && in.peek() != '+')
        return std::chrono::minutes{0};
    in.skip();
    // No zone lies further from Greenwich; PostgreSQL draws the same line.
    int offset = in.number(2, 0, 15, "zone hour") * 60;
    if (in.take(':') || in.at_digit())
        offset += in.number(2, 0, 59, "zone minute");
    return std::chrono::minutes{west ? -offset : offset};
}

} // namespace

timestamp parse_timestamp(std::string_view text)
{
    if (text.empty())
        throw timestamp_syntax("it is empty");
    reader in(text);
    const int year = in.number(4, 1, 9999, "year");
    in.expect('-', "year");
    const int month = in.number(2, 1, 12, "month");
    in.expect('-', "month");
    const int day = in.number(2, 1, 31, "day");
    const std::chrono::year_month_day date{
        std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
        std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok())
        throw timestamp_syntax(fmt::format("{:04}-{:02} has no day {}", year, month, day));
    timestamp at = std::chrono::sys_days{date};
    if (in.done())
        return at;

    if (!in.take('T') && !in.take('t') && !in.take(' '))
        throw timestamp_syntax("expected 'T' or a space after the date");
    at += std::chrono::hours{in.number(2, 0, 23, "hour")};
    in.expect(':', "hour");
    at += std::chrono::minutes{in.number(2, 0, 59, "minute")};
    if (in.take(':')) {
        at += std::chrono::seconds{in.number(2, 0, 59, "second")};
        if (in.take('.'))
            at += std::chrono::microseconds{in.fraction()};
    }
    at -= zone(in);
    if (!in.done())
        throw timestamp_syntax("unexpected text after the time");
    return at;
}

std::string to_text(timestamp at)
{
    const auto days = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{days};
    const std::chrono::hh_mm_ss time{at - days};
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
        time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

} // namespace tradecore::app::domain
