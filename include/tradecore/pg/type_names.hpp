// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/generated/type_oids.hpp>

#include <string>

namespace tradecore::pg {

/// The first OID a server gives to objects that users create (`FirstNormalObjectId`).
inline constexpr oid first_user_oid = 16'384;

/// @returns the type's SQL name for messages: "int8", "text[]", or "type 16405" for one the catalogue
///          does not have.
[[nodiscard]] std::string type_name(oid type);

/// @returns the type of the array's elements; 0 when `type` is no built-in array.
[[nodiscard]] oid array_element(oid type) noexcept;

/// @returns the type of arrays of `type`; 0 when the catalogue has none.
[[nodiscard]] oid array_of(oid type) noexcept;

} // namespace tradecore::pg
