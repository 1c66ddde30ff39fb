// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_conversion.hpp"

#include "pg/codec/bind_numbers.hpp"
#include "pg/codec/bind_refusals.hpp"
#include "pg/codec/bind_structured.hpp"
#include "pg/codec/bind_values.hpp"
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

} // namespace

bool has_binary(oid natural, type_ref server) noexcept
{
    if (natural == server || number_goes_into(natural, server) || value_goes_into(natural, server)) {
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

void append_binary(std::string& out, const natural_value& value, type_ref server)
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
    else if (value_goes_into(value.type, server)) {
        append_value(out, value, server);
    }
    else if (value.type == oids::uuid) {
        out += uuid_to_text(uuid_from_wire(value.bytes));
    }
    else {
        out += value.bytes;
    }
}

wire_format append_converted(std::string& out, const natural_value& value, type_ref server)
{
    if (has_binary(value.type, server)) {
        append_binary(out, value, server);
        return wire_format::binary;
    }
    const auto begin = out.size();
    if (server.base().receives_binary()) {
        if (append_binary_value(out, value, server)) {
            return wire_format::binary;
        }
        out.resize(begin);
    }
    if (append_text_value(out, value, server, !server.base().receives_binary())) {
        return wire_format::text;
    }
    refuse_argument_type(value, server);
}

} // namespace tradecore::pg::detail
