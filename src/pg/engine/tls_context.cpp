// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/tls_context.hpp"

#include "pg/engine/tls_error.hpp"
#include "pg/engine/tls_key.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/ssl.h>

#include <cerrno>
#include <optional>
#include <sys/stat.h>
#include <system_error>

namespace tradecore::pg::engine {

namespace {

constexpr std::string_view system_roots = "system";

int number_of(tls_version version)
{
    switch (version) {
    case tls_version::tls_1_0:
        return TLS1_VERSION;
    case tls_version::tls_1_1:
        return TLS1_1_VERSION;
    case tls_version::tls_1_2:
        return TLS1_2_VERSION;
    case tls_version::tls_1_3:
        break;
    }
    return TLS1_3_VERSION;
}

bool is_address(const std::string& host)
{
    boost::system::error_code not_one;
    (void)boost::asio::ip::make_address(host, not_one);
    return !not_one;
}

/// The file that is named, which must be there, or else the one in the default folder, if it is there.
std::optional<std::string>
find_file(const tls_options& options, const std::string& named, std::string_view default_name, std::string_view what)
{
    if (named.empty() && options.default_folder.empty())
        return std::nullopt;
    std::string path = named.empty() ? options.default_folder + "/" + std::string(default_name) : named;
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0)
        return path;
    const int problem = errno;
    if (named.empty() && (problem == ENOENT || problem == ENOTDIR))
        return std::nullopt;
    throw_tls_error(
        "cannot use the " + std::string(what) + " " + path + ": " + std::generic_category().message(problem));
}

void limit_versions(SSL_CTX* context, const tls_options& options)
{
    const auto& most = options.maximum_version;
    if (SSL_CTX_set_min_proto_version(context, number_of(options.minimum_version)) != 1 ||
        (most && SSL_CTX_set_max_proto_version(context, number_of(*most)) != 1))
        throw_tls_error("cannot limit the versions of TLS: " + take_openssl_reason());
}

void load_revoked(SSL_CTX* context, const tls_options& options)
{
    const bool by_default = options.crl.empty() && options.crl_directory.empty();
    const auto file = by_default || !options.crl.empty()
                          ? find_file(options, options.crl, "root.crl", "list of revoked certificates")
                          : std::nullopt;
    if (!file && options.crl_directory.empty())
        return;
    if (!options.crl_directory.empty())
        (void)find_file(options, options.crl_directory, {}, "folder of revoked certificates");
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    if (file && X509_STORE_load_file(store, file->c_str()) != 1)
        throw_tls_error("cannot read the list of revoked certificates " + *file + ": " + take_openssl_reason());
    if (!options.crl_directory.empty() && X509_STORE_load_path(store, options.crl_directory.c_str()) != 1)
        throw_tls_error(
            "cannot use the folder of revoked certificates " + options.crl_directory + ": " + take_openssl_reason());
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

/// @returns whether there is a root certificate, so that the server's certificate will be checked.
bool load_roots(SSL_CTX* context, const tls_options& options)
{
    if (options.root_certificate == system_roots) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            throw_tls_error("cannot use the operating system's root certificates: " + take_openssl_reason());
        return true;
    }
    const auto file = find_file(options, options.root_certificate, "root.crt", "root certificate");
    if (!file)
        return false;
    if (SSL_CTX_load_verify_file(context, file->c_str()) != 1)
        throw_tls_error("cannot read the root certificate " + *file + ": " + take_openssl_reason());
    return true;
}

void load_own_certificate(SSL_CTX* context, const tls_options& options)
{
    if (options.certificate_mode == client_certificate::disable)
        return;
    const auto certificate = find_file(options, options.certificate, "postgresql.crt", "client certificate");
    if (!certificate) {
        if (!options.key.empty())
            throw_tls_error("sslkey is given without a client certificate");
        if (options.certificate_mode == client_certificate::require)
            throw_tls_error("sslcertmode=require, and there is no client certificate");
        return;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate->c_str()) != 1)
        throw_tls_error("cannot read the client certificate " + *certificate + ": " + take_openssl_reason());
    const auto key = find_file(options, options.key, "postgresql.key", "key of the client certificate");
    if (!key)
        throw_tls_error("there is a client certificate, " + *certificate + ", and no key for it");
    const auto loaded = read_private_key(*key, options.key_password);
    if (SSL_CTX_use_PrivateKey(context, loaded.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
        throw_tls_error(
            "the key " + *key + " does not belong to the client certificate " + *certificate + ": " +
            take_openssl_reason());
}

} // namespace

void tls_context::free_context::operator()(SSL_CTX* context) const noexcept
{
    SSL_CTX_free(context);
}

tls_context::tls_context(const tls_options& options, const host_address& host)
    : context_(SSL_CTX_new(TLS_client_method())), host_(host.host),
      peer_(host.name() + ":" + std::to_string(host.port)), direct_(options.negotiation == ssl_negotiation::direct),
      must_be_asked_(options.certificate_mode == client_certificate::require)
{
    if (!context_)
        throw_tls_error("cannot use OpenSSL: " + take_openssl_reason());
    limit_versions(native(), options);
    SSL_CTX_set_options(native(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(native(), SSL_MODE_RELEASE_BUFFERS);

    // Anybody can get a certificate that the operating system believes: only the name makes it this server's.
    checks_name_ = options.mode == ssl_mode::verify_full || options.root_certificate == system_roots;
    if (load_roots(native(), options)) {
        load_revoked(native(), options);
        SSL_CTX_set_verify(native(), SSL_VERIFY_PEER, nullptr);
    }
    else if (options.mode >= ssl_mode::verify_ca) {
        throw_tls_error(
            "sslmode=verify-ca and verify-full need a root certificate: name one with sslrootcert, or use "
            "sslrootcert=system" +
            (options.default_folder.empty() ? std::string()
                                            : "; there is none at " + options.default_folder + "/root.crt"));
    }
    if (checks_name_ && host_.empty())
        throw_tls_error("sslmode=verify-full needs the name of the host, not its address alone");
    if (options.sni && !host_.empty() && !is_address(host_))
        server_name_ = host_;
    load_own_certificate(native(), options);
}

} // namespace tradecore::pg::engine
