// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/date_time_text.hpp"

#include <tradecore/pg/codec/timestamp_wire.hpp>

#include <chrono>
#include <limits>

namespace tradecore::pg::detail {

namespace {

using std::chrono::microseconds;
using local_micros = std::chrono::local_time<microseconds>;

constexpr std::int64_t epoch_2000 = 946'684'800'000'000;
constexpr std::int64_t epoch_2000_days = 10'957;
// MIN_TIMESTAMP of the server's datatype/timestamp.h, 4714-11-24 BC; its end lies beyond ours.
constexpr std::int64_t min_wire = -211'813'488'000'000'000;
// IS_VALID_DATE in the same header: Julian day 0 to before 5874898-06-03.
constexpr std::int64_t min_date = -2'451'545;
constexpr std::int64_t end_date = 2'145'031'949;

std::optional<std::int64_t> to_wire(std::int64_t micros_since_1970) noexcept
{
    std::int64_t wire = 0;
    if (__builtin_sub_overflow(micros_since_1970, epoch_2000, &wire) || wire < min_wire) {
        return std::nullopt;
    }
    return wire;
}

std::optional<std::int64_t> from_wire(std::int64_t micros) noexcept
{
    std::int64_t since_1970 = 0;
    if (micros < min_wire || micros == std::numeric_limits<std::int64_t>::max() ||
        __builtin_add_overflow(micros, epoch_2000, &since_1970)) {
        return std::nullopt;
    }
    return since_1970;
}

// Appends the text up to the offset and " BC".
bool append_date_and_time(std::string& out, std::int64_t micros_since_1970, char separator)
{
    std::int64_t day = micros_since_1970 / micros_per_day;
    std::int64_t within = micros_since_1970 % micros_per_day;
    if (within < 0) {
        within += micros_per_day;
        --day;
    }
    const bool before_christ = append_date(out, day);
    out += separator;
    append_time(out, within);
    return before_christ;
}

// Reads " BC" and the end.
bool read_era(text_scanner& from, civil_date& date) noexcept
{
    if (from.skip(" BC")) {
        date.year = 1 - date.year;
    }
    return from.done() && exists(date);
}

std::optional<std::int64_t> read_timestamp(std::string_view text, bool with_offset) noexcept
{
    text_scanner from(text);
    civil_date date;
    std::int64_t within = 0;
    int offset = 0;
    if (!read_date(from, date) || !(from.skip(' ') || from.skip('T')) || !read_time(from, within, 23) ||
        (with_offset && !read_offset(from, offset)) || !read_era(from, date)) {
        return std::nullopt;
    }
    const std::int64_t rest = within - offset * micros_per_second;
    std::int64_t micros = 0;
    // From the day's end that is nearer to 1970, so that the sum overflows only when the result does.
    std::int64_t day = days_from_civil(date);
    const std::int64_t shift = day < 0 ? 1 : 0;
    if (__builtin_mul_overflow(day + shift, micros_per_day, &micros) ||
        __builtin_add_overflow(micros, rest - shift * micros_per_day, &micros)) {
        return std::nullopt;
    }
    return micros;
}

} // namespace

std::optional<std::int64_t> timestamptz_to_wire(tradecore::timestamptz value) noexcept
{
    return to_wire(value.time_since_epoch().count());
}

std::optional<tradecore::timestamptz> timestamptz_from_wire(std::int64_t micros) noexcept
{
    const auto value = from_wire(micros);
    return value ? std::optional(tradecore::timestamptz(microseconds(*value))) : std::nullopt;
}

std::string timestamptz_to_text(tradecore::timestamptz value, char separator)
{
    std::string text;
    const bool before_christ = append_date_and_time(text, value.time_since_epoch().count(), separator);
    text += separator == 'T' ? "Z" : "+00";
    text += before_christ ? " BC" : "";
    return text;
}

std::optional<tradecore::timestamptz> timestamptz_from_text(std::string_view text) noexcept
{
    const auto value = read_timestamp(text, true);
    return value ? std::optional(tradecore::timestamptz(microseconds(*value))) : std::nullopt;
}

std::optional<std::int64_t> timestamp_to_wire(local_micros value) noexcept
{
    return to_wire(value.time_since_epoch().count());
}

std::optional<local_micros> timestamp_from_wire(std::int64_t micros) noexcept
{
    const auto value = from_wire(micros);
    return value ? std::optional(local_micros(microseconds(*value))) : std::nullopt;
}

std::string timestamp_to_text(local_micros value)
{
    std::string text;
    const bool before_christ = append_date_and_time(text, value.time_since_epoch().count(), ' ');
    text += before_christ ? " BC" : "";
    return text;
}

std::optional<local_micros> timestamp_from_text(std::string_view text) noexcept
{
    const auto value = read_timestamp(text, false);
    return value ? std::optional(local_micros(microseconds(*value))) : std::nullopt;
}

std::optional<std::int32_t> date_to_wire(std::chrono::sys_days value) noexcept
{
    // Far from both limits of 64 bits first, so that the difference cannot overflow.
    const std::int64_t days = value.time_since_epoch().count();
    if (days < min_date || days > end_date + epoch_2000_days) {
        return std::nullopt;
    }
    const std::int64_t wire = days - epoch_2000_days;
    return wire < min_date || wire >= end_date ? std::nullopt : std::optional(static_cast<std::int32_t>(wire));
}

std::optional<std::chrono::sys_days> date_from_wire(std::int32_t days) noexcept
{
    if (days < min_date || days >= end_date) {
        return std::nullopt;
    }
    return std::chrono::sys_days(std::chrono::days(std::int64_t{days} + epoch_2000_days));
}

std::string date_to_text(std::chrono::sys_days value)
{
    std::string text;
    const bool before_christ = append_date(text, value.time_since_epoch().count());
    text += before_christ ? " BC" : "";
    return text;
}

std::optional<std::chrono::sys_days> date_from_text(std::string_view text) noexcept
{
    text_scanner from(text);
    civil_date date;
    if (!read_date(from, date) || !read_era(from, date)) {
        return std::nullopt;
    }
    return std::chrono::sys_days(std::chrono::days(days_from_civil(date)));
}

std::optional<std::int64_t> timestamp_of_date(std::int32_t days) noexcept
{
    if (days == std::numeric_limits<std::int32_t>::max()) {
        return std::numeric_limits<std::int64_t>::max();
    }
    if (days == std::numeric_limits<std::int32_t>::min()) {
        return std::numeric_limits<std::int64_t>::min();
    }
    // END_TIMESTAMP: 294277-01-01.
    constexpr std::int64_t end_timestamp_day = 106'751'983;
    return days >= end_timestamp_day ? std::nullopt : std::optional(days * micros_per_day);
}

} // namespace tradecore::pg::detail
