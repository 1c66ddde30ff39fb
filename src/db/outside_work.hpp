// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace tradecore::detail {

class transaction_core;

/// One attempt at the body of an outermost transaction, as the verbs that are called below it see it. The bodies of
/// several databases lie inside each other.
struct running_body {
    const transaction_core* transaction;
    std::shared_ptr<running_body> enclosing;
    /// What has been changed that does not go away when the transaction is rolled back: "a statement on 'vb'"; empty
    /// for nothing.
    std::string changed_outside{};
};

/// @returns the innermost body that a coroutine on `executor` is in, of any database, or null.
[[nodiscard]] std::shared_ptr<running_body> body_around(const boost::asio::any_io_executor& executor);

/// @returns `executor` inside of `body`.
[[nodiscard]] boost::asio::any_io_executor
enter_body(const boost::asio::any_io_executor& executor, std::shared_ptr<running_body> body);

/// Notes a change for the bodies it is made in but not undone with: those inside of the one of `by`, all when it is
/// null.
/// @param by the outermost level of the transaction the change belongs to.
/// @param kind "statement".
void note_change(
    const boost::asio::any_io_executor& executor, const transaction_core* by, std::string_view kind,
    std::string_view database);
void note_change(running_body* innermost, const transaction_core* by, std::string_view kind, std::string_view database);

/// The same for a statement, which is no change when it only reads.
void note_statement(
    const boost::asio::any_io_executor& executor, const transaction_core* by, std::string_view sql,
    std::string_view database);

} // namespace tradecore::detail
