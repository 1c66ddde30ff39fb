// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/tls_context.hpp"

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tradecore::pg::engine {

/// TLS of one connection as a filter without I/O: bytes of the wire go in, bytes for the wire come out.
///
/// Every function may add to `outgoing`, reading too: TLS answers on its own account.
/// Errors: connection_error with `client_errc::tls_failed`, naming the host and the reason; the channel must not be
/// used any more then, but what it has put into `outgoing` should still be sent, once: it tells the server why.
/// Thread safety: none.
class tls_channel {
public:
    explicit tls_channel(std::shared_ptr<const tls_context> context);
    tls_channel(const tls_channel&) = delete;
    tls_channel& operator=(const tls_channel&) = delete;
    tls_channel(tls_channel&&) = delete;
    tls_channel& operator=(tls_channel&&) = delete;
    ~tls_channel();

    /// Takes bytes from the wire. They must stay where they are until `handshake` or `read` has used them.
    void receive(std::string_view bytes) noexcept;
    /// Goes on with the handshake and, at its end, checks whom we speak to.
    /// @returns whether it is complete; otherwise more bytes are needed.
    [[nodiscard]] bool handshake();
    /// Decrypts what was received. To be called until it returns 0.
    /// @returns the number of bytes put into `into`; 0 when more bytes are needed, or when `ended`.
    [[nodiscard]] std::size_t read(std::span<char> into);
    /// Encrypts.
    void write(std::string_view plain);
    /// Says that nothing more will be written.
    void finish() noexcept;

    /// What is to be sent; the sender takes it away.
    [[nodiscard]] std::string& outgoing() noexcept { return outgoing_; }
    /// @returns whether the server has said that nothing more will come.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// @returns the channel binding for SCRAM; empty when there is none. After the handshake.
    [[nodiscard]] std::string end_point() const;
    [[nodiscard]] const std::shared_ptr<const tls_context>& context() const noexcept { return context_; }

private:
    struct bio_functions;
    struct free_ssl {
        void operator()(SSL* ssl) const noexcept;
    };

    static int note_verification(int believed, X509_STORE_CTX* chain);
    static int note_request(SSL* ssl, void* channel);
    [[nodiscard]] std::size_t take_received(std::span<char> into) noexcept;
    void keep_received();
    void check_peer() const;
    [[noreturn]] void fail(int result, std::string_view doing) const;

    std::shared_ptr<const tls_context> context_;
    std::unique_ptr<SSL, free_ssl> ssl_;
    std::string kept_;          // received earlier, not yet used
    std::string_view received_; // where the caller has it
    std::string outgoing_;
    std::string disbelief_; // why a certificate was not believed
    bool asked_for_certificate_ = false;
    bool ended_ = false;
};

} // namespace tradecore::pg::engine
