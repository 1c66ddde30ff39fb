// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <string>

namespace tradecore::pg::detail {

/// @returns whether a value of the type `natural`, which is no number, goes into another one, as far as the types
///          say: a date into timestamp, addresses and networks into one another, bits of any number, ranges of
///          numbers like the numbers, unless `bounds_keep_their_meaning` says no.
[[nodiscard]] bool value_goes_into(oid natural, type_ref server) noexcept;

/// @returns whether a range of `element`s holds the same when its bounds become those of a range of `server`s:
///          [1,5] of integers is kept as [1,6), which among numbers with fractions would hold 5.9 as well.
[[nodiscard]] bool bounds_keep_their_meaning(oid element, type_ref server) noexcept;

/// Appends the value in the binary form of `server`; requires `value_goes_into`.
/// @throws argument_error when the value does not fit.
void append_value(std::string& out, const natural_value& value, type_ref server);

} // namespace tradecore::pg::detail
