// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/deadline.hpp>
#include <tradecore/resilience/retry_policy.hpp>
#include <tradecore/resilience/time.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tradecore::resilience {

class retry_budget;

/// What kind of failure an attempt ended with; each has its own policy.
enum class fault {
    /// The other side is away, full or unwell.
    outage,
    /// The work collided with other work of the same database (deadlock, serialization).
    conflict
};

struct retry_policies {
    retry_policy outage{};
    retry_policy conflict = retry_policy::for_conflicts();

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// What is known of an attempt that failed.
struct failed_attempt {
    fault kind = fault::outage;
    /// Whether repeating does no harm: nothing was done, or all of it was undone, or the caller has said that
    /// doing it twice is as good as once.
    bool repeatable = false;
    /// Repeating sooner helps nobody: as long as the server has no room, or a breaker said when to come again.
    duration minimum_wait{0};
    /// Of one of several calls that one event has hit together: what the budget has said to the first of them that
    /// could be repeated; empty before that. Null of a call by itself.
    std::optional<bool>* granted_together = nullptr;
};

/// Why there is no further attempt.
enum class give_up {
    not_repeatable,
    /// The caller's limit has passed, or would before the next attempt began.
    deadline,
    attempts_used,
    /// Too many callers repeat already.
    budget
};

/// @returns a few words for a message, "the attempts are used up".
[[nodiscard]] std::string_view to_string(give_up why) noexcept;

struct retry_decision {
    /// Set when this was the last attempt.
    std::optional<give_up> stop{};
    /// How long to wait before the next attempt, when there is one.
    duration wait{0};
};

/// One call and its attempts: decides after each failure whether there is another, and when.
///
/// It stands inside the caller's deadline and around everything that an attempt needs, a circuit breaker's
/// permit and a connection included: deadline(retry(breaker(acquire(execute)))). So a pause holds no connection,
/// and a breaker sees every attempt.
///
/// Thread safety: none. Lifetimes: policies and budget must outlive it. Nothing allocates.
class retry {
public:
    /// A call begins.
    /// @param budget counts the call; may be null, then nothing limits callers together.
    retry(const retry_policies& policies, deadline limit, retry_budget* budget, time_point now) noexcept;
    /// The same of a call that the budget has counted already.
    retry(const retry_policies& policies, deadline limit, retry_budget* budget) noexcept
        : policies_(&policies), limit_(limit), budget_(budget)
    {}

    /// An attempt failed. A call that failed in both ways may use up the attempts of either; in all it gets no
    /// more than the larger number.
    /// @param lottery a random number in [0, 1).
    /// @returns whether and when to try again. The wait is `minimum_wait` and the policy's pause on top, so
    /// that those who were told the same time do not come at once. It always ends before the deadline.
    [[nodiscard]] retry_decision failed(const failed_attempt& attempt, time_point now, double lottery) noexcept;

    /// @returns attempts that have failed.
    [[nodiscard]] int failures() const noexcept;
    [[nodiscard]] deadline limit() const noexcept { return limit_; }

private:
    [[nodiscard]] bool is_granted(std::optional<bool>* together, time_point now) noexcept;

    const retry_policies* policies_;
    deadline limit_;
    retry_budget* budget_;
    std::array<int, 2> failures_{};
};

} // namespace tradecore::resilience
