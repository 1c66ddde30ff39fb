// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/result.hpp>
#include <tradecore/pg/type_info.hpp>

#include <set>

// Values that say of what types they are made, against what is known of those types.
namespace tradecore::pg::engine {

/// @returns whether nothing is known of the type.
[[nodiscard]] bool is_unknown(oid type, const type_set* known) noexcept;

/// @returns whether values of the type say of what types they are made: composite types, records, and arrays of them.
[[nodiscard]] bool tells_types(type_ref type) noexcept;

/// @returns the types that a result's values tell of and that are not known, or of which something else is known.
[[nodiscard]] std::set<oid> contradictions(const result& rows, const type_set* known);

} // namespace tradecore::pg::engine
