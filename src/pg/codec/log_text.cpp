// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/log_text.hpp"

#include "pg/codec/natural_json.hpp"
#include "pg/codec/natural_reader.hpp"
#include "pg/codec/quoted_part.hpp"
#include "pg/codec/scalar_text.hpp"
#include "pg/codec/structured_text.hpp"

#include <tradecore/pg/codec/natural.hpp>

namespace tradecore::pg::detail {

void append_log_text(std::string& out, const natural_value& value, std::size_t limit)
{
    switch (value.type) {
    case natural::array: {
        natural_array array(value);
        std::string text;
        (void)append_braces(out, array, 0, ',', [&](const natural_value& item) {
            text.clear();
            append_log_text(text, item, limit);
            append_quoted_part(out, text);
            return out.size() < limit;
        });
        return;
    }
    case natural::structure:
        try {
            std::string json;
            append_natural_json(json, value);
            out += json;
        }
        catch (const json_mismatch&) {
            auto bytes = value.bytes;
            out += take_shape(bytes).cpp_name;
        }
        return;
    case natural::range:
        (void)append_range_literal(out, value, [&](std::string& text, const natural_value& bound) {
            append_log_text(text, bound, limit);
            return true;
        });
        return;
    case natural::tuple: {
        auto rest = value.bytes;
        (void)take_shape(rest);
        const char* before = "(";
        while (!rest.empty()) {
            out += before;
            before = ",";
            const auto member = take_member(rest, value.position);
            if (member.type != 0) {
                append_log_text(out, member, limit);
            }
        }
        out += ')';
        return;
    }
    case natural::label: {
        auto label = value.bytes;
        (void)take_shape(label);
        out += label;
        return;
    }
    case natural::dual:
        return append_log_text(out, split_dual(value).sql, limit);
    case natural::named: {
        auto bytes = value.bytes;
        out += take_shape(bytes).cpp_name;
        return;
    }
    default:
        return append_scalar_text(out, value.type, value.bytes, limit);
    }
}

} // namespace tradecore::pg::detail
