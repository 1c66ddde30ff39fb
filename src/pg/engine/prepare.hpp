// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"
#include "pg/engine/statement_cache.hpp"

#include <tradecore/pg/sql.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string_view>

namespace tradecore::pg::engine {

/// Prepares a statement in a round trip of its own and keeps it in the link's cache. With statements that are not
/// named the server forgets it, and what is kept are its types. One with a trace comment is known by its text without
/// it; what is returned then has no name, and the text as it is goes to the server with each use.
/// @param label what the statement is called in errors; must outlive the call.
/// @throws the server's error; timeout_error; connection_error. Cancellation: as of `link::wait`.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<const prepared_statement>>
prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline);

/// @returns the statement as the link knows it, prepared now when it is new.
/// @throws and cancellation as `prepare`.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<const prepared_statement>>
find_or_prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline);

/// Forgets what was known of a statement when it may be for that that the server refused it.
/// @returns whether it may: another attempt is worth it where nothing has happened.
bool forget_if_out_of_date(
    link& on, const diagnostics& error, std::string_view text, const prepared_statement& prepared);

/// The columns of a statement as they are now, and the link, held since they were asked for.
struct held_description {
    turn held{};
    /// Null when the statement returns no rows.
    std::shared_ptr<const row_description> columns{};
};

/// Asks what a statement returns, whatever is remembered of it, for a use that the server has no way to refuse when
/// something else is true by then. Nothing of it is kept, by the server or here.
/// @throws and cancellation as `prepare`.
[[nodiscard]] boost::asio::awaitable<held_description>
describe_and_hold(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline);

} // namespace tradecore::pg::engine
