// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_numbers.hpp"

#include "pg/codec/bind_refusals.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/type_names.hpp>

#include <bit>
#include <cmath>
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

bool is_object_id(oid type) noexcept
{
    return type == oids::oid_ || type == oids::xid || type == oids::cid;
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

template <class T>
void append_in_range(std::string& out, const natural_value& value, std::int64_t number, oid server)
{
    if (!std::in_range<T>(number)) {
        refuse_argument(value, std::to_string(number) + " does not fit " + type_name(server));
    }
    append(out, static_cast<T>(number));
}

template <class Float, class Bits>
void append_exact_float(std::string& out, const natural_value& value, std::int64_t number, oid server)
{
    // The largest integers round to this, which is none of them and must not be converted back.
    constexpr auto beyond = static_cast<Float>(std::uint64_t{1} << 63);
    const auto converted = static_cast<Float>(number);
    if (converted == beyond || static_cast<std::int64_t>(converted) != number) {
        refuse_argument(value, std::to_string(number) + " would be rounded in " + type_name(server));
    }
    append(out, std::bit_cast<Bits>(converted));
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
        return append_exact_float<float, std::int32_t>(out, value, number, server);
    case oids::float8:
        return append_exact_float<double, std::int64_t>(out, value, number, server);
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
            refuse_argument(value, float_to_text(number) + " does not fit " + type_name(server));
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
        refuse_argument(
            value,
            (number ? number->to_string() : "malformed numeric") + " is no integer that fits " + type_name(server));
    }
    append_from_integer(out, value, *integer, server);
}

} // namespace

bool number_goes_into(oid natural, oid server) noexcept
{
    if (is_integer(natural)) {
        return is_integer(server) || is_float(server) || is_object_id(server) || server == oids::xid8 ||
               server == oids::numeric;
    }
    if (is_float(natural)) {
        return is_float(server) || server == oids::numeric;
    }
    return natural == oids::numeric && is_integer(server);
}

void append_number(std::string& out, const natural_value& value, oid server)
{
    if (is_integer(value.type)) {
        append_from_integer(out, value, load_integer(value.type, value.bytes), server);
    }
    else if (is_float(value.type)) {
        append_from_float(out, value, server);
    }
    else {
        append_from_numeric(out, value, server);
    }
}

void append_number_text(std::string& out, oid type, std::string_view bytes)
{
    if (is_integer(type)) {
        out += std::to_string(load_integer(type, bytes));
    }
    else {
        out += float_text(type, bytes);
    }
}

} // namespace tradecore::pg::detail
