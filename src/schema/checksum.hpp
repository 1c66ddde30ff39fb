// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tradecore::schema {

/// @returns the SHA-256 of the bytes, in lower-case hexadecimal.
[[nodiscard]] std::string sha256(std::string_view bytes);

} // namespace tradecore::schema
