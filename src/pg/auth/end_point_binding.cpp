// SPDX-License-Identifier: Apache-2.0
#include "pg/auth/end_point_binding.hpp"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>

namespace tradecore::pg::auth {

std::string end_point_binding(const X509* certificate)
{
    int hash = NID_undef;
    // Also knows what RSA-PSS keeps in its parameters. The certificate is not changed by it.
    auto* const read_only = const_cast<X509*>(certificate); // NOLINT(cppcoreguidelines-pro-type-const-cast)
    if (X509_get_signature_info(read_only, &hash, nullptr, nullptr, nullptr) != 1 || hash == NID_undef)
        return {};
    if (hash == NID_md5 || hash == NID_sha1)
        hash = NID_sha256;
    const EVP_MD* const method = EVP_get_digestbynid(hash);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (method == nullptr || X509_digest(certificate, method, digest.data(), &size) != 1)
        return {};
    return {digest.begin(), digest.begin() + size};
}

} // namespace tradecore::pg::auth
