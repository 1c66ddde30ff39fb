// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tradecore::pg::auth {

/// The password as SCRAM computes with it: SASLprep makes one text of those that look alike (RFC 4013).
///
/// What SASLprep refuses (text that is not UTF-8, forbidden or unassigned characters, nothing left) is
/// taken byte by byte, as the server did when the password was set. Five ideographs that only compatibility keeps, and
/// sequences of letters and marks that nobody writes, come out otherwise than on a server: libidn normalizes by
/// Unicode 3.2.
[[nodiscard]] std::string prepared_password(std::string_view password);

} // namespace tradecore::pg::auth
