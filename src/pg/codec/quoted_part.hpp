// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// Appends a part in quotes, as composite, array, range and hstore literals have it.
inline void append_quoted_part(std::string& out, std::string_view text)
{
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
}

} // namespace tradecore::pg::detail
