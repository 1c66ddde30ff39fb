// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace tradecore::projection {

/// Whose fault an error is.
enum class failure_kind {
    /// Connections, deadlocks, room, a server that is going away: the same work can succeed later.
    infrastructure,
    /// The projector and its event: the same work fails again.
    deterministic,
    /// The server ended a statement that ran longer than it may (57014).
    statement_limit,
    /// A time limit of ours passed.
    client_limit,
    /// The server did not get a lock in time (55P03).
    lock_limit,
    /// The caller cancelled.
    cancelled
};

/// @returns whether an event is to blame when a worker meets this error while it applies the event.
[[nodiscard]] constexpr bool blames_event(failure_kind kind) noexcept
{
    return kind == failure_kind::deterministic || kind == failure_kind::statement_limit;
}

/// Classes 08, 53, 57P and 58, and 40001, 40P01, 25006, XX, lost connections and exhausted pools are the
/// infrastructure's; what is not known is the projector's.
[[nodiscard]] failure_kind classify(const std::exception_ptr& error) noexcept;

/// @returns what the error says, as UTF-8, cut to a length that fits a column and a log line.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

} // namespace tradecore::projection
