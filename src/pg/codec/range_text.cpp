// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/range_text.hpp"

#include "pg/codec/scalar_text.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/range_traits.hpp>

#include <cstdint>

namespace tradecore::pg::detail {

namespace {

// As range_bound_escape in the server's rangetypes.c.
void append_bound(std::string& out, std::string_view text)
{
    if (!text.empty() && text.find_first_of("\"\\()[], \t\n\r\v\f") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += c;
        }
        out += c;
    }
    out += '"';
}

} // namespace

void append_range_text(std::string& out, oid element, std::string_view bytes)
{
    const auto flags = static_cast<std::uint8_t>(bytes.front());
    const auto has = [flags](std::uint8_t bit) { return (flags & bit) != 0; };
    if (has(range_empty)) {
        out += "empty";
        return;
    }
    auto rest = bytes.substr(1);
    const auto append_next = [&] {
        const auto length = static_cast<std::size_t>(load<std::int32_t>(rest));
        std::string text;
        append_scalar_text(text, element, rest.substr(4, length), std::string::npos);
        append_bound(out, text);
        rest.remove_prefix(4 + length);
    };
    out += has(range_lower_within) ? '[' : '(';
    if (!has(range_lower_unbounded)) {
        append_next();
    }
    out += ',';
    if (!has(range_upper_unbounded)) {
        append_next();
    }
    out += has(range_upper_within) ? ']' : ')';
}

void append_multirange_text(std::string& out, oid element, std::string_view bytes, std::size_t limit)
{
    out += '{';
    bool first = true;
    for (auto rest = bytes.substr(4); !rest.empty() && out.size() < limit; first = false) {
        const auto length = static_cast<std::size_t>(load<std::int32_t>(rest));
        out += first ? "" : ",";
        append_range_text(out, element, rest.substr(4, length));
        rest.remove_prefix(4 + length);
    }
    out += '}';
}

} // namespace tradecore::pg::detail
