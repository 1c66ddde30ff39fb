// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/circuit_breaker.hpp>

#include <exception>

namespace tradecore::detail {

/// How far an attempt had come when it failed.
enum class attempt_phase {
    /// A connection was being made.
    connecting,
    /// A connection of the pool was waited for, one that was being made included.
    acquiring,
    /// The server had been asked, or was about to be, on an established connection.
    executing
};

/// What is known of a failed attempt beside its error.
struct attempt_facts {
    attempt_phase phase = attempt_phase::executing;
    /// We wanted the statement to be stopped: by a request to cancel, or by the limit the server was told.
    bool asked_to_stop = false;
    /// The connection is closed. After a request to cancel: that went unanswered too.
    bool session_ended = false;
    /// The statement ran in a transaction that was declared read-only.
    bool declared_read_only = false;
    /// The server says that it is a standby.
    bool in_hot_standby = false;
};

/// What the error of an attempt says about the health of the database. Any answer to what the caller asked is a
/// success, however unwelcome; only what stands for the server, or the way to it, is a failure.
///
/// @param error must not be null.
[[nodiscard]] resilience::outcome outcome_of(const std::exception_ptr& error, const attempt_facts& facts) noexcept;

/// @returns whether our credentials or the database's name were refused.
[[nodiscard]] bool is_refusal_of_credentials(const std::exception_ptr& error) noexcept;

} // namespace tradecore::detail
