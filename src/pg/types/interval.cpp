// SPDX-License-Identifier: Apache-2.0
#include "pg/types/interval_reader.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/interval.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <iterator>

namespace tradecore::pg {

std::optional<interval> interval::parse(std::string_view text) noexcept
{
    return detail::interval_reader(text).run();
}

std::string interval::to_string() const
{
    std::string text;
    bool after_negative = false;
    const auto append_part = [&](std::int64_t value, std::string_view unit) {
        if (value != 0) {
            // After a negative part the sign of a positive one is written out.
            fmt::format_to(
                std::back_inserter(text), "{}{}{} {}{}", text.empty() ? "" : " ",
                after_negative && value > 0 ? "+" : "", value, unit, value == 1 ? "" : "s");
            after_negative = value < 0;
        }
    };
    append_part(months / 12, "year");
    append_part(months % 12, "mon");
    append_part(days, "day");
    const std::int64_t micros = time.count();
    if (micros == 0 && !text.empty()) {
        return text;
    }
    // Part by part, because the lowest value has no positive counterpart.
    const std::int64_t seconds = micros / 1'000'000;
    fmt::format_to(
        std::back_inserter(text), "{}{}{:02}:{:02}:{:02}", text.empty() ? "" : " ",
        micros < 0       ? "-"
        : after_negative ? "+"
                         : "",
        std::abs(seconds / 3600), std::abs(seconds / 60 % 60), std::abs(seconds % 60));
    if (const auto fraction = std::abs(micros % 1'000'000); fraction != 0) {
        fmt::format_to(std::back_inserter(text), ".{:06}", fraction);
        while (text.back() == '0') {
            text.pop_back();
        }
    }
    return text;
}

std::optional<interval> detail::value_codec<interval>::from_wire(std::string_view bytes) noexcept
{
    if (bytes.size() != 16) {
        return std::nullopt;
    }
    return interval{
        .months = load<std::int32_t>(bytes, 12),
        .days = load<std::int32_t>(bytes, 8),
        .time = std::chrono::microseconds(load<std::int64_t>(bytes))};
}

void detail::value_codec<interval>::to_wire(const interval& value, parameter_writer& to)
{
    to.append(static_cast<std::int64_t>(value.time.count()));
    to.append(value.days);
    to.append(value.months);
}

} // namespace tradecore::pg
