// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/db/statistics.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tradecore::detail {

class breaker_guard;

/// One attempt on a database, as its breaker sees it. Dropped without an outcome it says nothing.
///
/// Thread safety: as of the database. Lifetimes: must end before the database's core. Costs nothing but its
/// bytes while the breaker is closed.
class [[nodiscard]] attempt {
public:
    /// Of a database without a breaker, or over already.
    attempt() = default;
    attempt(breaker_guard& owner, resilience::circuit_breaker::permit granted) noexcept
        : owner_(&owner), permit_(std::move(granted))
    {}

    explicit operator bool() const noexcept { return static_cast<bool>(permit_); }
    [[nodiscard]] bool is_probe() const noexcept { return permit_ && permit_.is_probe(); }
    /// @returns when a probe must have ended; never for others.
    [[nodiscard]] resilience::deadline limit() const noexcept
    {
        return is_probe() ? permit_.limit() : resilience::deadline::never();
    }
    /// Brings the caller's own limit forward to that of a probe.
    void tighten(std::optional<resilience::time_point>& until) const noexcept
    {
        if (is_probe() && (!until || permit_.limit().when() < *until))
            until = permit_.limit().when();
    }

    /// The server has answered all of it.
    void succeeded() noexcept;
    void failed(const std::exception_ptr& error, const attempt_facts& facts) noexcept;

    /// In a handler: the wait for a connection ended with what is handled, which is thrown on.
    [[noreturn]] void got_no_connection();

    /// For what consists of several statements: a failure decides at once, and so does the first answer of a probe;
    /// other answers count when it is over.
    /// @param error null for a success.
    void observed(const std::exception_ptr& error, const attempt_facts& facts) noexcept;
    void is_over() noexcept;

private:
    void settle(resilience::outcome how) noexcept;

    breaker_guard* owner_ = nullptr;
    resilience::circuit_breaker::permit permit_;
    bool answered_ = false;
};

/// A database's circuit breaker with what it says: to refused callers and to the log.
class breaker_guard {
public:
    /// @param database its name.
    /// @param now the clock.
    /// @param changed called when the breaker begins or ceases to refuse callers; may throw.
    breaker_guard(
        std::string database, const resilience::breaker_options& options, std::function<resilience::time_point()> now,
        std::function<void()> changed);

    /// @throws circuit_open.
    [[nodiscard]] attempt begin()
    {
        if (breaker_.state() == resilience::breaker_state::closed) [[likely]]
            return {*this, std::move(breaker_.admit(resilience::time_point::min()).granted)};
        return begin_when_not_closed();
    }
    /// @returns an attempt when a background probe is due.
    [[nodiscard]] attempt begin_background_probe() noexcept;
    /// @returns when to ask for that next; nothing while it is closed.
    [[nodiscard]] std::optional<resilience::time_point> next_background_probe() const noexcept
    {
        return breaker_.next_background_probe();
    }
    [[nodiscard]] resilience::breaker_state state() const noexcept { return breaker_.state(); }
    [[nodiscard]] breaker_statistics statistics() const noexcept;

private:
    friend class attempt;
    [[nodiscard]] attempt begin_when_not_closed();
    void keep_failure(const std::exception_ptr& error) noexcept;
    void alarm_about_credentials(const std::exception_ptr& error) noexcept;
    void count(const resilience::breaker_change& what) noexcept;
    void tell(const resilience::breaker_change& what) const;

    std::string database_;
    std::function<resilience::time_point()> now_;
    std::function<void()> changed_;
    std::shared_ptr<const std::string> last_failure_;
    bool alarmed_ = false;
    breaker_statistics changes_; // how often into each state
    resilience::circuit_breaker breaker_;
};

/// What is known of a statement that has failed.
/// @param limited whether the server or the client had a limit for it.
[[nodiscard]] attempt_facts facts_of(const physical_connection& on, bool limited);

} // namespace tradecore::detail
