// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Makes certificates for tests: authorities, servers, clients, expired and revoked ones.
namespace tradecore::test {

namespace openssl {

struct deleter {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509* p) const { X509_free(p); }
    void operator()(X509_CRL* p) const { X509_CRL_free(p); }
    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
    void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using ptr = std::unique_ptr<T, deleter>;

inline void check(bool good, const char* what)
{
    if (!good)
        throw std::runtime_error(std::string("OpenSSL: ") + what);
}

inline std::string text_in(BIO* bio)
{
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

} // namespace openssl

struct certificate_wish {
    std::string common_name{};
    /// As OpenSSL writes it: "DNS:db.example,IP:127.0.0.1"; empty: none.
    std::string alternative_names{};
    bool authority = false;
    int valid_from_days = -1;
    int valid_to_days = 30;
    std::string key_type = "EC"; ///< or "ED25519"
    std::string digest = "SHA256";
};

struct certificate {
    openssl::ptr<X509> x509;
    openssl::ptr<EVP_PKEY> key;

    [[nodiscard]] std::string pem() const
    {
        const openssl::ptr<BIO> out(BIO_new(BIO_s_mem()));
        openssl::check(PEM_write_bio_X509(out.get(), x509.get()) == 1, "certificate");
        return openssl::text_in(out.get());
    }
    /// @param password encrypts the key when it is not empty.
    [[nodiscard]] std::string key_pem(const std::string& password = {}) const
    {
        const openssl::ptr<BIO> out(BIO_new(BIO_s_mem()));
        openssl::check(
            PEM_write_bio_PKCS8PrivateKey(
                out.get(), key.get(), password.empty() ? nullptr : EVP_aes_256_cbc(),
                password.empty() ? nullptr : password.c_str(), static_cast<int>(password.size()), nullptr,
                nullptr) == 1,
            "key");
        return openssl::text_in(out.get());
    }
};

namespace detail {

inline void extend(X509* certificate, X509* issuer, int nid, const std::string& value)
{
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const openssl::ptr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
    openssl::check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

inline const EVP_MD* digest_of(const certificate_wish& wish)
{
    return wish.key_type == "ED25519" ? nullptr : EVP_get_digestbyname(wish.digest.c_str());
}

} // namespace detail

/// @param issuer signs it; null: it signs itself.
inline certificate make_certificate(const certificate_wish& wish, const certificate* issuer = nullptr)
{
    static long serial = 1000;
    certificate made;
    made.key.reset(
        wish.key_type == "EC" ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, wish.key_type.c_str()));
    made.x509.reset(X509_new());
    openssl::check(made.key && made.x509, "key pair");
    X509* const x509 = made.x509.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    X509_time_adj_ex(X509_getm_notBefore(x509), wish.valid_from_days, 0, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(x509), wish.valid_to_days, 0, nullptr);
    X509_set_pubkey(x509, made.key.get());
    X509_NAME* const subject = X509_get_subject_name(x509);
    if (!wish.common_name.empty()) {
        openssl::check(
            X509_NAME_add_entry_by_NID(
                subject, NID_commonName, MBSTRING_UTF8,
                reinterpret_cast<const unsigned char*>(wish.common_name.data()), // NOLINT: OpenSSL wants unsigned
                static_cast<int>(wish.common_name.size()), -1, 0) == 1,
            "name");
    }
    X509* const signer = issuer == nullptr ? x509 : issuer->x509.get();
    X509_set_issuer_name(x509, X509_get_subject_name(signer));
    detail::extend(x509, signer, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish.authority)
        detail::extend(x509, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (!wish.alternative_names.empty())
        detail::extend(x509, signer, NID_subject_alt_name, wish.alternative_names);
    EVP_PKEY* const signing_key = issuer == nullptr ? made.key.get() : issuer->key.get();
    openssl::check(X509_sign(x509, signing_key, detail::digest_of(wish)) > 0, "signature");
    return made;
}

/// @returns a list of an authority's revoked certificates, in PEM.
inline std::string make_revocation_list(const certificate& authority, const std::vector<const certificate*>& revoked)
{
    const openssl::ptr<X509_CRL> list(X509_CRL_new());
    openssl::ptr<X509> time_source(X509_new());
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.x509.get()));
    X509_time_adj_ex(X509_getm_notBefore(time_source.get()), -1, 0, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(time_source.get()), 30, 0, nullptr);
    X509_CRL_set1_lastUpdate(list.get(), X509_get0_notBefore(time_source.get()));
    X509_CRL_set1_nextUpdate(list.get(), X509_get0_notAfter(time_source.get()));
    for (const auto* one : revoked) {
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->x509.get()));
        X509_REVOKED_set_revocationDate(entry, X509_getm_notBefore(time_source.get()));
        X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_CRL_sort(list.get());
    openssl::check(X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) > 0, "signature of a list");
    const openssl::ptr<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509_CRL(out.get(), list.get());
    return openssl::text_in(out.get());
}

} // namespace tradecore::test
