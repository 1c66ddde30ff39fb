// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_scanner.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/geometry.hpp>

#include <bit>
#include <cstdint>
#include <limits>

namespace tradecore::pg {

namespace {

using detail::text_scanner;

double load_double(std::string_view bytes, std::size_t index) noexcept
{
    return std::bit_cast<double>(detail::load<std::int64_t>(bytes, index * 8));
}

point load_point(std::string_view bytes, std::size_t index) noexcept
{
    return {load_double(bytes, index * 2), load_double(bytes, index * 2 + 1)};
}

void append_point(parameter_writer& to, const point& value)
{
    detail::append_double(to, value.x);
    detail::append_double(to, value.y);
}

std::string join(const std::vector<point>& points)
{
    std::string text;
    for (const auto& each : points) {
        if (!text.empty()) {
            text += ',';
        }
        text += each.to_string();
    }
    return text;
}

// std::from_chars knows the server's NaN and Infinity.
bool read_point(text_scanner& from, point& value) noexcept
{
    return from.skip('(') && from.number(value.x) && from.skip(',') && from.number(value.y) && from.skip(')');
}

bool read_two(text_scanner& from, point& first, point& second) noexcept
{
    return read_point(from, first) && from.skip(',') && read_point(from, second);
}

// Reads points up to the character that closes them.
bool read_points(text_scanner& from, char close, std::vector<point>& points)
{
    if (from.skip(close)) {
        return from.done();
    }
    do {
        if (!read_point(from, points.emplace_back())) {
            return false;
        }
    } while (from.skip(','));
    return from.skip(close) && from.done();
}

// A number of points, and those.
std::optional<std::vector<point>> load_points(std::string_view bytes)
{
    if (bytes.size() < 4) {
        return std::nullopt;
    }
    const auto count = detail::load<std::int32_t>(bytes);
    bytes.remove_prefix(4);
    if (count < 0 || bytes.size() % 16 != 0 || bytes.size() / 16 != static_cast<std::size_t>(count)) {
        return std::nullopt;
    }
    std::vector<point> points(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < points.size(); ++i) {
        points[i] = load_point(bytes, i);
    }
    return points;
}

void append_points(parameter_writer& to, const std::vector<point>& points)
{
    if (points.size() > std::numeric_limits<std::int32_t>::max()) {
        to.refuse("the points are more than the server takes");
    }
    to.append(static_cast<std::int32_t>(points.size()));
    for (const auto& each : points) {
        append_point(to, each);
    }
}

} // namespace

std::optional<point> point::parse(std::string_view text) noexcept
{
    text_scanner from(text);
    point value;
    return read_point(from, value) && from.done() ? std::optional(value) : std::nullopt;
}

std::string point::to_string() const
{
    return "(" + detail::float_to_text(x) + "," + detail::float_to_text(y) + ")";
}

std::optional<line> line::parse(std::string_view text) noexcept
{
    text_scanner from(text);
    line value;
    const bool read = from.skip('{') && from.number(value.a) && from.skip(',') && from.number(value.b) &&
                      from.skip(',') && from.number(value.c) && from.skip('}') && from.done();
    return read ? std::optional(value) : std::nullopt;
}

std::string line::to_string() const
{
    return "{" + detail::float_to_text(a) + "," + detail::float_to_text(b) + "," + detail::float_to_text(c) + "}";
}

std::optional<line_segment> line_segment::parse(std::string_view text) noexcept
{
    text_scanner from(text);
    line_segment value;
    const bool read = from.skip('[') && read_two(from, value.from, value.to) && from.skip(']') && from.done();
    return read ? std::optional(value) : std::nullopt;
}

std::string line_segment::to_string() const
{
    return "[" + from.to_string() + "," + to.to_string() + "]";
}

std::optional<box> box::parse(std::string_view text) noexcept
{
    text_scanner from(text);
    box value;
    return read_two(from, value.high, value.low) && from.done() ? std::optional(value) : std::nullopt;
}

std::string box::to_string() const
{
    return high.to_string() + "," + low.to_string();
}

std::optional<path> path::parse(std::string_view text)
{
    text_scanner from(text);
    path value;
    value.closed = from.skip('(');
    if (!value.closed && !from.skip('[')) {
        return std::nullopt;
    }
    return read_points(from, value.closed ? ')' : ']', value.points) ? std::optional(std::move(value)) : std::nullopt;
}

std::string path::to_string() const
{
    return (closed ? "(" : "[") + join(points) + (closed ? ")" : "]");
}

std::optional<polygon> polygon::parse(std::string_view text)
{
    text_scanner from(text);
    polygon value;
    const bool read = from.skip('(') && read_points(from, ')', value.points);
    return read ? std::optional(std::move(value)) : std::nullopt;
}

std::string polygon::to_string() const
{
    return "(" + join(points) + ")";
}

std::optional<circle> circle::parse(std::string_view text) noexcept
{
    text_scanner from(text);
    circle value;
    const bool read = from.skip('<') && read_point(from, value.center) && from.skip(',') && from.number(value.radius) &&
                      from.skip('>') && from.done();
    return read ? std::optional(value) : std::nullopt;
}

std::string circle::to_string() const
{
    return "<" + center.to_string() + "," + detail::float_to_text(radius) + ">";
}

namespace detail {

std::optional<point> value_codec<point>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 16 ? std::optional(load_point(bytes, 0)) : std::nullopt;
}

void value_codec<point>::to_wire(const point& value, parameter_writer& to)
{
    append_point(to, value);
}

std::optional<line> value_codec<line>::from_wire(std::string_view bytes) noexcept
{
    if (bytes.size() != 24) {
        return std::nullopt;
    }
    return line{load_double(bytes, 0), load_double(bytes, 1), load_double(bytes, 2)};
}

void value_codec<line>::to_wire(const line& value, parameter_writer& to)
{
    append_double(to, value.a);
    append_double(to, value.b);
    append_double(to, value.c);
}

std::optional<line_segment> value_codec<line_segment>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 32 ? std::optional(line_segment{load_point(bytes, 0), load_point(bytes, 1)}) : std::nullopt;
}

void value_codec<line_segment>::to_wire(const line_segment& value, parameter_writer& to)
{
    append_point(to, value.from);
    append_point(to, value.to);
}

std::optional<box> value_codec<box>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 32 ? std::optional(box{load_point(bytes, 0), load_point(bytes, 1)}) : std::nullopt;
}

void value_codec<box>::to_wire(const box& value, parameter_writer& to)
{
    append_point(to, value.high);
    append_point(to, value.low);
}

std::optional<path> value_codec<path>::from_wire(std::string_view bytes)
{
    if (bytes.empty()) {
        return std::nullopt;
    }
    auto points = load_points(bytes.substr(1));
    return points ? std::optional(path{*std::move(points), bytes.front() != '\0'}) : std::nullopt;
}

void value_codec<path>::to_wire(const path& value, parameter_writer& to)
{
    to.append(static_cast<std::int8_t>(value.closed ? 1 : 0));
    append_points(to, value.points);
}

std::optional<polygon> value_codec<polygon>::from_wire(std::string_view bytes)
{
    auto points = load_points(bytes);
    return points ? std::optional(polygon{*std::move(points)}) : std::nullopt;
}

void value_codec<polygon>::to_wire(const polygon& value, parameter_writer& to)
{
    append_points(to, value.points);
}

std::optional<circle> value_codec<circle>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 24 ? std::optional(circle{load_point(bytes, 0), load_double(bytes, 2)}) : std::nullopt;
}

void value_codec<circle>::to_wire(const circle& value, parameter_writer& to)
{
    append_point(to, value.center);
    append_double(to, value.radius);
}

} // namespace detail
} // namespace tradecore::pg
