// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/row_mapper.hpp>
#include <tradecore/pg/result.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// Maps each row to a `T`:
/// - a described struct by column name: each member needs a column of its name, further columns are
///   ignored (`SELECT *` keeps working when a column is added);
/// - a `std::tuple`, a `std::pair` or a plain aggregate by position, the number of columns must match;
/// - everything else with `field_traits` from the only column.
///
/// Types are checked once per result, also when it has no rows.
/// @throws type_error naming column, SQL type and C++ type, or the member that has no column.
template <class T>
[[nodiscard]] std::vector<T> map_rows(const result& rows)
{
    const detail::row_mapper<T> mapper(rows.columns());
    std::vector<T> values;
    values.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        values.push_back(mapper(rows, i));
    }
    return values;
}

/// As `map_rows` for at most one row.
/// @throws cardinality_error when there are more.
template <class T>
[[nodiscard]] std::optional<T> map_optional_row(const result& rows)
{
    const detail::row_mapper<T> mapper(rows.columns());
    if (rows.size() > 1) {
        detail::refuse_rows(rows.size(), "at most one");
    }
    if (rows.empty()) {
        return std::nullopt;
    }
    return mapper(rows, 0);
}

/// The only value of the only row; a described struct comes out of JSON here. No row and NULL are an
/// empty `T` when it is an optional.
/// @throws cardinality_error when there is not exactly one row and column, or the value is NULL and
///         `T` is no optional; type_error as `map_rows`.
template <class T>
[[nodiscard]] T map_value(const result& rows)
{
    const detail::value_mapper<T> mapper(rows.columns());
    if (rows.size() > 1) {
        detail::refuse_rows(rows.size(), "exactly one");
    }
    if constexpr (detail::is_optional<T>) {
        if (rows.empty()) {
            return std::nullopt;
        }
    }
    else {
        if (rows.empty()) {
            detail::refuse_rows(0, "exactly one");
        }
        if (rows.at(0, 0).is_null()) {
            detail::refuse_null_value(rows.columns().front().name);
        }
    }
    return mapper(rows, 0);
}

} // namespace tradecore::pg
