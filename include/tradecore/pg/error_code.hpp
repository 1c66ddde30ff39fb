// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/generated/conditions.hpp>

#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tradecore::pg {

/// Failures that are found on this side of the wire.
enum class client_errc {
    /// No connection came about: nothing was sent.
    cannot_connect = 1,
    /// An established connection ended.
    connection_closed,
    /// What the server sent is not protocol 3.0.
    protocol_violation,
    timeout,
    /// A value and its C++ or SQL type do not fit together.
    type_mismatch,
    invalid_argument,
    /// The number of rows or columns is not what the verb promises.
    cardinality,
    /// It is not known whether the work took effect.
    outcome_unknown,
    /// A statement of a batch was not run, or was undone, because another one failed.
    batch_aborted,
    /// Who we are could not be shown in a way that both sides accept: no password, a method that is
    /// refused, a server that does not know the password. The server's own refusal is a `server_error`.
    authentication_failed,
    /// The connection is not as secure as was asked: no TLS, a certificate that is not believed.
    tls_failed,
};

/// What an error means for the work that met it. A code can have several.
enum class disposition {
    /// Nothing of the work remained, and the same work may succeed when it is run again from its
    /// beginning (the outermost transaction's): 40001, 40P01, 55P03, 53200 and everything in
    /// `cannot_connect` and `overloaded`.
    transient = 1,
    /// Nothing was sent: 57P03, 08001, 08004 and failures to connect.
    cannot_connect,
    /// The server has no connection or no memory left for now: 53200, 53300.
    overloaded,
    /// Credentials or the database's name are refused: class 28 and 3D000.
    credentials,
    /// The connection is gone: 57P01, 57P02, 57P04, 57P05, 25P03, 08003, 08006, an end of the stream, or
    /// an internal error of the server (class XX), after which it must not be used.
    connection_lost,
    /// It is not known whether the work took effect: 08007, 40003 and our own `outcome_unknown`.
    in_doubt,
    /// The server does not take writes (any more): 25006.
    read_only,
    /// The server no longer has, or already has, the prepared statement: 26000, 42P05. See also
    /// `is_stale_plan`.
    stale_statement,
    /// The server stopped the statement as asked: 57014.
    canceled,
    /// A time limit of ours passed.
    timeout,
    /// The server is in trouble, the statement is not to blame: 53100, 53200, classes 58, F0 and XX.
    server_fault,
    /// The server understood and refused; the same statement fails again: classes 0A, 21, 22, 23, 42, 44,
    /// 25P02 and P0.
    rejected,
};

/// Codes that servers send; the value is `sqlstate::value()`.
[[nodiscard]] const boost::system::error_category& server_category() noexcept;
/// Codes of `client_errc`.
[[nodiscard]] const boost::system::error_category& client_category() noexcept;
[[nodiscard]] const boost::system::error_category& condition_category() noexcept;
[[nodiscard]] const boost::system::error_category& condition_class_category() noexcept;
/// Compares true to every code that has the disposition. A category of one's own takes part by
/// overriding `equivalent(int, const error_condition&)`.
[[nodiscard]] const boost::system::error_category& disposition_category() noexcept;

[[nodiscard]] boost::system::error_code make_error_code(client_errc code) noexcept;
[[nodiscard]] boost::system::error_code make_error_code(sqlstate code) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(condition what) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(condition_class what) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(disposition what) noexcept;

/// @returns the condition's name (`unique_violation`), or the class's for a code that is not in the
///          catalogue, or "unknown".
[[nodiscard]] std::string_view condition_name(sqlstate code) noexcept;

/// @returns whether this is "cached plan must not change result type", which shares 0A000 with errors
///          that are the statement's own fault; the server's routine tells them apart.
[[nodiscard]] bool is_stale_plan(const diagnostics& said) noexcept;

} // namespace tradecore::pg

template <>
struct boost::system::is_error_code_enum<tradecore::pg::client_errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<tradecore::pg::condition> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<tradecore::pg::condition_class> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<tradecore::pg::disposition> : std::true_type {};
