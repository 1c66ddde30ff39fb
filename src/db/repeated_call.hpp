// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"

#include <tradecore/db/database_options.hpp>
#include <tradecore/db/statistics.hpp>
#include <tradecore/db/time_source.hpp>
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::detail {

/// What the calls of one database share for their repetitions.
///
/// Thread safety: as of the database.
class retry_surroundings {
public:
    /// @param executor where pauses are waited for.
    retry_surroundings(const boost::asio::any_io_executor& executor, const database_options& options, time_source time);

    [[nodiscard]] const time_source& time() const noexcept { return time_; }
    [[nodiscard]] resilience::time_point now() const { return time_.now(); }
    [[nodiscard]] const retry_statistics& statistics() const noexcept { return counted_; }

    /// A call begins: it is counted.
    /// @param timeout for all of its attempts and pauses together.
    /// @returns its limit.
    [[nodiscard]] resilience::deadline begin_call(std::optional<std::chrono::milliseconds> timeout)
    {
        const auto begins = now();
        budget_.count_call(begins);
        return timeout ? resilience::deadline::after(begins, *timeout) : resilience::deadline::never();
    }

private:
    friend class repeated_call;
    void count(resilience::fault kind, const std::optional<resilience::give_up>& stop) noexcept;

    const database_options& options_;
    time_source time_;
    resilience::retry_budget budget_;
    retry_statistics counted_{};
};

/// A call with its attempts, of which one after another may fail: decides about the next, says so in the log, and says
/// in the last one's error how many there were and why there is none after it.
///
///     repeated_call call(…);
///     for (;;) {
///         …                                   // an attempt: asks the breaker, takes a connection, uses it
///         if (!error)
///             co_return answer;
///         co_await call.another_attempt(error, facts);
///     }
///
/// Everything of an attempt is given back before the pause. Thread safety: none. Lifetimes: within the database's
/// core. Nothing allocates before an attempt has failed.
class repeated_call {
public:
    /// @param policies null for the database's own; must outlive it otherwise.
    /// @param name for logs; must outlive it.
    /// @param timeout for all attempts and pauses together.
    repeated_call(
        retry_surroundings& around, const resilience::retry_policies* policies, std::string_view name,
        std::optional<std::chrono::milliseconds> timeout);

    /// The same of a call that has begun already, for who makes this only when an attempt has failed.
    repeated_call(
        retry_surroundings& around, const resilience::retry_policies* policies, std::string_view name,
        resilience::deadline limit);

    /// What is known of the call; to be completed before an attempt's end is told.
    call_facts facts{};

    [[nodiscard]] resilience::deadline limit() const noexcept { return retry_.limit(); }
    /// @returns the limit for who waits for a connection.
    [[nodiscard]] std::optional<resilience::time_point> until() const noexcept
    {
        return limit().is_never() ? std::nullopt : std::optional(limit().when());
    }
    /// @returns what is left of the call's time for one more step, at least 1 ms; nothing when it has no limit.
    [[nodiscard]] std::optional<std::chrono::milliseconds> time_left() const;

    /// An attempt failed.
    /// @param sql of a single statement, which may turn out to change nothing; else empty.
    /// @param granted_together what the retry budget has said to others who were hit with it; null of a call by itself.
    /// @returns how long to pause before the next; nothing when there is none.
    [[nodiscard]] std::optional<resilience::duration> failed(
        const std::exception_ptr& error, const attempt_facts& attempt, std::string_view sql = {},
        std::optional<bool>* granted_together = nullptr);

    /// @returns the error for the caller, when `failed` has returned nothing: that of the last attempt that was made,
    ///          with the number of attempts and why there is none after it.
    [[nodiscard]] std::exception_ptr last_error(const std::exception_ptr& error) const;

    /// Waits. Cancellation: any kind the caller has.
    [[nodiscard]] boost::asio::awaitable<void> pause(resilience::duration wait);

    /// The three together. @throws the error when there is no other attempt.
    /// `granted_together` need not live longer than until the first suspension.
    [[nodiscard]] boost::asio::awaitable<void> another_attempt(
        std::exception_ptr error, attempt_facts attempt, std::string_view sql = {},
        std::optional<bool>* granted_together = nullptr);

    /// Tells the span around `executor` that another attempt follows.
    void note_repetition(
        const boost::asio::any_io_executor& executor, const std::exception_ptr& error,
        resilience::duration wait) const noexcept;

    /// What stands in the way, for messages.
    void set_outside_work(std::string what);

private:
    void log_repetition(const std::exception_ptr& error, const meaning& what, resilience::duration wait) const;

    retry_surroundings& around_;
    resilience::retry retry_;
    std::string_view name_;
    // Of the last attempt.
    obstacle obstacle_ = obstacle::none;
    std::optional<resilience::give_up> stop_;
    /// Of the last attempt that was followed by another.
    std::exception_ptr repeated_;
    std::string outside_work_;
};

} // namespace tradecore::detail
