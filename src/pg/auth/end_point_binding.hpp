// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include <string>

namespace tradecore::pg::auth {

/// The channel binding "tls-server-end-point": a hash of the server's certificate, with the hash of the
/// certificate's own signature, or with SHA-256 where that is MD5 or SHA-1 (RFC 5929, section 4.1).
///
/// @returns the bytes of the hash; empty when the signature has no hash of its own (Ed25519): then no such
///          binding is defined.
[[nodiscard]] std::string end_point_binding(const X509* certificate);

} // namespace tradecore::pg::auth
