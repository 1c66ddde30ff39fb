// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <vector>

namespace tradecore::pg::engine {

/// Runs one statement; it is prepared on its first use.
///
/// What the server refuses only because it is out of date (a plan, a statement that is gone, types of a statement
/// that is not named) is prepared anew, and a statement that was hit by a request to cancel another is sent again;
/// both once, and only where no transaction is harmed.
/// @throws and cancellation as of `connection`.
[[nodiscard]] boost::asio::awaitable<result> run_statement(std::shared_ptr<link> on, statement what);
/// The same of a statement that stays as it is until the call has ended.
[[nodiscard]] boost::asio::awaitable<result> run_kept_statement(std::shared_ptr<link> on, const statement& what);

/// Runs a text of several statements with the simple protocol.
/// @throws and cancellation as of `connection`.
[[nodiscard]] boost::asio::awaitable<std::vector<result>>
run_script(std::shared_ptr<link> on, sql_text text, call_options options);

/// The same, and tells the link's tracer.
[[nodiscard]] boost::asio::awaitable<result> run_statement_traced(std::shared_ptr<link> on, statement what);
[[nodiscard]] boost::asio::awaitable<std::vector<result>>
run_script_traced(std::shared_ptr<link> on, sql_text text, call_options options);

} // namespace tradecore::pg::engine
