// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/tls_channel.hpp"

#include "pg/auth/end_point_binding.hpp"
#include "pg/engine/tls_error.hpp"
#include "pg/engine/tls_names.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace tradecore::pg::engine {

namespace {

// The length goes before the name (RFC 7301). Servers before 17 know no ALPN and ignore it.
constexpr std::array<unsigned char, 11> protocols{10, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l'};
constexpr std::string_view protocol = "postgresql";

struct free_method {
    void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
};

} // namespace

// OpenSSL reads from and writes to the channel itself: no copy in between.
struct tls_channel::bio_functions {
    static tls_channel& channel_of(BIO* bio) { return *static_cast<tls_channel*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, std::size_t size, std::size_t* count)
    {
        BIO_clear_retry_flags(bio);
        *count = channel_of(bio).take_received({into, size});
        if (*count > 0)
            return 1;
        BIO_set_retry_read(bio);
        return 0;
    }

    static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count)
    {
        BIO_clear_retry_flags(bio);
        try {
            channel_of(bio).outgoing_.append(bytes, size);
        }
        catch (const std::bad_alloc&) {
            return 0; // OpenSSL's own code is on the stack: it reports a failed write
        }
        *count = size;
        return 1;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/)
    {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static const BIO_METHOD* method()
    {
        static const std::unique_ptr<BIO_METHOD, free_method> made = [] {
            std::unique_ptr<BIO_METHOD, free_method> fresh(
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tradecore"));
            if (!fresh || BIO_meth_set_read_ex(fresh.get(), &read) != 1 ||
                BIO_meth_set_write_ex(fresh.get(), &write) != 1 || BIO_meth_set_ctrl(fresh.get(), &control) != 1)
                throw std::bad_alloc();
            return fresh;
        }();
        return made.get();
    }
};

void tls_channel::free_ssl::operator()(SSL* ssl) const noexcept
{
    SSL_free(ssl);
}

tls_channel::tls_channel(std::shared_ptr<const tls_context> context)
    : context_(std::move(context)), ssl_(SSL_new(context_->native()))
{
    BIO* const bio = ssl_ ? BIO_new(bio_functions::method()) : nullptr;
    if (bio == nullptr)
        throw_tls_error("cannot use OpenSSL: " + take_openssl_reason());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_connect_state(ssl_.get());
    SSL_set_cert_cb(ssl_.get(), &note_request, this);
    // OpenSSL would also ask about a certificate that is not checked, and go on whatever the answer.
    if (SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_PEER)
        SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, &note_verification);
    const auto& name = context_->server_name();
    if ((!name.empty() && SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) != 1) ||
        SSL_set_alpn_protos(ssl_.get(), protocols.data(), protocols.size()) != 0)
        throw_tls_error("cannot begin TLS with " + context_->peer() + ": " + take_openssl_reason());
}

tls_channel::~tls_channel() = default;

void tls_channel::receive(std::string_view bytes) noexcept
{
    received_ = bytes;
}

std::size_t tls_channel::take_received(std::span<char> into) noexcept
{
    std::size_t count = kept_.copy(into.data(), into.size());
    kept_.erase(0, count);
    const auto more = received_.copy(into.data() + count, into.size() - count);
    received_.remove_prefix(more);
    return count + more;
}

void tls_channel::keep_received()
{
    kept_ += received_;
    received_ = {};
}

int tls_channel::note_verification(int believed, X509_STORE_CTX* chain)
{
    const auto* const ssl =
        static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& channel = *static_cast<tls_channel*>(SSL_get_app_data(ssl));
    if (believed == 1 || !channel.disbelief_.empty())
        return believed;
    try {
        const int reason = X509_STORE_CTX_get_error(chain);
        const X509* const certificate = X509_STORE_CTX_get_current_cert(chain);
        channel.disbelief_ = X509_verify_cert_error_string(reason);
        if (certificate != nullptr) {
            channel.disbelief_ += " (certificate of " + subject_of(certificate);
            if (reason == X509_V_ERR_CERT_HAS_EXPIRED)
                channel.disbelief_ += ", valid until " + text_of(X509_get0_notAfter(certificate));
            if (reason == X509_V_ERR_CERT_NOT_YET_VALID)
                channel.disbelief_ += ", valid from " + text_of(X509_get0_notBefore(certificate));
            channel.disbelief_ += ")";
        }
    }
    catch (const std::bad_alloc&) {
        return 0; // OpenSSL's own code is on the stack; its error code tells the reason
    }
    return 0;
}

int tls_channel::note_request(SSL* /*ssl*/, void* channel)
{
    static_cast<tls_channel*>(channel)->asked_for_certificate_ = true;
    return 1;
}

bool tls_channel::handshake()
{
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    keep_received();
    if (result == 1) {
        check_peer();
        return true;
    }
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ)
        fail(result, "TLS with ");
    return false;
}

void tls_channel::check_peer() const
{
    const unsigned char* selected = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &selected, &size);
    const std::string_view answer(reinterpret_cast<const char*>(selected), size); // NOLINT: OpenSSL has unsigned
    // Without it a server of another protocol could be led to believe that we speak to it.
    if (context_->direct() && answer.empty())
        throw_tls_error(
            "TLS with " + context_->peer() +
            " failed: with sslnegotiation=direct the server must answer with the "
            "protocol's name (ALPN), and it did not");
    if (!answer.empty() && answer != protocol)
        throw_tls_error("TLS with " + context_->peer() + " failed: the server speaks another protocol (ALPN)");
    if (context_->must_be_asked() && !asked_for_certificate_)
        throw_tls_error(
            "TLS with " + context_->peer() + " failed: sslcertmode=require, and the server asked for no certificate");
    if (!context_->checks_name())
        return;
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr || !is_for(certificate, context_->host()))
        throw_tls_error(
            "TLS with " + context_->peer() + " failed: the server's certificate is not for \"" + context_->host() +
            "\" but for " + (certificate == nullptr ? "nobody" : names_of(certificate)));
}

std::size_t tls_channel::read(std::span<char> into)
{
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    if (result == 1)
        return count;
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        ended_ = true;
        return 0;
    default:
        fail(result, "reading from ");
    }
}

void tls_channel::write(std::string_view plain)
{
    if (plain.empty())
        return;
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count);
    if (result != 1 || count != plain.size())
        fail(result, "writing to ");
}

void tls_channel::finish() noexcept
{
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

std::string tls_channel::end_point() const
{
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    return certificate == nullptr ? std::string() : auth::end_point_binding(certificate);
}

void tls_channel::fail(int result, std::string_view doing) const
{
    std::string why = std::string(doing) + context_->peer() + " failed: ";
    if (!disbelief_.empty())
        why += "the server's certificate is not believed: " + disbelief_;
    else if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL)
        why += take_openssl_reason();
    else
        why += "OpenSSL gave no reason";
    ERR_clear_error();
    throw_tls_error(why);
}

} // namespace tradecore::pg::engine
