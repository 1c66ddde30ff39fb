// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/result.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <vector>

// What statements need to know of types that are not built in. A link's registry is asked first, then the server.
namespace tradecore::pg::engine {

/// What a statement takes and returns, as a server described it, with what is known of the types.
struct statement_types {
    parameter_types parameters{};
    /// Nothing for a statement that returns no rows. The formats are chosen: text where a type has no binary form, or
    /// nobody here reads it.
    std::optional<row_description> columns{};
};

/// Looks up the types that a statement mentions for the first time, and chooses the formats of its columns.
/// @throws what ends the look-up's exchange. That the server refuses to answer it is no error: the types stay unknown.
/// Cancellation: as of any exchange.
[[nodiscard]] boost::asio::awaitable<statement_types> complete_types(
    std::shared_ptr<link> on, std::vector<oid> parameters, std::optional<row_description> columns,
    exchange::clock::time_point deadline);

/// @returns whether columns have types that are not built in.
[[nodiscard]] bool has_user_types(const row_description& columns);

/// What `complete_types` gives without any look-up: what is not known stays unknown.
[[nodiscard]] statement_types
types_as_known(const link& on, std::vector<oid> parameters, std::optional<row_description> columns);

/// @returns whether values of such columns tell of what they are made, so that they can contradict what is known:
///          composite types, records, and arrays of them.
[[nodiscard]] bool tell_types(const row_description& columns) noexcept;

/// @returns whether a result's values tell of types that are not known, or of which something else is known: a
///          composite type was changed, a record has attributes of any type.
[[nodiscard]] bool contradicts(const result& rows);

/// Looks up the types that such values tell of, and describes the result anew.
/// @param holds whether the caller holds the link.
/// @throws as `complete_types`.
[[nodiscard]] boost::asio::awaitable<result>
describe_anew(std::shared_ptr<link> on, result rows, exchange::clock::time_point deadline, bool holds = false);

/// @returns whether the server's error may come from a type that is not any more what is known of it. To be answered
///          by forgetting types and statement and asking again, once.
/// @param columns null when the statement returns no rows.
[[nodiscard]] bool may_be_of_old_types(
    const diagnostics& error, const parameter_types& parameters, const row_description* columns) noexcept;

} // namespace tradecore::pg::engine
