// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::auth {

/// The answer to a request for an MD5 password: "md5" + hex(md5(hex(md5(password + user)) + salt)).
/// (PostgreSQL documentation, "Message Flow", AuthenticationMD5Password.)
///
/// @param salt four bytes that the server made up.
/// @returns nothing when OpenSSL has no MD5, as under FIPS rules.
[[nodiscard]] std::optional<std::string>
md5_response(std::string_view user, std::string_view password, std::string_view salt);

} // namespace tradecore::pg::auth
