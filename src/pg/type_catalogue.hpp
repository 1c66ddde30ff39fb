// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/type_info.hpp>

#include <span>
#include <string_view>

namespace tradecore::pg::detail {

struct type_entry {
    oid type;
    /// The type of arrays of it, or 0.
    oid array;
    /// As `type_info::element`.
    oid element;
    type_kind kind;
    char delimiter;
    bool sends_binary;
    bool receives_binary;
    std::string_view name;
};

/// @returns the built-in types, sorted by OID; arrays are not among them.
[[nodiscard]] std::span<const type_entry> type_catalogue() noexcept;

/// @returns the built-in type; null when it is none, or an array.
[[nodiscard]] const type_entry* find_type(oid type) noexcept;

} // namespace tradecore::pg::detail
