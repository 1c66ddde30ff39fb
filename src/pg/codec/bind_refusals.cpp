// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_refusals.hpp"

#include "pg/codec/bind_values.hpp"
#include "pg/codec/natural_reader.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/type_names.hpp>

namespace tradecore::pg::detail {

namespace {

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
    case oids::date:
        return "a date";
    case oids::timestamp:
        return "std::chrono::local_time";
    case oids::interval:
        return "an interval";
    case oids::time:
        return "tradecore::pg::time_of_day";
    case oids::timetz:
        return "tradecore::pg::zoned_time_of_day";
    case oids::money:
        return "tradecore::pg::money";
    case oids::inet:
        return "tradecore::pg::inet";
    case oids::cidr:
        return "tradecore::pg::cidr";
    case oids::varbit:
        return "tradecore::pg::bit_string";
    case oids::int4range:
        return "tradecore::pg::range<std::int32_t>";
    case oids::int8range:
        return "tradecore::pg::range<std::int64_t>";
    case oids::daterange:
        return "tradecore::pg::range of dates";
    case oids::int4multirange:
        return "tradecore::pg::multirange<std::int32_t>";
    case oids::int8multirange:
        return "tradecore::pg::multirange<std::int64_t>";
    case oids::datemultirange:
        return "tradecore::pg::multirange of dates";
    default:
        return "a value";
    }
}

std::string describe_cpp(const natural_value& value)
{
    switch (value.type) {
    case natural::structure:
    case natural::tuple:
    case natural::label:
    case natural::named: {
        auto bytes = value.bytes;
        return take_shape(bytes).cpp_name;
    }
    case natural::dual:
        return describe_cpp(split_dual(value).sql);
    case natural::range: {
        const auto range = read_range(value);
        const auto& bound = range.lower ? range.lower : range.upper;
        return bound ? "tradecore::pg::range of " + describe_cpp(*bound) : "tradecore::pg::range";
    }
    case natural::array:
        break;
    default:
        return std::string(cpp_name(value.type)) + " (" + type_name(value.type) + ")";
    }
    natural_array array(value);
    const oid element = array.element_type();
    if (element >= 16) {
        return "a range of " + std::string(cpp_name(element)) + " (" + type_name(element) + "[]" + ")";
    }
    const auto first = array.count() > 0 ? array.next() : std::nullopt;
    return first ? "a range of " + describe_cpp(*first) : "a range";
}

// The type of the value, or of the elements of the array that it is.
oid leaf_of(const natural_value& value)
{
    return value.type == natural::array ? natural_array(value).element_type() : value.type;
}

// What a range or multirange has for bounds; any other type itself.
type_ref bound_of(type_ref type) noexcept
{
    while (type.kind() == type_kind::range || type.kind() == type_kind::multirange) {
        type = type.element();
    }
    return type;
}

std::string_view reason_against(oid from, type_ref server) noexcept
{
    const auto base = server.base();
    const oid to = base.kind() == type_kind::array ? base.element().base() : base;
    if (const auto target = type_ref(to, base.known()); from >= 16 && bound_of(from) != from &&
                                                        bound_of(target) != target &&
                                                        !bounds_keep_their_meaning(bound_of(from), bound_of(target))) {
        return ": [1,5] of whole values is kept as [1,6), which would hold more there; pass bounds of the server's "
               "type";
    }
    if (from == natural::structure && base.kind() == type_kind::pseudo) {
        return ": cast the parameter to a composite type in the SQL";
    }
    if (from == oids::timestamptz && is_naive_time(to)) {
        return ": that would need a time zone; convert in the SQL with AT TIME ZONE, or make the column timestamptz";
    }
    if ((from == oids::timestamp || from == oids::date) && to == oids::timestamptz) {
        return ": a local time is no instant without its time zone; pass a tradecore::timestamptz";
    }
    if (from == oids::timestamp && to == oids::date) {
        return ": its time would be lost; cut it with std::chrono::floor<std::chrono::days>";
    }
    if (from == oids::interval && (to == oids::time || to == oids::timetz)) {
        return ": a duration is no time of day; pass a tradecore::pg::time_of_day";
    }
    if (from == oids::text && to == oids::bytea) {
        return ": pass bytes as a range of std::byte";
    }
    if (from == oids::numeric && (to == oids::float4 || to == oids::float8)) {
        return ": digits would be lost; pass a double";
    }
    return "";
}

} // namespace

void refuse_argument(const natural_value& value, const std::string& reason)
{
    throw argument_error("argument $" + std::to_string(value.position) + ": " + reason);
}

void refuse_argument_type(const natural_value& value, type_ref server)
{
    refuse_argument(
        value, describe_cpp(value) + " does not go into " + server.describe() +
                   std::string(reason_against(leaf_of(value), server)));
}

} // namespace tradecore::pg::detail
