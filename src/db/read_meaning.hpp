// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

namespace tradecore::detail {

// What an error that a read met at a standby means.

/// @returns whether the database, or the way there, is what failed; else the caller was cancelled, or has no memory.
[[nodiscard]] bool is_of_database(const std::exception_ptr& error) noexcept;
[[nodiscard]] bool is_timeout(const std::exception_ptr& error) noexcept;

/// @returns whether the primary may not have it: an outage, a conflict with replay, what does not work on standbys, or
///          an object that a standby need not have yet. Not what the statement itself did wrong, nor time that is up.
[[nodiscard]] bool is_worth_the_primary(const std::exception_ptr& error) noexcept;

/// @returns the error; one of writing says that reads cannot.
[[nodiscard]] std::exception_ptr with_reason(const std::exception_ptr& error) noexcept;

} // namespace tradecore::detail
