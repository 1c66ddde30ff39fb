// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../support/certificates.hpp"
#include "support/test_server.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace tradecore::test {

inline constexpr auto secure_password = "correct horse ☃";
/// With the alef of mathematics, which SASLprep turns into the Hebrew letter.
inline constexpr auto secure_letters = "aℵb";

/// A server with TLS and a role for each way to log in. All have the password `secure_password`:
///   sec_scram, sec_md5, sec_password, sec_trust   by TCP and by the socket
///   sec_tls_only, sec_plain_only                  by TCP, trusted; only with, only without TLS
///   sec_cert                                      by TCP, a certificate with its name
///   sec_cert_scram                                by TCP, a certificate with its name and the password
///   sec_letters                                   by TCP, with the password `secure_letters`
///   sec_read_only                                 by TCP, trusted; its transactions do not write
class secure_server {
public:
    secure_server();

    /// The one of this process.
    static secure_server& instance();

    /// For "localhost" over TCP.
    [[nodiscard]] pg::connect_options tcp(std::string role, std::string password = secure_password) const;
    /// For the Unix socket.
    [[nodiscard]] pg::connect_options local(std::string role, std::string password = secure_password) const;
    /// Stops the server and starts it with another certificate; its port changes.
    void restart_with(const certificate& shown);
    /// The user the server's process belongs to.
    [[nodiscard]] static std::string process_user();

    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }
    /// Writes a file for clients. @returns its path.
    [[nodiscard]] std::string
    file(const std::string& name, const std::string& text, std::filesystem::perms = std::filesystem::perms{0600}) const;

    certificate authority = make_certificate({.common_name = "Test Authority", .authority = true});
    certificate stranger = make_certificate({.common_name = "Stranger", .authority = true});
    /// For localhost, db.example and 127.0.0.1.
    certificate own;

private:
    void show(const certificate& shown) const;
    [[nodiscard]] embedded::options settings() const;

    temporary_folder files_;
    temporary_folder data_;
    embedded::server server_;
};

} // namespace tradecore::test
