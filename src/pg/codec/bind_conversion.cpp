// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_conversion.hpp"

#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/type_names.hpp>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace tradecore::pg::detail {

namespace {

bool is_integer(oid type) noexcept
{
    return type == oids::int2 || type == oids::int4 || type == oids::int8;
}

bool is_float(oid type) noexcept
{
    return type == oids::float4 || type == oids::float8;
}

// Types whose binary form is the text itself.
bool is_plain_text(oid type) noexcept
{
    return type == oids::text || type == oids::varchar || type == oids::bpchar || type == oids::name ||
           type == oids::unknown;
}

bool is_object_id(oid type) noexcept
{
    return type == oids::oid_ || type == oids::xid || type == oids::cid;
}

bool is_naive_time(oid type) noexcept
{
    return type == oids::timestamp || type == oids::date || type == oids::time || type == oids::timetz;
}

std::string_view cpp_name(oid natural) noexcept
{
    switch (natural) {
    case oids::bool_:
        return "bool";
    case oids::int2:
        return "std::int16_t";
    case oids::int4:
        return "std::int32_t";
    case oids::int8:
        return "std::int64_t";
    case oids::float4:
        return "float";
    case oids::float8:
        return "double";
    case oids::text:
        return "a string";
    case oids::bytea:
        return "bytes";
    case oids::uuid:
        return "tradecore::uuid";
    case oids::timestamptz:
        return "tradecore::timestamptz";
    case oids::numeric:
        return "tradecore::pg::numeric";
    case oids::jsonb:
        return "JSON";
    default:
        return "a value";
    }
}

std::string describe_cpp(oid natural)
{
    const oid element = array_element(natural);
    if (element == 0) {
        return std::string(cpp_name(natural)) + " (" + type_name(natural) + ")";
    }
    return "a range of " + std::string(cpp_name(element)) + " (" + type_name(natural) + ")";
}

std::string_view reason_against(oid natural, oid server) noexcept
{
    const oid from = array_element(natural) != 0 ? array_element(natural) : natural;
    const oid to = array_element(server) != 0 ? array_element(server) : server;
    if (from == oids::timestamptz && is_naive_time(to)) {
        return ": that would need a time zone; convert in the SQL with AT TIME ZONE, or make the column timestamptz";
    }
    if (from == oids::text && to == oids::bytea) {
        return ": pass bytes as a range of std::byte";
    }
    if (from == oids::numeric && is_float(to)) {
        return ": digits would be lost; pass a double";
    }
    return "";
}

[[noreturn]] void refuse(const natural_value& value, const std::string& reason)
{
    throw argument_error("argument $" + std::to_string(value.position) + ": " + reason);
}

[[noreturn]] void refuse_type(const natural_value& value, oid natural, oid server)
{
    refuse(
        value, describe_cpp(natural) + " does not go into " + type_name(server) +
                   std::string(reason_against(natural, server)));
}

std::int64_t load_integer(oid type, std::string_view bytes) noexcept
{
    switch (type) {
    case oids::int2:
        return load<std::int16_t>(bytes);
    case oids::int4:
        return load<std::int32_t>(bytes);
    default:
        return load<std::int64_t>(bytes);
    }
}

double load_float(oid type, std::string_view bytes) noexcept
{
    return type == oids::float4 ? static_cast<double>(std::bit_cast<float>(load<std::int32_t>(bytes)))
                                : std::bit_cast<double>(load<std::int64_t>(bytes));
}

std::string float_text(oid type, std::string_view bytes)
{
    return type == oids::float4 ? float_to_text(std::bit_cast<float>(load<std::int32_t>(bytes)))
                                : float_to_text(load_float(type, bytes));
}

tradecore::uuid load_uuid(std::string_view bytes) noexcept
{
    tradecore::uuid value{};
    std::memcpy(value.data, bytes.data(), sizeof value.data);
    return value;
}

// Whether `append_binary` knows how: depends on the types alone, so that arrays can ask before.
bool has_binary(oid natural, oid server) noexcept
{
    if (natural == server) {
        return true;
    }
    if (is_integer(natural)) {
        return is_integer(server) || is_float(server) || is_object_id(server) || server == oids::xid8 ||
               server == oids::numeric;
    }
    if (is_float(natural)) {
        return is_float(server) || server == oids::numeric;
    }
    switch (natural) {
    case oids::text:
        return is_plain_text(server) || server == oids::json;
    case oids::uuid:
        return is_plain_text(server);
    case oids::numeric:
        return is_integer(server);
    case oids::jsonb:
        return server == oids::json;
    default:
        return false;
    }
}

bool has_text(oid natural, oid server) noexcept
{
    // What users create may be a domain or an enum: the server's input functions know.
    return server >= first_user_oid || (natural == oids::text && server != oids::bytea);
}

template <class T>
void append_in_range(std::string& out, const natural_value& value, std::int64_t number, oid server)
{
    if (!std::in_range<T>(number)) {
        refuse(value, std::to_string(number) + " does not fit " + type_name(server));
    }
    append(out, static_cast<T>(number));
}

void append_exact_float(std::string& out, const natural_value& value, std::int64_t number, oid server)
{
    const int bits = server == oids::float4 ? std::numeric_limits<float>::digits : std::numeric_limits<double>::digits;
    const std::int64_t limit = std::int64_t{1} << bits;
    if (number > limit || number < -limit) {
        refuse(value, std::to_string(number) + " would be rounded in " + type_name(server));
    }
    if (server == oids::float4) {
        append(out, std::bit_cast<std::int32_t>(static_cast<float>(number)));
    }
    else {
        append(out, std::bit_cast<std::int64_t>(static_cast<double>(number)));
    }
}

void append_from_integer(std::string& out, const natural_value& value, std::int64_t number, oid server)
{
    switch (server) {
    case oids::int2:
        return append_in_range<std::int16_t>(out, value, number, server);
    case oids::int4:
        return append_in_range<std::int32_t>(out, value, number, server);
    case oids::int8:
        return append_in_range<std::int64_t>(out, value, number, server);
    case oids::xid8:
        return append_in_range<std::uint64_t>(out, value, number, server);
    case oids::float4:
    case oids::float8:
        return append_exact_float(out, value, number, server);
    case oids::numeric:
        out += numeric(number).to_wire();
        return;
    default:
        return append_in_range<std::uint32_t>(out, value, number, server);
    }
}

void append_from_float(std::string& out, const natural_value& value, oid server)
{
    const double number = load_float(value.type, value.bytes);
    if (server == oids::float8) {
        append(out, std::bit_cast<std::int64_t>(number));
    }
    else if (server == oids::float4) {
        if (std::isfinite(number) && std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max())) {
            refuse(value, float_to_text(number) + " does not fit " + type_name(server));
        }
        append(out, std::bit_cast<std::int32_t>(static_cast<float>(number)));
    }
    else {
        // The decimal that a person would have written: 0.1 and not 0.1000000000000000055.
        out += numeric::from_string(float_text(value.type, value.bytes)).to_wire();
    }
}

void append_from_numeric(std::string& out, const natural_value& value, oid server)
{
    const auto number = numeric::from_wire(value.bytes);
    const auto integer = number ? number->to_int64() : std::nullopt;
    if (!integer) {
        refuse(
            value,
            (number ? number->to_string() : "malformed numeric") + " is no integer that fits " + type_name(server));
    }
    append_from_integer(out, value, *integer, server);
}

// Requires has_binary(value.type, server).
void append_binary(std::string& out, const natural_value& value, oid server)
{
    if (value.type == server) {
        if (server == oids::jsonb) {
            out += '\1'; // the version of jsonb's binary form
        }
        out += value.bytes;
    }
    else if (is_integer(value.type)) {
        append_from_integer(out, value, load_integer(value.type, value.bytes), server);
    }
    else if (is_float(value.type)) {
        append_from_float(out, value, server);
    }
    else if (value.type == oids::numeric) {
        append_from_numeric(out, value, server);
    }
    else if (value.type == oids::uuid) {
        out += uuid_to_text(load_uuid(value.bytes));
    }
    else {
        out += value.bytes;
    }
}

// Walks the elements of a natural array: number, then each one's length and bytes.
template <class Visit>
void each_element(std::string_view bytes, Visit visit)
{
    const auto count = load<std::int32_t>(bytes);
    std::size_t at = 4;
    for (std::int32_t i = 0; i < count; ++i) {
        const auto length = load<std::int32_t>(bytes, at);
        at += 4;
        const auto size = length < 0 ? std::size_t{0} : static_cast<std::size_t>(length);
        if (!visit(length < 0, bytes.substr(at, size))) {
            return;
        }
        at += size;
    }
}

void append_binary_array(std::string& out, const natural_value& array, oid natural, oid server)
{
    const auto count = load<std::int32_t>(array.bytes);
    append(out, std::int32_t{count > 0 ? 1 : 0});
    const auto flags_at = out.size();
    append(out, std::int32_t{0});
    append(out, server);
    if (count == 0) {
        return;
    }
    append(out, count);
    append(out, std::int32_t{1});
    bool has_null = false;
    each_element(array.bytes, [&](bool is_null, std::string_view bytes) {
        const auto length_at = out.size();
        append(out, std::int32_t{-1});
        if (is_null) {
            has_null = true;
            return true;
        }
        append_binary(out, {array.position, natural, bytes}, server);
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
        return true;
    });
    store(out.data() + flags_at, std::int32_t{has_null ? 1 : 0});
}

void append_array_literal(std::string& out, oid element, std::string_view bytes, std::size_t limit)
{
    out += '{';
    bool first = true;
    std::string text;
    each_element(bytes, [&](bool is_null, std::string_view value) {
        if (!first) {
            out += ',';
        }
        first = false;
        if (is_null) {
            out += "NULL";
            return out.size() < limit;
        }
        text.clear();
        append_text_form(text, element, value, limit);
        out += '"';
        for (const char c : text) {
            if (c == '"' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
        out += '"';
        return out.size() < limit;
    });
    out += '}';
}

} // namespace

void append_text_form(std::string& out, oid type, std::string_view bytes, std::size_t limit)
{
    switch (type) {
    case oids::bool_:
        out += bytes.front() != 0 ? "true" : "false";
        return;
    case oids::int2:
    case oids::int4:
    case oids::int8:
        out += std::to_string(load_integer(type, bytes));
        return;
    case oids::float4:
    case oids::float8:
        out += float_text(type, bytes);
        return;
    case oids::bytea:
        out += bytea_to_text(bytes.substr(0, limit));
        return;
    case oids::uuid:
        out += uuid_to_text(load_uuid(bytes));
        return;
    case oids::timestamptz:
        if (const auto instant = timestamptz_from_wire(load<std::int64_t>(bytes))) {
            out += timestamptz_to_text(*instant);
        }
        return;
    case oids::numeric:
        if (const auto number = numeric::from_wire(bytes)) {
            out += number->to_string();
        }
        return;
    default:
        break;
    }
    if (const oid element = array_element(type)) {
        append_array_literal(out, element, bytes, limit);
    }
    else {
        out += bytes.substr(0, limit);
    }
}

wire_format append_converted(std::string& out, const natural_value& value, oid server)
{
    const oid element = array_element(value.type);
    const oid server_element = array_element(server);
    if (element == 0) {
        if (has_binary(value.type, server)) {
            append_binary(out, value, server);
            return wire_format::binary;
        }
        if (has_text(value.type, server)) {
            append_text_form(out, value.type, value.bytes);
            return wire_format::text;
        }
    }
    else if (server_element != 0) {
        if (has_binary(element, server_element)) {
            append_binary_array(out, value, element, server_element);
            return wire_format::binary;
        }
        if (has_text(element, server_element)) {
            append_text_form(out, value.type, value.bytes);
            return wire_format::text;
        }
    }
    else if (server >= first_user_oid) {
        append_text_form(out, value.type, value.bytes);
        return wire_format::text;
    }
    refuse_type(value, value.type, server);
}

} // namespace tradecore::pg::detail
