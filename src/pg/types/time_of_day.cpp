// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/date_time_text.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/time_of_day.hpp>

namespace tradecore::pg {

namespace {

constexpr int offset_limit = 16 * 3600;

std::optional<time_of_day> from_micros(std::int64_t micros)
{
    if (micros < 0 || micros > detail::micros_per_day) {
        return std::nullopt;
    }
    return time_of_day(std::chrono::microseconds(micros));
}

} // namespace

std::optional<time_of_day> time_of_day::parse(std::string_view text) noexcept
{
    detail::text_scanner from(text);
    std::int64_t micros = 0;
    if (!detail::read_time(from, micros, 24) || !from.done()) {
        return std::nullopt;
    }
    return from_micros(micros);
}

std::string time_of_day::to_string() const
{
    std::string text;
    detail::append_time(text, since_midnight_.count());
    return text;
}

std::optional<zoned_time_of_day> zoned_time_of_day::parse(std::string_view text) noexcept
{
    detail::text_scanner from(text);
    std::int64_t micros = 0;
    int offset = 0;
    if (!detail::read_time(from, micros, 24) || !detail::read_offset(from, offset) || !from.done() ||
        offset <= -offset_limit || offset >= offset_limit) {
        return std::nullopt;
    }
    return zoned_time_of_day(time_of_day(std::chrono::microseconds(micros)), std::chrono::seconds(offset));
}

std::string zoned_time_of_day::to_string() const
{
    std::string text = time_.to_string();
    detail::append_offset(text, static_cast<int>(offset_.count()));
    return text;
}

namespace detail {

std::optional<time_of_day> value_codec<time_of_day>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 8 ? from_micros(load<std::int64_t>(bytes)) : std::nullopt;
}

void value_codec<time_of_day>::to_wire(const time_of_day& value, parameter_writer& to)
{
    to.append(static_cast<std::int64_t>(value.since_midnight().count()));
}

// The offset travels as seconds west of UTC.
std::optional<zoned_time_of_day> value_codec<zoned_time_of_day>::from_wire(std::string_view bytes) noexcept
{
    if (bytes.size() != 12) {
        return std::nullopt;
    }
    const auto time = from_micros(load<std::int64_t>(bytes));
    const auto west = load<std::int32_t>(bytes, 8);
    if (!time || west <= -offset_limit || west >= offset_limit) {
        return std::nullopt;
    }
    return zoned_time_of_day(*time, std::chrono::seconds(-west));
}

void value_codec<zoned_time_of_day>::to_wire(const zoned_time_of_day& value, parameter_writer& to)
{
    value_codec<time_of_day>::to_wire(value.time(), to);
    to.append(static_cast<std::int32_t>(-value.offset().count()));
}

} // namespace detail
} // namespace tradecore::pg
