// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/trace_context.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace tradecore::observe {

namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t length_of_version_0 = 55;
constexpr std::uint8_t invalid_version = 0xff;

/// @returns the value of a digit, 16 for what is none; capital letters are none here.
constexpr std::uint8_t value_of(char digit) noexcept
{
    if (digit >= '0' && digit <= '9')
        return static_cast<std::uint8_t>(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return static_cast<std::uint8_t>(digit - 'a' + 10);
    return 16;
}

/// Takes two digits for each byte of `into`. @returns whether they were there.
bool take_bytes(std::string_view& from, std::span<std::uint8_t> into) noexcept
{
    if (from.size() < 2 * into.size())
        return false;
    for (auto& byte : into) {
        const auto high = value_of(from[0]);
        const auto low = value_of(from[1]);
        if (high > 15 || low > 15)
            return false;
        byte = static_cast<std::uint8_t>(high << 4U | low);
        from.remove_prefix(2);
    }
    return true;
}

bool take_dash(std::string_view& from) noexcept
{
    if (!from.starts_with('-'))
        return false;
    from.remove_prefix(1);
    return true;
}

void append_bytes(std::string& to, std::span<const std::uint8_t> bytes)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    for (const auto byte : bytes) {
        to += digits[byte >> 4U];
        to += digits[byte & 0x0fU];
    }
}

bool is_zero(std::span<const std::uint8_t> bytes) noexcept
{
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

} // namespace

bool trace_context::is_valid() const noexcept
{
    return !is_zero(trace_id) && !is_zero(span_id);
}

std::optional<trace_context> parse_traceparent(std::string_view header) noexcept
{
    const auto size = header.size();
    trace_context read;
    std::array<std::uint8_t, 1> version{};
    std::array<std::uint8_t, 1> flags{};
    if (!take_bytes(header, version) || !take_dash(header) || !take_bytes(header, read.trace_id) ||
        !take_dash(header) || !take_bytes(header, read.span_id) || !take_dash(header) || !take_bytes(header, flags))
        return std::nullopt;
    const bool is_newer = version[0] != 0;
    // What a newer version adds stands behind another dash.
    const bool ends_well = size == length_of_version_0 || (is_newer && header.starts_with('-'));
    if (version[0] == invalid_version || !ends_well || !read.is_valid())
        return std::nullopt;
    // Of a newer version's flags only this one is promised to mean the same.
    const unsigned known = is_newer ? trace_context::sampled : trace_context::sampled | trace_context::random;
    read.flags = static_cast<std::uint8_t>(flags[0] & known);
    return read;
}

std::string to_traceparent(const trace_context& context)
{
    std::string text;
    text.reserve(length_of_version_0);
    text += "00-";
    append_bytes(text, context.trace_id);
    text += '-';
    append_bytes(text, context.span_id);
    text += '-';
    const std::array<std::uint8_t, 1> flags{
        static_cast<std::uint8_t>(context.flags & (trace_context::sampled | trace_context::random))};
    append_bytes(text, flags);
    return text;
}

} // namespace tradecore::observe
