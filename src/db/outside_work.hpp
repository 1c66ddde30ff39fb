// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::detail {

class transaction_core;

/// One attempt at the body of an outermost transaction, as the verbs that are called below it see it. The bodies of
/// several databases lie inside each other.
///
/// Thread safety: safe; each of those databases may run on a thread of its own.
class running_body {
public:
    running_body(const transaction_core* transaction, std::shared_ptr<running_body> enclosing) noexcept
        : transaction_(transaction), enclosing_(std::move(enclosing))
    {}

    [[nodiscard]] const transaction_core* transaction() const noexcept { return transaction_; }
    [[nodiscard]] running_body* enclosing() const noexcept { return enclosing_.get(); }

    /// Keeps the first change.
    void note(std::string_view kind, std::string_view database);
    /// @returns what has been changed that does not go away when the transaction is rolled back: "a statement on 'vb'";
    ///          empty for nothing.
    [[nodiscard]] std::string changed_outside() const;

private:
    const transaction_core* transaction_;
    std::shared_ptr<running_body> enclosing_;
    mutable std::mutex mutex_;
    std::string changed_outside_;
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
