// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/scalar_text.hpp"

#include "pg/codec/bind_numbers.hpp"
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/type_names.hpp>

namespace tradecore::pg::detail {

void append_scalar_text(std::string& out, oid type, std::string_view bytes, std::size_t limit)
{
    switch (type) {
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
        out += bytes.substr(0, limit);
        return;
    }
}

} // namespace tradecore::pg::detail
