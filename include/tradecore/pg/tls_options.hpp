// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tradecore::pg {

/// How much is asked of TLS, from least to most (PostgreSQL documentation, "SSL Support", "SSL Mode
/// Descriptions"). Unix sockets never use it.
enum class ssl_mode : std::uint8_t {
    disable,
    /// Plain text first; TLS when the server refuses that.
    allow,
    /// TLS first; plain text when the server has none.
    prefer,
    /// Encrypted, or no connection. The certificate is checked only where a root certificate is at hand.
    require,
    /// The certificate's issuer is checked, too.
    verify_ca,
    /// The certificate's name is checked, too.
    verify_full,
};

/// How TLS begins.
enum class ssl_negotiation : std::uint8_t {
    /// After a request in PostgreSQL's protocol.
    postgres,
    /// At once, as servers from version 17 on understand it; needs `ssl_mode::require` or more.
    direct,
};

/// Whether the client shows a certificate (libpq's `sslcertmode`).
enum class client_certificate : std::uint8_t {
    disable,
    /// When the server asks for one and there is one.
    allow,
    /// There must be one, and the server must ask for it: the connection is encrypted, too.
    require,
};

enum class tls_version : std::uint8_t { tls_1_0, tls_1_1, tls_1_2, tls_1_3 };

/// Encryption of the connection. Files are in PEM; an empty path means the file of libpq's name in
/// `default_folder`, when there is one.
/// Source: PostgreSQL documentation, "SSL Support"; the names are libpq's without `ssl`.
struct tls_options {
    ssl_mode mode = ssl_mode::prefer;
    ssl_negotiation negotiation = ssl_negotiation::postgres;
    client_certificate certificate_mode = client_certificate::allow;
    /// The client's certificate; otherwise `postgresql.crt`.
    std::string certificate{};
    /// Its private key; otherwise `postgresql.key`.
    std::string key{};
    /// Opens an encrypted key. Never logged.
    std::string key_password{};
    /// Whose signature is believed; otherwise `root.crt`. "system" means the operating system's own list.
    std::string root_certificate{};
    /// Revoked certificates; otherwise `root.crl`.
    std::string crl{};
    /// A folder of such lists as `openssl rehash` leaves it.
    std::string crl_directory{};
    /// Where the files are that are not named; `connect_options::parse` says `~/.postgresql`. Empty: nowhere.
    std::string default_folder{};
    tls_version minimum_version = tls_version::tls_1_2;
    std::optional<tls_version> maximum_version{};
    /// Whether the server is told the host's name before its certificate is known (server name indication).
    bool sni = true;
};

} // namespace tradecore::pg
