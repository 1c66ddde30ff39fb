// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/backend_sessions.hpp"

#include <tradecore/db/database_options.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::detail {

/// One wait of a deadlock, as the server describes it.
struct deadlock_wait {
    std::int32_t process;
    std::int32_t blocked_by;
    bool operator==(const deadlock_wait&) const = default;
};

/// @param detail of the server's error: a line for each wait, with the number of the process that waits first and of
/// the
///        one that is in its way last, in whatever language.
/// @returns the waits, those that can be read.
[[nodiscard]] std::vector<deadlock_wait> read_deadlock(std::string_view detail);

/// What is known of a deadlock: of the side that was rolled back first, then of the one it waited for, and so on.
struct deadlock_report {
    struct side {
        std::int32_t process = 0;
        /// Empty when the session is not one of this process's.
        std::string database{};
        bool in_transaction = false;
        std::string transaction{};
        std::string transaction_place{};
        std::string statement{};
        std::string sql{};
        std::string place{};
        /// Who else it is, as the server says.
        std::string user{};
    };
    std::vector<side> sides{};
    std::string detail{};

    /// @returns the processes that are not ours.
    [[nodiscard]] std::vector<std::int32_t> foreign() const;
    void log() const;
};

/// @param victim the session whose statement has failed with `error`.
/// @returns nothing when that is not a deadlock, or nobody would read of it.
[[nodiscard]] std::optional<deadlock_report> deadlock_of(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const std::exception_ptr& error, backend_session::clock::time_point now);

} // namespace tradecore::detail
