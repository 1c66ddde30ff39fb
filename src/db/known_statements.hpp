// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/sharing.hpp"

#include <tradecore/pg/sql.hpp>

#include <array>
#include <string>

namespace tradecore::detail {

/// What is known of a statement by its text.
struct known_statement {
    std::string text{};
    bool only_reads = false;
    /// It leaves nothing behind in its session, whatever it does to the data.
    bool leaves_session_alone = false;
    expected_time time{};
};

/// Remembers what was found out about statements, for those that were met lately.
///
/// Thread safety: none. One that is remembered costs no memory.
class known_statements {
public:
    /// @returns what is known of the text; it stays where it is, and may become another statement's.
    [[nodiscard]] known_statement& find(const sql_text& sql);

private:
    std::array<known_statement, 512> met_{};
    known_statement too_long_{};
};

} // namespace tradecore::detail
