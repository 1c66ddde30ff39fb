// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/errors.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tradecore {

/// Failures of pools and transactions, beside those of the server and the connection.
enum class db_errc {
    /// No connection became free in time: all were in use. Compares to `disposition::timeout`.
    pool_exhausted = 1,
    /// No connection became free in time because connecting fails. Compares to `disposition::timeout`
    /// and `disposition::cannot_connect`.
    pool_cannot_connect,
    /// The wait for a connection could only end when the caller itself gives one back.
    waits_for_itself,
    /// The transaction is already finished.
    transaction_closed,
    /// COMMIT was asked for and the server rolled back.
    transaction_rolled_back,
    /// COMMIT was sent and its answer never came. Compares to `disposition::in_doubt`.
    commit_unknown,
    /// The database has not been opened, or was closed.
    database_closed,
    /// The database is switched off by configuration.
    database_disabled,
    /// The database has failed too often and was not asked. Compares to `disposition::cannot_connect` and
    /// `disposition::transient`.
    circuit_open,
    /// No standby is proved to be as new as asked. Compares to `disposition::transient`.
    no_fresh_standby,
};

[[nodiscard]] const boost::system::error_category& db_category() noexcept;
[[nodiscard]] boost::system::error_code make_error_code(db_errc code) noexcept;

/// No connection in time; `what()` says who holds the others and for how long, or why connecting fails.
class pool_timeout : public pg::error {
public:
    pool_timeout(db_errc code, const std::string& message, std::exception_ptr last_connect_error = {});

    /// @returns why connecting failed, null when it did not.
    [[nodiscard]] const std::exception_ptr& last_connect_error() const noexcept { return last_connect_error_; }

private:
    std::exception_ptr last_connect_error_;
};

/// Everything a connection is waited for is held by the caller's own transactions.
class waits_for_itself : public pg::error {
public:
    explicit waits_for_itself(const std::string& message);
};

/// A statement came after the end of the transaction it belongs to, mostly from a child that outlived it.
class transaction_closed : public pg::error {
public:
    explicit transaction_closed(const std::string& message);
};

/// The body returned, COMMIT was sent, and the server answered that it rolled back, because a statement
/// had failed and its error was swallowed. Nothing of the transaction remained.
class transaction_rolled_back : public pg::error {
public:
    /// @param cause the SQLSTATE that made the transaction fail; 00000 when it is not known.
    transaction_rolled_back(const std::string& message, pg::sqlstate cause);

    [[nodiscard]] pg::sqlstate cause() const noexcept { return cause_; }

private:
    pg::sqlstate cause_;
};

/// The connection was lost between sending COMMIT and its answer, and what became of the transaction could not be
/// proved: it may have been committed or not. `what()` says why.
class commit_unknown : public pg::error {
public:
    /// @param backend_pid the server process that ran the transaction, as its log names it.
    /// @param xid see `xid`.
    commit_unknown(
        const std::string& message, std::int32_t backend_pid, std::exception_ptr cause,
        std::optional<std::uint64_t> xid = {});

    /// @returns the transaction's id, for `pg_xact_status`: what that says holds as long as the server has neither
    ///          crashed nor been replaced. Nothing when it was not known.
    [[nodiscard]] std::optional<std::uint64_t> xid() const noexcept { return xid_; }

    [[nodiscard]] std::int32_t backend_pid() const noexcept { return backend_pid_; }
    /// @returns what happened to the connection.
    [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }

private:
    std::int32_t backend_pid_;
    std::optional<std::uint64_t> xid_;
    std::exception_ptr cause_;
};

/// The database has not been opened yet, or is closed or closing.
class database_closed : public pg::error {
public:
    explicit database_closed(const std::string& message);
};

/// The database is switched off, such as `vb` by `ENABLE_VB_DATABASE=false`.
class database_disabled : public pg::error {
public:
    explicit database_disabled(const std::string& message);
};

/// The circuit breaker of the database refused the call: it has failed too often, and nothing was sent. It is asked
/// again in the background; see `resilience::circuit_breaker`.
class circuit_open : public pg::error {
public:
    /// @param last_failure null when it is not known.
    circuit_open(
        const std::string& message, std::chrono::steady_clock::duration come_again_in,
        std::shared_ptr<const std::string> last_failure);

    /// @returns how long to stay away: until the answer may be another one, which is no promise.
    [[nodiscard]] std::chrono::steady_clock::duration come_again_in() const noexcept { return come_again_in_; }
    /// @returns the message of the last failure that counted, empty when it is not known.
    [[nodiscard]] std::string_view last_failure() const noexcept
    {
        return last_failure_ ? std::string_view(*last_failure_) : std::string_view();
    }

private:
    std::chrono::steady_clock::duration come_again_in_;
    // Shared, so that copying the exception cannot throw.
    std::shared_ptr<const std::string> last_failure_;
};

/// No standby is proved to be as new as `read_options` ask, and the primary was not to be asked; `what()` says why.
class no_fresh_standby : public pg::error {
public:
    /// @param cause what the standby met; null when it was asked nothing, or was too old.
    no_fresh_standby(const std::string& message, std::exception_ptr cause);

    [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }

private:
    std::exception_ptr cause_;
};

} // namespace tradecore

template <>
struct boost::system::is_error_code_enum<tradecore::db_errc> : std::true_type {};
