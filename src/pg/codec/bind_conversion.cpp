// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_conversion.hpp"

#include "pg/codec/bind_numbers.hpp"
#include "pg/codec/bind_refusals.hpp"
#include "pg/codec/scalar_text.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/type_names.hpp>

namespace tradecore::pg::detail {

namespace {

// Types whose binary form is the text itself.
bool is_plain_text(oid type) noexcept
{
    return type == oids::text || type == oids::varchar || type == oids::bpchar || type == oids::name ||
           type == oids::unknown;
}

// Whether `append_binary` knows how: depends on the types alone, so that arrays can ask before.
bool has_binary(oid natural, oid server) noexcept
{
    if (natural == server) {
        return true;
    }
    if (number_goes_into(natural, server)) {
        return true;
    }
    switch (natural) {
    case oids::text:
        return is_plain_text(server) || server == oids::json;
    case oids::uuid:
        return is_plain_text(server);
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

// Requires has_binary(value.type, server).
void append_binary(std::string& out, const natural_value& value, oid server)
{
    if (value.type == server) {
        if (server == oids::jsonb) {
            out += '\1'; // the version of jsonb's binary form
        }
        out += value.bytes;
    }
    else if (number_goes_into(value.type, server)) {
        append_number(out, value, server);
    }
    else if (value.type == oids::uuid) {
        out += uuid_to_text(uuid_from_wire(value.bytes));
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
    if (const oid element = array_element(type)) {
        append_array_literal(out, element, bytes, limit);
    }
    else {
        append_scalar_text(out, type, bytes, limit);
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
    refuse_argument_type(value, value.type, server);
}

} // namespace tradecore::pg::detail
