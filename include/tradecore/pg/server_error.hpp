// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/error_code.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// Base of everything this library throws on account of the database. `code()` compares to a
/// `condition`, a `condition_class`, a `disposition` and a `client_errc`.
class error : public std::runtime_error {
public:
    error(boost::system::error_code code, const std::string& message) : std::runtime_error(message), code_(code) {}

    [[nodiscard]] const boost::system::error_code& code() const noexcept { return code_; }

private:
    boost::system::error_code code_;
};

/// The server answered with an error. `what()` has severity, SQLSTATE, the server's message and the
/// statement's name; the detail, which may quote rows, is in `diagnostics()` only.
class server_error : public error {
public:
    /// @param statement the name or verb of the statement, may be empty.
    server_error(std::shared_ptr<const pg::diagnostics> said, std::string_view statement);

    [[nodiscard]] const pg::diagnostics& diagnostics() const noexcept { return *said_; }
    [[nodiscard]] sqlstate state() const noexcept { return said_->code; }

private:
    // Shared, so that copying the exception cannot throw.
    std::shared_ptr<const pg::diagnostics> said_;
};

/// Any error of one SQLSTATE class; the alias of it has the class's name, such as
/// `integrity_constraint_violation`.
template <condition_class C>
class class_error : public server_error {
public:
    static constexpr condition_class error_class = C;
    using server_error::server_error;
};

/// The class a condition belongs to.
[[nodiscard]] constexpr condition_class class_of(condition what) noexcept
{
    return static_cast<condition_class>(sqlstate::from_value(static_cast<int>(what)).class_code().value());
}

/// The error of one SQLSTATE; the alias of it has the condition's name, such as `unique_violation`.
template <condition C>
class error_of : public class_error<class_of(C)> {
public:
    static constexpr condition error_condition = C;
    using class_error<class_of(C)>::class_error;
};

/// @param statement the name or verb of the statement, may be empty.
/// @returns the exception of the SQLSTATE's own type; of its class's type when the catalogue does not
///          have it; a plain `server_error` when the class is unknown too. The code is kept in each case.
[[nodiscard]] std::exception_ptr make_server_error(diagnostics said, std::string_view statement);

/// Throws what `make_server_error` makes.
[[noreturn]] void throw_server_error(diagnostics said, std::string_view statement);

} // namespace tradecore::pg

#include <tradecore/pg/generated/typed_errors.hpp>
