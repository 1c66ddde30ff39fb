// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_refusals.hpp"

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

void refuse_argument_type(const natural_value& value, oid natural, oid server)
{
    refuse_argument(
        value, describe_cpp(natural) + " does not go into " + type_name(server) +
                   std::string(reason_against(natural, server)));
}

} // namespace tradecore::pg::detail
