// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/host_address.hpp>
#include <tradecore/pg/tls_options.hpp>

#include <openssl/types.h>

#include <memory>
#include <string>

namespace tradecore::pg::engine {

/// What TLS with one host needs: protocol versions, whom to believe, which certificate to show.
///
/// The files are read when it is made, so certificates that are replaced count from the next connection on.
/// Thread safety: immutable.
/// Source: PostgreSQL documentation, "SSL Support". Stricter than libpq in that a file that is named but missing is
/// always an error, and so is a list of revoked certificates that cannot be read; and no file that is wrong makes
/// sslmode=prefer go on without TLS.
class tls_context {
public:
    /// @param options which do not contradict each other (`connect_options::validate`).
    /// @throws connection_error with `client_errc::tls_failed`, naming the file or the option that is wrong.
    tls_context(const tls_options& options, const host_address& host);
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;
    tls_context(tls_context&&) = delete;
    tls_context& operator=(tls_context&&) = delete;
    ~tls_context() = default;

    [[nodiscard]] SSL_CTX* native() const noexcept { return context_.get(); }
    /// The name or address the certificate must be for.
    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    /// How messages call the server.
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
    /// The name told to the server before its certificate is known; empty for addresses (RFC 6066, section 3).
    [[nodiscard]] const std::string& server_name() const noexcept { return server_name_; }
    [[nodiscard]] bool checks_name() const noexcept { return checks_name_; }
    /// Whether TLS begins without a request in PostgreSQL's protocol.
    [[nodiscard]] bool direct() const noexcept { return direct_; }
    /// Whether the server must ask for a certificate.
    [[nodiscard]] bool must_be_asked() const noexcept { return must_be_asked_; }

private:
    struct free_context {
        void operator()(SSL_CTX* context) const noexcept;
    };

    std::unique_ptr<SSL_CTX, free_context> context_;
    std::string host_;
    std::string peer_;
    std::string server_name_;
    bool checks_name_ = false;
    bool direct_ = false;
    bool must_be_asked_ = false;
};

} // namespace tradecore::pg::engine
