// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/type_info.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tradecore::pg {

/// How a value travels. (PostgreSQL documentation, "Formats and Format Codes".)
enum class wire_format : std::int16_t { text = 0, binary = 1 };

/// What a result's column is called and of which type it is.
struct column {
    std::string name;
    /// A domain's column has the base type here, by the server's doing.
    oid type = 0;
    std::int32_t type_modifier = -1;
    wire_format format = wire_format::binary;
    /// What is known of the type and its parts beyond the built-in ones; null where all are built in.
    std::shared_ptr<const type_set> known = nullptr;
};

/// The columns of a statement's rows; shared by the statement and all of its results.
using row_description = std::vector<column>;

} // namespace tradecore::pg
