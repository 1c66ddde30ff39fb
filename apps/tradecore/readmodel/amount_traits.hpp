// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/money.hpp"

#include <tradecore/pg/codec/field_traits.hpp>
#include <tradecore/pg/codec/parameter_traits.hpp>

#include <string>

namespace tradecore::app::readmodel::detail {

/// What: the binary form of a numeric with 8 decimals.
/// Source: PostgreSQL's numeric_send (src/backend/utils/adt/numeric.c): digits to the base 10000.
void write_amount(domain::int128 raw, pg::parameter_writer& to);

/// Errors: pg::type_error when the value is not a whole number of units or out of range.
domain::int128 read_amount(const pg::field& from, const std::string& cpp_type);

} // namespace tradecore::app::readmodel::detail

namespace tradecore::pg {

/// Amounts of the domain are `numeric(38,8)`: every amount fits, digit for digit.
template <class Tag>
struct parameter_traits<app::domain::fixed<Tag>> {
    static constexpr oid type = oids::numeric;
    static void encode(app::domain::fixed<Tag> value, parameter_writer& to)
    {
        app::readmodel::detail::write_amount(value.raw(), to);
    }
};

template <class Tag>
struct field_traits<app::domain::fixed<Tag>> {
    static std::string name() { return std::string{Tag::name}; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::numeric; }
    static app::domain::fixed<Tag> decode(const field& from)
    {
        return app::domain::fixed<Tag>::from_raw(app::readmodel::detail::read_amount(from, name()));
    }
};

} // namespace tradecore::pg
