// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/circuit_breaker.hpp>
#include <tradecore/resilience/retry.hpp>

#include <cstdint>
#include <exception>
#include <string_view>

namespace tradecore::detail {

/// How far an attempt had come when it failed.
enum class attempt_phase : std::uint8_t {
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
    /// The statement ran in a transaction that was declared read-only, or on a server that was asked for as a standby.
    bool declared_read_only = false;
    /// The server says that it is a standby.
    bool in_hot_standby = false;
    /// The connection was closed before anything of the attempt was sent.
    bool unsent = false;
};

/// Whether the same again may end differently.
enum class remedy {
    none,
    /// When the caller has asked for it.
    if_asked,
    /// When the caller has declared it idempotent.
    if_idempotent,
    /// Once more; what fails twice will go on failing.
    once,
    repetition
};

/// What an attempt that failed has left behind.
enum class remains {
    /// Nothing was sent, or all of it was undone.
    nothing,
    /// What its session had committed: of a transaction nothing, of a statement alone nobody knows.
    what_was_committed,
    unknown
};

/// What the error of an attempt means. One table for the circuit breaker and for the retry.
struct meaning {
    /// What it says about the health of the database. Any answer to what the caller asked is a success, however
    /// unwelcome; only what stands for the server, or the way to it, is a failure.
    resilience::outcome health = resilience::outcome::neutral;
    remedy cure = remedy::none;
    remains left = remains::unknown;
    resilience::fault kind = resilience::fault::outage;
    /// Repeating sooner helps nobody.
    resilience::duration minimum_wait{0};
    /// The server has become a standby: its connections are of no use any more.
    bool has_lost_primary = false;
    /// The server has found itself broken; nobody knows what else the session has.
    bool spoils_session = false;
};

/// @param error must not be null.
[[nodiscard]] meaning meaning_of(const std::exception_ptr& error, const attempt_facts& facts) noexcept;

/// @returns the breaker's part of it.
[[nodiscard]] inline resilience::outcome
outcome_of(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    return meaning_of(error, facts).health;
}

/// What is known of the call that an attempt belongs to.
struct call_facts {
    /// The attempt was a whole transaction.
    bool is_transaction = false;
    /// Its COMMIT was sent, and what became of that is not known.
    bool in_doubt = false;
    /// The caller says that doing it twice is as good as once.
    bool idempotent = false;
    /// It changes nothing.
    bool only_reads = false;
    /// Parts of it may have been committed when the rest fails.
    bool in_parts = false;
    /// What is sent is gone when an attempt has sent it.
    bool is_used_up = false;
    /// The transaction's body changed something that is not undone with it.
    bool wrote_outside = false;
    /// The caller wants a lock that was not to be had to be tried again.
    bool repeats_lock_timeouts = false;
    /// What may be repeated once has been.
    bool once_used = false;
};

/// Why something is not repeated, as far as no policy decides.
enum class obstacle {
    none,
    /// The same again would end the same way, or is not ours to ask for.
    pointless,
    /// It may have been done, in part or as a whole.
    in_doubt,
    /// What it sent is gone.
    used_up,
    /// Its body wrote elsewhere.
    wrote_outside,
    /// The circuit breaker has opened meanwhile.
    refused
};

/// @returns what stands against repeating an attempt.
[[nodiscard]] obstacle
obstacle_to_repeating(const meaning& what, const attempt_facts& attempt, const call_facts& call) noexcept;

/// @returns a few words for a message, "it may have taken effect"; empty for none.
[[nodiscard]] std::string_view to_string(obstacle what) noexcept;

/// @returns whether nothing was tried because the circuit breaker is open.
[[nodiscard]] bool is_refusal_of_breaker(const std::exception_ptr& error) noexcept;

/// @returns whether our credentials or the database's name were refused.
[[nodiscard]] bool is_refusal_of_credentials(const std::exception_ptr& error) noexcept;

} // namespace tradecore::detail
