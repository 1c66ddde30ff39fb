// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/readers.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace tradecore::pg::conninfo {

namespace {

constexpr std::string_view blanks = " \t\n\v\f\r";

std::string_view trim(std::string_view text)
{
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct unit {
    std::string_view name;
    std::int64_t factor;
};

// Units are case-sensitive, as in the server: mB would be as near to milli as to mega.
template <std::size_t n>
std::optional<std::int64_t> read_quantity(std::string_view text, const unit (&units)[n])
{
    text = trim(text);
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || number < 0)
        return std::nullopt;
    const auto name = trim(text.substr(static_cast<std::size_t>(end - text.data())));
    for (const auto& [known, factor] : units) {
        if (name == known && number <= std::numeric_limits<std::int64_t>::max() / factor)
            return number * factor;
    }
    return std::nullopt;
}

} // namespace

int read_integer(std::string_view text, int least, int most)
{
    auto digits = trim(text);
    if (digits.starts_with('+') && !digits.starts_with("+-"))
        digits.remove_prefix(1);
    int number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failed != std::errc{} || end != digits.data() + digits.size() || number < least || number > most)
        throw bad_value("must be a number from " + std::to_string(least) + " to " + std::to_string(most));
    return number;
}

int read_integer(std::string_view text)
{
    return read_integer(text, std::numeric_limits<int>::min(), std::numeric_limits<int>::max());
}

std::chrono::milliseconds read_duration(std::string_view text)
{
    static constexpr unit units[]{{"", 1},         {"ms", 1},        {"s", 1'000},
                                  {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
    const auto number = read_quantity(text, units);
    // The server's own settings end here, too.
    if (!number || *number > std::numeric_limits<std::int32_t>::max())
        throw bad_value(
            "must be a number of milliseconds, or one with a unit of ms, s, min, h or d, of at most 24 days");
    return std::chrono::milliseconds(*number);
}

std::size_t read_size(std::string_view text)
{
    static constexpr unit units[]{{"", 1}, {"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}};
    const auto number = read_quantity(text, units);
    if (!number)
        throw bad_value("must be a number of bytes, or one with a unit of B, kB, MB or GB");
    return static_cast<std::size_t>(*number);
}

bool read_flag(std::string_view text)
{
    for (const auto word : {"1", "on", "yes", "true"}) {
        if (same_ignoring_case(text, word))
            return true;
    }
    for (const auto word : {"0", "off", "no", "false"}) {
        if (same_ignoring_case(text, word))
            return false;
    }
    throw bad_value("must be 0 or 1");
}

bool same_ignoring_case(std::string_view left, std::string_view right) noexcept
{
    return std::equal(
        left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) { return lower(a) == lower(b); });
}

} // namespace tradecore::pg::conninfo
