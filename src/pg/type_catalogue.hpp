// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <span>
#include <string_view>

namespace tradecore::pg::detail {

struct type_entry {
    oid type;
    /// The type of arrays of it, or 0.
    oid array;
    std::string_view name;
};

/// @returns the built-in types, sorted by OID.
[[nodiscard]] std::span<const type_entry> type_catalogue() noexcept;

} // namespace tradecore::pg::detail
