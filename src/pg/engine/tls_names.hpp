// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include <string>

namespace tradecore::pg::engine {

/// @returns whether a certificate is for a host, a name or an address.
///
/// A name is looked for among the DNS names of subjectAltName, and in the subject's common name only when there are
/// none; "*" stands for exactly the left-most label. An address is looked for among the addresses; only when there
/// are none, it may stand written out as a DNS name or a common name. (RFC 6125; PostgreSQL documentation, "Client
/// Verification of Server Certificates".)
[[nodiscard]] bool is_for(X509* certificate, const std::string& host);

} // namespace tradecore::pg::engine
