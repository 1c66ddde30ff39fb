// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "certificates.hpp"
#include "pg/engine/tls_channel.hpp"

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::test {

/// The other end of a TLS channel, in memory.
class memory_tls_server {
public:
    struct wish {
        bool asks_for_certificate = false;
        bool insists_on_certificate = false;
        std::string protocol{}; ///< what it answers to ALPN; empty: it does not know it
        int highest_version = TLS1_3_VERSION;
    };

    explicit memory_tls_server(const certificate& shown) : memory_tls_server(shown, wish()) {}
    memory_tls_server(const certificate& shown, wish wanted)
        : wanted_(std::move(wanted)), context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
          ssl_(nullptr, &SSL_free)
    {
        SSL_CTX_use_certificate(context_.get(), shown.x509.get());
        SSL_CTX_use_PrivateKey(context_.get(), shown.key.get());
        SSL_CTX_set_max_proto_version(context_.get(), wanted_.highest_version);
        if (wanted_.asks_for_certificate)
            SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
        if (wanted_.insists_on_certificate)
            SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        if (!wanted_.protocol.empty())
            SSL_CTX_set_alpn_select_cb(context_.get(), &choose_protocol, this);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl_.get());
    }

    /// Takes what the client sent, goes on with the handshake and reads what came.
    /// @returns what it answers.
    std::string answer(std::string_view bytes)
    {
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
        SSL_do_handshake(ssl_.get());
        std::array<char, 4096> plain{};
        for (int count = 0; (count = SSL_read(ssl_.get(), plain.data(), plain.size())) > 0;)
            received.append(plain.data(), static_cast<std::size_t>(count));
        return take_outgoing();
    }
    std::string encrypt(std::string_view plain)
    {
        SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        return take_outgoing();
    }
    std::string say_goodbye()
    {
        SSL_shutdown(ssl_.get());
        return take_outgoing();
    }
    [[nodiscard]] std::string server_name() const
    {
        const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
        return name == nullptr ? "" : name;
    }
    [[nodiscard]] bool got_certificate() const { return SSL_get0_peer_certificate(ssl_.get()) != nullptr; }

    std::string received;

private:
    static int choose_protocol(
        SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned int, void* self)
    {
        const auto& name = static_cast<memory_tls_server*>(self)->wanted_.protocol;
        *out = reinterpret_cast<const unsigned char*>(name.data()); // NOLINT: OpenSSL has unsigned
        *size = static_cast<unsigned char>(name.size());
        return SSL_TLSEXT_ERR_OK;
    }
    std::string take_outgoing()
    {
        auto* const bio = SSL_get_wbio(ssl_.get());
        auto text = openssl::text_in(bio);
        (void)BIO_reset(bio);
        return text;
    }

    wish wanted_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

/// Runs the handshake to its end, the server's bytes handed over in parts of `part`.
/// @throws what the channel throws.
inline void shake_hands(pg::engine::tls_channel& client, memory_tls_server& server, std::size_t part = 1U << 20U)
{
    bool complete = false;
    for (int turn = 0; turn < 10 && !complete; ++turn) {
        complete = client.handshake();
        const auto answer = server.answer(std::exchange(client.outgoing(), {}));
        for (std::size_t at = 0; at < answer.size() && !complete; at += part) {
            const auto piece = std::string_view(answer).substr(at, part);
            client.receive(piece);
            complete = client.handshake();
            if (complete && at + part < answer.size())
                throw std::logic_error("the client was complete before the server");
        }
    }
    if (!complete)
        throw std::logic_error("the handshake does not end");
    const auto tickets = server.answer(std::exchange(client.outgoing(), {}));
    client.receive(tickets);
    std::array<char, 1> none{};
    if (client.read(none) != 0)
        throw std::logic_error("the server says something of its own");
}

} // namespace tradecore::test
