// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/scalar_text.hpp"

#include "pg/codec/bind_numbers.hpp"
#include "pg/codec/range_text.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/range_traits.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/types.hpp>

#include <limits>

namespace tradecore::pg::detail {

namespace {

template <class T>
void append_text_of(std::string& out, std::string_view bytes)
{
    if (const auto value = value_codec<T>::from_wire(bytes)) {
        out += value->to_string();
    }
}

// Dates and times, which may be infinite.
template <class Wire, class Value>
void append_extended(
    std::string& out, std::string_view bytes, std::optional<Value> (*from_wire)(Wire), std::string (*to_text)(Value))
{
    const auto wire = load<Wire>(bytes);
    if (wire == std::numeric_limits<Wire>::max()) {
        out += "infinity";
    }
    else if (wire == std::numeric_limits<Wire>::min()) {
        out += "-infinity";
    }
    else if (const auto value = from_wire(wire)) {
        out += to_text(*value);
    }
}

std::string instant_text(tradecore::timestamptz value)
{
    return timestamptz_to_text(value);
}

// @returns false for a type that is none of the library's values.
bool append_value_text(std::string& out, oid type, std::string_view bytes)
{
    switch (type) {
    case oids::interval:
        append_text_of<interval>(out, bytes);
        return true;
    case oids::time:
        append_text_of<time_of_day>(out, bytes);
        return true;
    case oids::timetz:
        append_text_of<zoned_time_of_day>(out, bytes);
        return true;
    case oids::money:
        append_text_of<money>(out, bytes);
        return true;
    case oids::inet:
        append_text_of<inet>(out, bytes);
        return true;
    case oids::cidr:
        append_text_of<cidr>(out, bytes);
        return true;
    case oids::macaddr:
        append_text_of<mac_address>(out, bytes);
        return true;
    case oids::macaddr8:
        append_text_of<mac_address8>(out, bytes);
        return true;
    case oids::varbit:
        append_text_of<bit_string>(out, bytes);
        return true;
    case oids::point:
        append_text_of<point>(out, bytes);
        return true;
    case oids::line:
        append_text_of<line>(out, bytes);
        return true;
    case oids::lseg:
        append_text_of<line_segment>(out, bytes);
        return true;
    case oids::box:
        append_text_of<box>(out, bytes);
        return true;
    case oids::path:
        append_text_of<path>(out, bytes);
        return true;
    case oids::polygon:
        append_text_of<polygon>(out, bytes);
        return true;
    case oids::circle:
        append_text_of<circle>(out, bytes);
        return true;
    case oids::pg_lsn:
        append_text_of<lsn>(out, bytes);
        return true;
    case oids::xid8:
        append_text_of<transaction_id>(out, bytes);
        return true;
    case oids::char_:
        append_text_of<one_byte_char>(out, bytes);
        return true;
    default:
        return false;
    }
}

} // namespace

void append_scalar_text(std::string& out, oid type, std::string_view bytes, std::size_t limit)
{
    switch (type) {
    case oids::text:
    case oids::jsonb:
        out += bytes.substr(0, limit);
        return;
    case oids::bool_:
        out += bytes.front() != 0 ? "true" : "false";
        return;
    case oids::int2:
    case oids::int4:
    case oids::int8:
    case oids::float4:
    case oids::float8:
        append_number_text(out, type, bytes);
        return;
    case oids::bytea:
        out += bytea_to_text(bytes.substr(0, limit));
        return;
    case oids::uuid:
        out += uuid_to_text(uuid_from_wire(bytes));
        return;
    case oids::date:
        append_extended<std::int32_t, std::chrono::sys_days>(out, bytes, date_from_wire, date_to_text);
        return;
    case oids::timestamp:
        append_extended<std::int64_t, std::chrono::local_time<std::chrono::microseconds>>(
            out, bytes, timestamp_from_wire, timestamp_to_text);
        return;
    case oids::timestamptz:
        append_extended<std::int64_t, tradecore::timestamptz>(out, bytes, timestamptz_from_wire, instant_text);
        return;
    case oids::numeric:
        if (const auto number = numeric::from_wire(bytes)) {
            out += number->to_string();
        }
        return;
    default:
        break;
    }
    if (append_value_text(out, type, bytes) || type < 16) {
        return;
    }
    switch (const type_ref known(type); known.kind()) {
    case type_kind::range:
        append_range_text(out, known.element(), bytes);
        return;
    case type_kind::multirange:
        append_multirange_text(out, known.element().element(), bytes, limit);
        return;
    default:
        out += bytes.substr(0, limit);
        return;
    }
}

std::string natural_text(oid type, std::string_view bytes)
{
    std::string text;
    append_scalar_text(text, type, bytes, std::string::npos);
    return text;
}

} // namespace tradecore::pg::detail
