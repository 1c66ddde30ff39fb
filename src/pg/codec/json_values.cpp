// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/json_parser.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/codec/field_traits_basic.hpp>
#include <tradecore/pg/codec/field_traits_json.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/type_names.hpp>

#include <boost/json/kind.hpp>

#include <cmath>

namespace tradecore::pg {

namespace {

std::string join(std::string_view path, std::string_view reason)
{
    return path.empty() ? std::string(reason) : std::string(path) + ": " + std::string(reason);
}

[[noreturn]] void expected(std::string_view wanted, const boost::json::value& found)
{
    const auto kind = boost::json::to_string(found.kind());
    throw json_mismatch("", "expected " + std::string(wanted) + ", found " + std::string(kind.data(), kind.size()));
}

} // namespace

json_mismatch::json_mismatch(std::string path, const std::string& reason)
    : std::runtime_error(join(path, reason)), path_(std::move(path)), reason_(reason)
{}

json_mismatch json_mismatch::below(std::string_view step) const
{
    std::string path(step);
    if (!path_.empty() && !path_.starts_with('[')) {
        path += '.';
    }
    return {path + path_, reason_};
}

namespace detail {

boost::json::value json_of(double value)
{
    if (!std::isfinite(value)) {
        throw json_mismatch("", "JSON has no " + float_to_text(value));
    }
    return value;
}

boost::json::value json_of(const tradecore::uuid& value)
{
    return boost::json::string(uuid_to_text(value));
}

boost::json::value json_of(tradecore::timestamptz value)
{
    return boost::json::string(timestamptz_to_text(value, 'T'));
}

boost::json::value json_of(const numeric& value)
{
    return boost::json::string(value.to_string());
}

const boost::json::object& json_object(const boost::json::value& value)
{
    if (!value.is_object()) {
        expected("an object", value);
    }
    return value.get_object();
}

const boost::json::array& json_array(const boost::json::value& value)
{
    if (!value.is_array()) {
        expected("an array", value);
    }
    return value.get_array();
}

std::string_view json_string(const boost::json::value& value)
{
    if (!value.is_string()) {
        expected("a string", value);
    }
    return {value.get_string().data(), value.get_string().size()};
}

bool json_bool(const boost::json::value& value)
{
    if (!value.is_bool()) {
        expected("true or false", value);
    }
    return value.get_bool();
}

double json_double(const boost::json::value& value)
{
    if (!value.is_number()) {
        expected("a number", value);
    }
    return value.to_number<double>();
}

tradecore::uuid json_uuid(const boost::json::value& value)
{
    const auto id = uuid_from_text(json_string(value));
    if (!id) {
        throw json_mismatch("", "expected a UUID");
    }
    return *id;
}

tradecore::timestamptz json_timestamptz(const boost::json::value& value)
{
    const auto instant = timestamptz_from_text(json_string(value));
    if (!instant) {
        throw json_mismatch("", "expected an ISO 8601 instant with an offset");
    }
    return *instant;
}

numeric json_numeric(const boost::json::value& value)
{
    if (value.is_int64()) {
        return numeric(value.get_int64());
    }
    if (value.is_double()) {
        throw json_mismatch("", "a number with a fraction was rounded to binary; keep decimals as strings");
    }
    auto read =
        value.is_uint64() ? numeric::parse(std::to_string(value.get_uint64())) : numeric::parse(json_string(value));
    if (!read) {
        throw json_mismatch("", "expected a decimal number");
    }
    return *std::move(read);
}

void json_integer_mismatch(const boost::json::value& value, std::string_view cpp_type)
{
    if (value.is_number()) {
        throw json_mismatch("", "the number does not fit " + std::string(cpp_type));
    }
    expected("an integer", value);
}

void json_enum_mismatch(std::string_view text, std::string_view cpp_type)
{
    throw json_mismatch("", "\"" + std::string(text) + "\" is no " + std::string(cpp_type));
}

void json_member_missing(std::string_view member)
{
    throw json_mismatch(std::string(member), "missing");
}

std::string json_step(std::size_t index)
{
    return "[" + std::to_string(index) + "]";
}

bool is_json_type(oid type) noexcept
{
    return type == oids::json || type == oids::jsonb;
}

boost::json::value parse_json_field(const field& from, std::string_view cpp_type)
{
    const auto text = field_traits<std::string_view>::decode(from);
    boost::json::error_code failed;
    auto value = parse_json(text, failed);
    if (failed) {
        from.refuse(cpp_type, failed.message());
    }
    return value;
}

} // namespace detail

} // namespace tradecore::pg
