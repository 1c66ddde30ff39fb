// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace tradecore::pg::engine {

struct free_key {
    void operator()(EVP_PKEY* key) const noexcept;
};
using private_key = std::unique_ptr<EVP_PKEY, free_key>;

/// Reads a private key in PEM or DER. Nobody but its owner may have access to the file; when that is root, its
/// group may read it (PostgreSQL documentation, "Client Certificates").
///
/// @param password opens an encrypted key; never asked for at a terminal.
/// @throws connection_error with `client_errc::tls_failed`, naming the file and the reason.
[[nodiscard]] private_key read_private_key(const std::string& path, const std::string& password);

} // namespace tradecore::pg::engine
