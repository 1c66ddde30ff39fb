// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/backend_sessions.hpp"

#include <tradecore/db/database_options.hpp>

#include <cstdint>
#include <exception>
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

/// Logs a deadlock with both sides' statements and transactions when that is what `error` is.
/// @param victim the session whose statement has failed.
void report_deadlock(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const std::exception_ptr& error, backend_session::clock::time_point now);

} // namespace tradecore::detail
