// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// PostgreSQL's plane geometry. Coordinates are doubles, bit for bit; equality is that of the numbers, where
// the server's own operators forgive a difference of 1e-6.

namespace tradecore::pg {

struct point {
    double x = 0;
    double y = 0;

    [[nodiscard]] static std::optional<point> parse(std::string_view text) noexcept;
    /// @returns "(1,2)", as the server prints it; so with the others.
    [[nodiscard]] std::string to_string() const;
    friend constexpr bool operator==(const point&, const point&) = default;
};

/// The points with a·x + b·y + c = 0; the server refuses one where a and b are both 0.
struct line {
    double a = 0;
    double b = 0;
    double c = 0;

    [[nodiscard]] static std::optional<line> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string to_string() const;
    friend constexpr bool operator==(const line&, const line&) = default;
};

/// A part of a line, between two points. (`lseg`)
struct line_segment {
    point from;
    point to;

    [[nodiscard]] static std::optional<line_segment> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string to_string() const;
    friend constexpr bool operator==(const line_segment&, const line_segment&) = default;
};

/// A rectangle by its upper right and lower left corners; the server sorts other ones into these.
struct box {
    point high;
    point low;

    [[nodiscard]] static std::optional<box> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string to_string() const;
    friend constexpr bool operator==(const box&, const box&) = default;
};

/// A row of points, with a way back from the last to the first if it is closed. The server has none
/// without points.
struct path {
    std::vector<point> points;
    bool closed = false;

    [[nodiscard]] static std::optional<path> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const path&, const path&) = default;
};

/// The corners of an area. The server has none without corners.
struct polygon {
    std::vector<point> points;

    [[nodiscard]] static std::optional<polygon> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const polygon&, const polygon&) = default;
};

struct circle {
    point center;
    /// Not negative: the server refuses it.
    double radius = 0;

    [[nodiscard]] static std::optional<circle> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string to_string() const;
    friend constexpr bool operator==(const circle&, const circle&) = default;
};

namespace detail {

template <>
struct value_codec<point> {
    static constexpr std::string_view name = "tradecore::pg::point";
    static constexpr oid type = oids::point;
    static std::optional<point> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const point& value, parameter_writer& to);
};
template <>
struct value_codec<line> {
    static constexpr std::string_view name = "tradecore::pg::line";
    static constexpr oid type = oids::line;
    static std::optional<line> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const line& value, parameter_writer& to);
};
template <>
struct value_codec<line_segment> {
    static constexpr std::string_view name = "tradecore::pg::line_segment";
    static constexpr oid type = oids::lseg;
    static std::optional<line_segment> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const line_segment& value, parameter_writer& to);
};
template <>
struct value_codec<box> {
    static constexpr std::string_view name = "tradecore::pg::box";
    static constexpr oid type = oids::box;
    static std::optional<box> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const box& value, parameter_writer& to);
};
template <>
struct value_codec<path> {
    static constexpr std::string_view name = "tradecore::pg::path";
    static constexpr oid type = oids::path;
    static std::optional<path> from_wire(std::string_view bytes);
    static void to_wire(const path& value, parameter_writer& to);
};
template <>
struct value_codec<polygon> {
    static constexpr std::string_view name = "tradecore::pg::polygon";
    static constexpr oid type = oids::polygon;
    static std::optional<polygon> from_wire(std::string_view bytes);
    static void to_wire(const polygon& value, parameter_writer& to);
};
template <>
struct value_codec<circle> {
    static constexpr std::string_view name = "tradecore::pg::circle";
    static constexpr oid type = oids::circle;
    static std::optional<circle> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const circle& value, parameter_writer& to);
};

} // namespace detail
} // namespace tradecore::pg
