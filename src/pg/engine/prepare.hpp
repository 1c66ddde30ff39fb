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
/// named the server forgets it, and what is kept are its types.
/// @param label what the statement is called in errors; must outlive the call.
/// @throws the server's error; timeout_error; connection_error. Cancellation: as of `link::wait`.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<const prepared_statement>>
prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline);

/// @returns the statement as the link knows it, prepared now when it is new.
/// @throws and cancellation as `prepare`.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<const prepared_statement>>
find_or_prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline);

} // namespace tradecore::pg::engine
