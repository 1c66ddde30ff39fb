// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error_code.hpp>
#include <tradecore/pg/server_error.hpp>

#include <stdexcept>
#include <string>

namespace tradecore::pg {

/// The connection could not be made, or ended.
class connection_error : public error {
public:
    /// @param code `client_errc::cannot_connect`, `connection_closed`, `authentication_failed` or `tls_failed`.
    /// @param cause what the operating system, the resolver or TLS said, if anything.
    connection_error(client_errc code, const std::string& message, boost::system::error_code cause = {});

    /// @returns what lies beneath, such as "connection refused".
    [[nodiscard]] const boost::system::error_code& cause() const noexcept { return cause_; }

private:
    boost::system::error_code cause_;
};

/// The server broke the protocol.
class protocol_error : public error {
public:
    explicit protocol_error(const std::string& message);
};

/// A time limit of the client passed.
class timeout_error : public error {
public:
    explicit timeout_error(const std::string& message);
};

/// A value does not fit its C++ type or its SQL type.
class type_error : public error {
public:
    explicit type_error(const std::string& message);

protected:
    type_error(client_errc code, const std::string& message);
};

/// An argument cannot be sent; the message names it as `$n`.
class argument_error : public type_error {
public:
    explicit argument_error(const std::string& message);
};

/// The number of rows or columns is not what the verb promises.
class cardinality_error : public error {
public:
    explicit cardinality_error(const std::string& message);
};

} // namespace tradecore::pg
