// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_values.hpp"

#include "pg/codec/bind_numbers.hpp"
#include "pg/codec/bind_refusals.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/range_traits.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/type_names.hpp>
#include <tradecore/pg/types/identifiers.hpp>
#include <tradecore/pg/types/network_address.hpp>

namespace tradecore::pg::detail {

namespace {

bool is_range(oid natural) noexcept
{
    return natural >= 16 && type_ref(natural).kind() == type_kind::range;
}

bool is_multirange(oid natural) noexcept
{
    return natural >= 16 && type_ref(natural).kind() == type_kind::multirange;
}

void append_timestamp_of_date(std::string& out, const natural_value& value)
{
    const auto days = load<std::int32_t>(value.bytes);
    const auto micros = timestamp_of_date(days);
    if (!micros) {
        const auto date = date_from_wire(days);
        refuse_argument(value, (date ? date_to_text(*date) : "the date") + " does not fit timestamp");
    }
    append(out, *micros);
}

void append_network(std::string& out, const natural_value& value)
{
    const auto address = value_codec<inet>::from_wire(value.bytes);
    if (!address || !address->is_network()) {
        refuse_argument(
            value, (address ? address->to_string() : "malformed address") +
                       " does not go into cidr: bits behind its prefix are set");
    }
    out += value.bytes;
}

// Types whose binary form is their text behind a version, 1.
bool is_versioned_text(type_ref server) noexcept
{
    return server == oids::jsonpath ||
           ((server.is_named("ltree") || server.is_named("lquery")) && server.receives_binary());
}

void append_one_byte(std::string& out, const natural_value& value)
{
    const auto byte = one_byte_char::parse(value.bytes);
    if (!byte) {
        refuse_argument(
            value, "a text of " + std::to_string(value.bytes.size()) + " bytes does not fit \"char\", which has one");
    }
    out += byte->value;
}

// Writes the bounds anew. The flags stay: a bound that is one of whole numbers is so in each type.
void append_range(std::string& out, const natural_value& value, type_ref server)
{
    const oid from = type_ref(value.type).element();
    const auto to = server.element().base();
    auto rest = value.bytes.substr(1);
    out += value.bytes.front();
    while (!rest.empty()) {
        const auto length = static_cast<std::size_t>(load<std::int32_t>(rest));
        const auto length_at = out.size();
        append(out, std::int32_t{0});
        append_binary(out, {value.position, from, rest.substr(4, length)}, to);
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
        rest.remove_prefix(4 + length);
    }
}

void append_multirange(std::string& out, const natural_value& value, type_ref server)
{
    const oid from = type_ref(value.type).element();
    auto rest = value.bytes.substr(4);
    out += value.bytes.substr(0, 4);
    while (!rest.empty()) {
        const auto length = static_cast<std::size_t>(load<std::int32_t>(rest));
        const auto length_at = out.size();
        append(out, std::int32_t{0});
        append_range(out, {value.position, from, rest.substr(4, length)}, server.element());
        store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
        rest.remove_prefix(4 + length);
    }
}

// Types in which every value has a next one, so that ranges of them are kept from the first value to the one behind
// the last.
bool is_discrete(oid element) noexcept
{
    return element == oids::int2 || element == oids::int4 || element == oids::int8 || element == oids::date;
}

bool is_continuous(oid element) noexcept
{
    return element == oids::numeric || element == oids::float4 || element == oids::float8 ||
           element == oids::timestamp || element == oids::timestamptz;
}

} // namespace

bool bounds_keep_their_meaning(oid element, type_ref server) noexcept
{
    return !is_discrete(element) || !is_continuous(server.base());
}

bool value_goes_into(oid natural, type_ref server) noexcept
{
    switch (natural) {
    case oids::date:
        return server == oids::timestamp;
    case oids::inet:
        return server == oids::cidr;
    case oids::cidr:
        return server == oids::inet;
    case oids::varbit:
        return server == oids::bit;
    case oids::macaddr:
        return server == oids::macaddr8;
    case oids::text:
        return server == oids::char_ || is_versioned_text(server);
    default:
        break;
    }
    if (is_range(natural) && server.kind() == type_kind::range) {
        const oid element = type_ref(natural).element();
        return bounds_keep_their_meaning(element, server.element()) && has_binary(element, server.element().base());
    }
    return is_multirange(natural) && server.kind() == type_kind::multirange &&
           has_binary(type_ref(natural).element(), server.element());
}

void append_value(std::string& out, const natural_value& value, type_ref server)
{
    switch (value.type) {
    case oids::date:
        return append_timestamp_of_date(out, value);
    case oids::inet:
        return append_network(out, value);
    case oids::text:
        if (server == oids::char_) {
            return append_one_byte(out, value);
        }
        out += '\1';
        out += value.bytes;
        return;
    case oids::cidr:
    case oids::varbit:
    case oids::macaddr:
        // The server takes these for its own.
        out += value.bytes;
        return;
    default:
        return is_range(value.type) ? append_range(out, value, server) : append_multirange(out, value, server);
    }
}

} // namespace tradecore::pg::detail
