// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/sqlstate.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tradecore::pg {

/// What the server says with an error or a notice; fields it did not send are empty.
/// (PostgreSQL documentation, "Error and Notice Message Fields".)
struct diagnostics {
    /// Not translated when the server sends both forms: ERROR, FATAL, PANIC, WARNING, NOTICE, …
    std::string severity{};
    sqlstate code{};
    std::string message{};
    /// May quote values of rows.
    std::string detail{};
    std::string hint{};
    /// Character in the statement, counted from 1, as text.
    std::string position{};
    std::string internal_position{};
    std::string internal_query{};
    std::string where{};
    std::string schema{};
    std::string table{};
    std::string column{};
    std::string data_type{};
    std::string constraint{};
    std::string file{};
    std::string line{};
    std::string routine{};
    /// Added on this side for commands that are executed for many rows: which one it was, counted from 0.
    std::optional<std::uint64_t> row{};
};

} // namespace tradecore::pg
