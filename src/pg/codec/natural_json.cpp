// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/natural_json.hpp"

#include "pg/codec/natural_reader.hpp"
#include "pg/codec/scalar_text.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/type_names.hpp>

#include <boost/json/serialize.hpp>

#include <bit>

namespace tradecore::pg::detail {

namespace {

void append_string(std::string& out, std::string_view text)
{
    out += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

void append_structure(std::string& out, const natural_value& value)
{
    auto rest = value.bytes;
    const auto& shape = take_shape(rest);
    out += '{';
    for (std::size_t i = 0; i < shape.members.size(); ++i) {
        const auto member = take_member(rest, value.position);
        if (i > 0) {
            out += ',';
        }
        append_string(out, shape.members[i]);
        out += ':';
        if (member.type == 0) {
            out += "null";
            continue;
        }
        try {
            append_natural_json(out, member);
        }
        catch (const json_mismatch& mismatch) {
            throw mismatch.below(shape.members[i]);
        }
    }
    out += '}';
}

void append_level(std::string& out, natural_array& array, std::size_t level)
{
    out += '[';
    const auto size = array.dimensions()[level].size;
    for (std::int32_t i = 0; i < size; ++i) {
        if (i > 0) {
            out += ',';
        }
        if (level + 1 < array.dimensions().size()) {
            append_level(out, array, level + 1);
            continue;
        }
        const auto element = array.next();
        if (!element) {
            out += "null";
            continue;
        }
        try {
            append_natural_json(out, *element);
        }
        catch (const json_mismatch& mismatch) {
            throw mismatch.below(json_step(static_cast<std::size_t>(i)));
        }
    }
    out += ']';
}

void append_float(std::string& out, double value)
{
    out += boost::json::serialize(json_of(value));
}

} // namespace

void append_natural_json(std::string& out, const natural_value& value)
{
    switch (value.type) {
    case natural::structure:
        return append_structure(out, value);
    case natural::array: {
        natural_array array(value);
        if (array.dimensions().empty()) {
            out += "[]";
            return;
        }
        return append_level(out, array, 0);
    }
    case natural::label: {
        auto rest = value.bytes;
        (void)take_shape(rest);
        return append_string(out, rest);
    }
    case natural::dual: {
        const auto both = split_dual(value);
        if (!both.json) {
            throw json_mismatch("", "the value has no JSON");
        }
        out += *both.json;
        return;
    }
    case oids::bool_:
    case oids::int2:
    case oids::int4:
    case oids::int8:
        return append_scalar_text(out, value.type, value.bytes, std::string::npos);
    case oids::float4:
        return append_float(out, static_cast<double>(std::bit_cast<float>(load<std::int32_t>(value.bytes))));
    case oids::float8:
        return append_float(out, std::bit_cast<double>(load<std::int64_t>(value.bytes)));
    case oids::jsonb:
        out += value.bytes;
        return;
    case oids::timestamptz:
        if (const auto instant = timestamptz_from_wire(load<std::int64_t>(value.bytes))) {
            append_string(out, timestamptz_to_text(*instant, 'T'));
        }
        return;
    case oids::text:
        return append_string(out, value.bytes);
    case oids::uuid:
    case oids::numeric: {
        std::string text;
        append_scalar_text(text, value.type, value.bytes, std::string::npos);
        return append_string(out, text);
    }
    default:
        throw json_mismatch("", "the value has no JSON");
    }
}

} // namespace tradecore::pg::detail
