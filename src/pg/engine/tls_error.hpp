// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include <string>

namespace tradecore::pg::engine {

/// Throws a `connection_error` with `client_errc::tls_failed`.
[[noreturn]] void throw_tls_error(const std::string& what);

/// @returns what OpenSSL says about its last failure in this thread, and forgets it; "unknown reason" when it says
///          nothing.
[[nodiscard]] std::string take_openssl_reason();

/// @returns the names a certificate is for: those of its subjectAltName, or else the common name of its subject.
[[nodiscard]] std::string names_of(const X509* certificate);

/// @returns the subject, as in "CN=db.example,O=Example".
[[nodiscard]] std::string subject_of(const X509* certificate);

/// @returns a point in time of a certificate in OpenSSL's notation.
[[nodiscard]] std::string text_of(const ASN1_TIME* when);

} // namespace tradecore::pg::engine
