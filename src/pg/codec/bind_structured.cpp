// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_structured.hpp"

#include "pg/codec/bind_refusals.hpp"
#include "pg/codec/bind_values.hpp"
#include "pg/codec/natural_json.hpp"
#include "pg/codec/natural_reader.hpp"
#include "pg/codec/quoted_part.hpp"
#include "pg/codec/scalar_text.hpp"
#include "pg/codec/structured_text.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/natural.hpp>
#include <tradecore/pg/codec/range_traits.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <vector>

namespace tradecore::pg::detail {

namespace {

bool is_json(oid type) noexcept
{
    return type == oids::json || type == oids::jsonb;
}

void append_json_or_refuse(std::string& out, const natural_value& value)
{
    try {
        append_natural_json(out, value);
    }
    catch (const json_mismatch& mismatch) {
        refuse_argument(value, mismatch.what());
    }
}

/// A member and the attribute it is for.
struct assigned {
    natural_value member;
    oid type;
};

// The members in the order of the attributes: a structure's by name, a tuple's by position.
std::vector<assigned> assign_members(const natural_value& value, type_ref composite)
{
    auto rest = value.bytes;
    const auto& shape = take_shape(rest);
    const auto attributes = composite.attributes();
    std::vector<natural_value> members;
    while (!rest.empty()) {
        members.push_back(take_member(rest, value.position));
    }
    std::vector<assigned> all;
    all.reserve(attributes.size());
    if (value.type == natural::tuple) {
        if (members.size() != attributes.size()) {
            refuse_argument(
                value, shape.cpp_name + " has " + std::to_string(members.size()) + " elements, " +
                           composite.describe() + " has " + std::to_string(attributes.size()) + " attributes");
        }
        for (std::size_t i = 0; i < members.size(); ++i) {
            all.push_back({members[i], attributes[i].type});
        }
        return all;
    }
    for (const auto& attribute : attributes) {
        const auto found = std::ranges::find(shape.members, std::string_view(attribute.name));
        if (found == shape.members.end()) {
            refuse_argument(
                value,
                shape.cpp_name + " has no member for attribute \"" + attribute.name + "\" of " + composite.describe());
        }
        all.push_back({members[static_cast<std::size_t>(found - shape.members.begin())], attribute.type});
    }
    for (const auto& member : shape.members) {
        if (std::ranges::find(attributes, member, &type_info::attribute::name) == attributes.end()) {
            refuse_argument(
                value, composite.describe() + " has no attribute for member \"" + std::string(member) + "\" of " +
                           shape.cpp_name);
        }
    }
    return all;
}

// record_send and record_recv in the server's rowtypes.c: number of attributes, then each one's type, length, bytes.
bool append_binary_composite(std::string& out, const natural_value& value, type_ref composite)
{
    const auto members = assign_members(value, composite);
    append(out, static_cast<std::int32_t>(members.size()));
    for (const auto& [member, type] : members) {
        append(out, type);
        const auto length_at = out.size();
        append(out, std::int32_t{-1});
        if (member.type == 0) {
            continue;
        }
        if (!append_binary_value(out, member, {type, composite.known()})) {
            return false;
        }
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
    }
    return true;
}

bool append_text_composite(std::string& out, const natural_value& value, type_ref composite)
{
    const auto members = assign_members(value, composite);
    out += '(';
    std::string text;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0) {
            out += ',';
        }
        const auto& [member, type] = members[i];
        if (member.type == 0) {
            continue; // nothing at all is NULL
        }
        text.clear();
        if (!append_text_value(text, member, {type, composite.known()}, true)) {
            refuse_argument_type(member, type_ref(type, composite.known()));
        }
        append_quoted_part(out, text);
    }
    out += ')';
    return true;
}

bool is_structured(oid natural) noexcept
{
    return natural < 16;
}

bool goes_binary(oid natural, type_ref target) noexcept
{
    // The binary form of an enum's value is its label.
    return has_binary(natural, target) || (natural == oids::text && target.kind() == type_kind::enumeration);
}

// A type of which nothing is known but that users created it.
bool is_anything(type_ref target) noexcept
{
    const auto kind = target.kind();
    return target >= first_user_oid && (kind == type_kind::unknown || kind == type_kind::base);
}

// What the server makes of text is its own affair where only it knows the type.
bool goes_text(oid natural, type_ref target) noexcept
{
    if (natural == oids::text) {
        return target != oids::bytea;
    }
    return is_anything(target);
}

bool append_binary_array(std::string& out, const natural_value& value, type_ref target)
{
    if (target.kind() != type_kind::array) {
        return false;
    }
    natural_array array(value);
    const auto element = target.element();
    const auto base = element.base();
    if (!is_structured(array.element_type()) && !goes_binary(array.element_type(), base)) {
        return false;
    }
    const auto rank = array.count() == 0 ? std::size_t{0} : array.dimensions().size();
    append(out, static_cast<std::int32_t>(rank));
    append(out, std::int32_t{array.has_null() ? 1 : 0});
    append(out, element.id());
    // These two count from 0 by the server's word.
    const bool from_zero = target == oids::int2vector || target == oids::oidvector;
    for (std::size_t i = 0; i < rank; ++i) {
        append(out, array.dimensions()[i].size);
        append(out, from_zero ? std::int32_t{0} : array.dimensions()[i].lower_bound);
    }
    if (goes_as_it_is(array.element_type(), base)) {
        out += array.rest();
        return true;
    }
    for (std::size_t i = 0; i < array.count(); ++i) {
        const auto length_at = out.size();
        append(out, std::int32_t{-1});
        const auto item = array.next();
        if (!item) {
            continue;
        }
        if (!append_binary_value(out, *item, base)) {
            return false;
        }
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
    }
    return true;
}

void append_bounds(std::string& out, const natural_array& array)
{
    const auto& dimensions = array.dimensions();
    if (std::ranges::all_of(dimensions, [](const array_dimension& one) { return one.lower_bound == 1; })) {
        return;
    }
    for (const auto& one : dimensions) {
        const auto last = std::int64_t{one.lower_bound} + one.size - 1;
        out += '[' + std::to_string(one.lower_bound) + ':' + std::to_string(last) + ']';
    }
    out += '=';
}

bool append_text_array(std::string& out, const natural_value& value, type_ref target)
{
    const bool anything = is_anything(target);
    if (target.kind() != type_kind::array && !anything) {
        return false;
    }
    natural_array array(value);
    const auto element = anything ? type_ref(first_user_oid) : target.element();
    const auto base = element.base();
    if (!is_structured(array.element_type()) && !has_binary(array.element_type(), base) &&
        !goes_text(array.element_type(), base)) {
        return false;
    }
    if (array.count() == 0) {
        out += "{}";
        return true;
    }
    append_bounds(out, array);
    std::string text;
    return append_braces(out, array, 0, element.delimiter(), [&](const natural_value& item) {
        text.clear();
        if (!append_text_value(text, item, base, true)) {
            return false;
        }
        append_quoted_part(out, text);
        return true;
    });
}

bool is_range(oid natural) noexcept
{
    return natural == natural::range || (natural >= 16 && type_ref(natural).kind() == type_kind::range);
}

// range_send in the server's rangetypes.c: flags, then each bound's length and bytes.
bool append_binary_range(std::string& out, const natural_value& value, type_ref target)
{
    if (target.kind() != type_kind::range) {
        return false;
    }
    const auto range = read_range(value);
    if (!bounds_keep_their_meaning(range.element, target.element())) {
        return false;
    }
    out += static_cast<char>(range.flags);
    for (const auto& bound : {range.lower, range.upper}) {
        if (!bound) {
            continue;
        }
        const auto length_at = out.size();
        append(out, std::int32_t{0});
        if (!append_binary_value(out, *bound, target.element())) {
            return false;
        }
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
    }
    return true;
}

bool append_text_range(std::string& out, const natural_value& value, type_ref target)
{
    if (target.kind() != type_kind::range && !is_anything(target)) {
        return false;
    }
    const auto element = target.kind() == type_kind::range ? target.element() : type_ref(first_user_oid);
    if (!bounds_keep_their_meaning(read_range(value).element, element)) {
        return false;
    }
    return append_range_literal(out, value, [&](std::string& text, const natural_value& bound) {
        return append_text_value(text, bound, element, true);
    });
}

// An enum's label for a type that has labels, or takes text.
bool append_label(std::string& out, const natural_value& value, type_ref target, bool binary)
{
    auto label = value.bytes;
    const auto& shape = take_shape(label);
    if (target.kind() == type_kind::enumeration) {
        const auto labels = target.labels();
        if (!labels.empty() && std::ranges::find(labels, label) == labels.end()) {
            refuse_argument(
                value, "\"" + std::string(label) + "\" of " + shape.cpp_name + " is no label of " + target.describe());
        }
    }
    else if (!has_binary(oids::text, target) && (binary || !is_anything(target))) {
        return false;
    }
    out += label;
    return true;
}

} // namespace

bool append_binary_value(std::string& out, const natural_value& value, type_ref server)
{
    const auto target = server.base();
    switch (value.type) {
    case natural::array:
        return append_binary_array(out, value, target);
    case natural::structure:
        if (is_json(target)) {
            if (target == oids::jsonb) {
                out += '\1'; // the version of jsonb's binary form
            }
            append_json_or_refuse(out, value);
            return true;
        }
        return target.kind() == type_kind::composite && append_binary_composite(out, value, target);
    case natural::tuple:
        return target.kind() == type_kind::composite && append_binary_composite(out, value, target);
    case natural::label:
        return append_label(out, value, target, true);
    case natural::dual: {
        const auto both = split_dual(value);
        if (is_json(target) && both.json) {
            append_binary(out, {value.position, oids::jsonb, *both.json}, target);
            return true;
        }
        return append_binary_value(out, both.sql, target);
    }
    case natural::named: {
        auto bytes = value.bytes;
        const auto& shape = take_shape(bytes);
        if (!target.is_named(shape.sql_name)) {
            return false;
        }
        out += bytes;
        return true;
    }
    case natural::range:
        return append_binary_range(out, value, target);
    default:
        break;
    }
    if (!goes_binary(value.type, target)) {
        return is_range(value.type) && append_binary_range(out, value, target);
    }
    if (has_binary(value.type, target)) {
        append_binary(out, value, target);
    }
    else {
        out += value.bytes;
    }
    return true;
}

bool append_text_value(std::string& out, const natural_value& value, type_ref server, bool nested)
{
    const auto target = server.base();
    switch (value.type) {
    case natural::array:
        return append_text_array(out, value, target);
    case natural::structure:
        if (is_json(target) || target.kind() == type_kind::unknown) {
            append_json_or_refuse(out, value);
            return true;
        }
        return target.kind() == type_kind::composite && append_text_composite(out, value, target);
    case natural::tuple:
        return target.kind() == type_kind::composite && append_text_composite(out, value, target);
    case natural::label:
        return append_label(out, value, target, false);
    case natural::dual: {
        const auto both = split_dual(value);
        if (is_json(target) && both.json) {
            out += *both.json;
            return true;
        }
        return append_text_value(out, both.sql, target, nested);
    }
    case natural::named:
        return false;
    case natural::range:
        return append_text_range(out, value, target);
    default:
        break;
    }
    if (!goes_text(value.type, target) && !(nested && has_binary(value.type, target))) {
        return is_range(value.type) && append_text_range(out, value, target);
    }
    append_scalar_text(out, value.type, value.bytes, std::string::npos);
    return true;
}

} // namespace tradecore::pg::detail
