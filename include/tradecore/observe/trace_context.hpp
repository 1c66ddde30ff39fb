// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::observe {

/// What: which trace work belongs to, and which span of it the work is part of; what the header `traceparent` carries.
/// Source: W3C Trace Context, https://www.w3.org/TR/trace-context-2/
struct trace_context {
    static constexpr std::uint8_t sampled = 0x01;
    static constexpr std::uint8_t random = 0x02;

    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    /// `sampled`: whoever began the trace may be recording it; `random`: the id of the trace was drawn at random.
    std::uint8_t flags = 0;

    bool operator==(const trace_context&) const = default;

    /// What: whether neither id is all zeroes, which stand for no trace.
    [[nodiscard]] bool is_valid() const noexcept;
    [[nodiscard]] bool is_sampled() const noexcept { return (flags & sampled) != 0; }
};

/// What: reads a `traceparent` as it came in. The value of a newer version is read as far as this one knows it.
/// Returns: nothing for one that is not valid, which means that a trace begins here; flags that are not known here are
/// left out.
/// Errors: none. Thread safety: any thread.
[[nodiscard]] std::optional<trace_context> parse_traceparent(std::string_view header) noexcept;

/// What: the value to hand on, 55 characters of version 00: lower-case hexadecimal digits and dashes, nothing else.
/// Errors: std::bad_alloc.
[[nodiscard]] std::string to_traceparent(const trace_context& context);

} // namespace tradecore::observe
