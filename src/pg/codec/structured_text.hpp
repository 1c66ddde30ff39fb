// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/natural_reader.hpp"
#include "pg/codec/quoted_part.hpp"

#include <tradecore/pg/codec/range_traits.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

// The punctuation of literals that have parts.
namespace tradecore::pg::detail {

/// The braces of an array literal; `append_element` appends one element and says whether to go on.
template <class AppendElement>
bool append_braces(
    std::string& out, natural_array& array, std::size_t level, char delimiter, AppendElement append_element)
{
    out += '{';
    const auto size = array.dimensions().empty() ? 0 : array.dimensions()[level].size;
    for (std::int32_t i = 0; i < size; ++i) {
        if (i > 0) {
            out += delimiter;
        }
        if (level + 1 < array.dimensions().size()) {
            if (!append_braces(out, array, level + 1, delimiter, append_element)) {
                return false;
            }
            continue;
        }
        const auto item = array.next();
        if (!item) {
            out += "NULL";
        }
        else if (!append_element(*item)) {
            return false;
        }
    }
    out += '}';
    return true;
}

/// The literal of a range; `append_bound` appends a bound and says whether it could.
template <class AppendBound>
bool append_range_literal(std::string& out, const natural_value& value, AppendBound append_bound)
{
    const auto range = read_range(value);
    if ((range.flags & range_empty) != 0) {
        out += "empty";
        return true;
    }
    out += (range.flags & range_lower_within) != 0 ? '[' : '(';
    const char* after = ",";
    std::string text;
    for (const auto& bound : {range.lower, range.upper}) {
        if (bound) {
            text.clear();
            if (!append_bound(text, *bound)) {
                return false;
            }
            append_quoted_part(out, text);
        }
        out += after;
        after = "";
    }
    out += (range.flags & range_upper_within) != 0 ? ']' : ')';
    return true;
}

} // namespace tradecore::pg::detail
