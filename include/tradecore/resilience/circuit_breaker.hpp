// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/breaker_change.hpp>
#include <tradecore/resilience/breaker_options.hpp>
#include <tradecore/resilience/deadline.hpp>
#include <tradecore/resilience/random_source.hpp>
#include <tradecore/resilience/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace tradecore::resilience {

/// What has happened since the breaker was made.
struct breaker_stats {
    std::uint64_t openings = 0;
    std::uint64_t refused = 0;
    std::uint64_t background_probes = 0;
    std::uint64_t caller_probes = 0;
    /// Outcomes that came after a change of state and were dropped.
    std::uint64_t stale = 0;
};

/// Stops calling what does not answer, and finds out when it does again.
///
/// Closed, it counts failures without a success between them; at the threshold it opens and refuses callers.
/// Open, it is probed, by one attempt at a time: in the background from the first second on, by whoever runs
/// background probes (`next_background_probe`, `try_background_probe`), and by a caller when 30 s have passed, even
/// if nobody runs those. A probe's success closes it; a failure, or the end of the probe's time, opens it again.
/// Every change of state begins a generation, and the outcome of a permit of an earlier one changes nothing: what
/// was sent before an outage says nothing about its end.
///
/// A machine without clock, threads or I/O: it takes the time from its callers, and a time before the latest
/// it has acted on as that one. An overdue probe is noticed at the next call that passes a time.
///
///     auto answer = breaker.admit(clock::now());
///     if (!answer)
///         throw circuit_open(answer.come_again_in);
///     …                                                // an attempt, within answer.granted.limit()
///     answer.granted.settle(outcome::success, clock::now());
///
/// Thread safety: none; permits belong to it, so they are settled, dropped and destroyed under the same
/// strand or lock. Lifetimes: must outlive its permits. While it is closed nothing allocates.
class circuit_breaker {
public:
    class permit;
    struct admission;
    /// Called after the change, when the breaker may be asked and used again; changes made meanwhile are told
    /// after this one, in order. What it throws is dropped, because a change may come from a destructor.
    using listener = std::function<void(const breaker_change&)>;
    using listener_id = std::uint64_t;

    /// @param random for the jitter of background probes.
    /// @throws std::invalid_argument when the options are not valid or `random` is empty.
    circuit_breaker(const breaker_options& options, random_source random);
    circuit_breaker(const circuit_breaker&) = delete;
    circuit_breaker& operator=(const circuit_breaker&) = delete;
    ~circuit_breaker() = default;

    /// A caller wants to make an attempt.
    /// @returns a permit, or how long to stay away.
    [[nodiscard]] admission admit(time_point now) noexcept;

    /// @returns a probe's permit when one is due now, else an empty permit.
    [[nodiscard]] permit try_background_probe(time_point now) noexcept;
    /// @returns when to call `try_background_probe` next, nothing while it is closed; ask again after each change.
    [[nodiscard]] std::optional<time_point> next_background_probe() const noexcept;

    [[nodiscard]] breaker_state state() const noexcept { return state_; }
    /// @returns since when callers are refused, nothing while it is closed; failed probes do not change it.
    [[nodiscard]] std::optional<time_point> refuses_since() const noexcept;
    /// @returns failures counted since the last success; it stays at the threshold until a probe succeeds.
    [[nodiscard]] unsigned consecutive_failures() const noexcept { return failures_; }
    [[nodiscard]] const breaker_stats& stats() const noexcept { return stats_; }

    /// @param told of every change from now on, in the order of subscription; one subscribed by a listener may
    /// be told of the change that is being told.
    listener_id add_listener(listener told);
    /// The listener is not called again; it may be the one that is running. An unknown id does nothing.
    void remove_listener(listener_id which) noexcept;

private:
    struct subscription {
        listener_id id;
        listener told;
        bool ended = false;
    };
    enum class prober { background, caller };

    [[nodiscard]] bool is_calm(std::uint64_t generation) const noexcept
    {
        return generation == generation_ && state_ == breaker_state::closed && failures_ == 0;
    }
    [[nodiscard]] admission admit_when_not_closed(time_point now) noexcept;
    void settle(std::uint64_t generation, outcome how, time_point now) noexcept;
    void drop_probe(std::uint64_t generation) noexcept;

    [[nodiscard]] time_point latest(time_point now) noexcept;
    [[nodiscard]] duration come_again_in(time_point now) const noexcept;
    [[nodiscard]] permit begin_probe(prober who, time_point now) noexcept;
    void end_probe(outcome how, time_point now) noexcept;
    void give_up_overdue_probe(time_point now) noexcept;
    void count_failure(outcome how, time_point now) noexcept;
    void open_again(breaker_cause cause, time_point now) noexcept;
    void plan_background_probe(time_point now) noexcept;
    void change(breaker_state to, breaker_cause cause, time_point when) noexcept;
    void tell_listeners() noexcept;

    breaker_state state_ = breaker_state::closed;
    unsigned failures_ = 0;
    std::uint64_t generation_ = 1;
    breaker_options options_;
    random_source random_;
    time_point latest_ = time_point::min();
    time_point burst_ends_ = time_point::min();
    time_point opened_{};
    time_point background_due_{};
    time_point caller_due_{};
    /// Background probes since it opened.
    unsigned background_probes_ = 0;
    prober prober_ = prober::background;
    time_point probe_began_{};
    time_point probe_ends_{};
    breaker_stats stats_{};
    std::list<subscription> listeners_;
    listener_id next_listener_ = 1;
    std::vector<breaker_change> untold_;
    bool telling_ = false;
};

/// The right to make one attempt. It is settled with the attempt's outcome; one that is dropped unsettled, because
/// the attempt was cancelled or threw past it, counts as neutral, and if it was the probe another may begin.
///
/// Thread safety: as of its breaker.
class [[nodiscard]] circuit_breaker::permit {
public:
    /// An empty one: no right to anything.
    permit() noexcept = default;
    permit(permit&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), generation_(other.generation_), limit_(other.limit_)
    {}
    permit& operator=(permit&& other) noexcept
    {
        if (this != &other) {
            drop();
            owner_ = std::exchange(other.owner_, nullptr);
            generation_ = other.generation_;
            limit_ = other.limit_;
        }
        return *this;
    }
    permit(const permit&) = delete;
    permit& operator=(const permit&) = delete;
    ~permit() { drop(); }

    /// @returns whether it is a right to an attempt that has not been settled or dropped.
    explicit operator bool() const noexcept { return owner_ != nullptr; }
    /// @returns whether this attempt is the one that decides about closing.
    [[nodiscard]] bool is_probe() const noexcept { return !limit_.is_never(); }
    /// @returns when a probe counts as failed, never for others; take the tightest of it and the caller's own.
    [[nodiscard]] deadline limit() const noexcept { return limit_; }

    /// Tells how the attempt ended; an empty permit tells nothing.
    void settle(outcome how, time_point now) noexcept
    {
        circuit_breaker* owner = std::exchange(owner_, nullptr);
        if (owner == nullptr || (how == outcome::success && owner->is_calm(generation_)))
            return;
        owner->settle(generation_, how, now);
    }
    /// Ends it with nothing learnt.
    void drop() noexcept
    {
        circuit_breaker* owner = std::exchange(owner_, nullptr);
        if (owner != nullptr && is_probe())
            owner->drop_probe(generation_);
    }

private:
    friend class circuit_breaker;
    permit(circuit_breaker& owner, std::uint64_t generation, deadline limit) noexcept
        : owner_(&owner), generation_(generation), limit_(limit)
    {}

    circuit_breaker* owner_ = nullptr;
    std::uint64_t generation_ = 0;
    deadline limit_{};
};

/// The answer to a caller.
struct circuit_breaker::admission {
    /// Empty when the caller is refused.
    permit granted{};
    /// How long a refused caller stays away: until the answer may be another one, which is no promise.
    duration come_again_in{0};

    explicit operator bool() const noexcept { return static_cast<bool>(granted); }
};

inline circuit_breaker::admission circuit_breaker::admit(time_point now) noexcept
{
    if (state_ == breaker_state::closed) [[likely]]
        return {.granted = permit(*this, generation_, deadline::never())};
    return admit_when_not_closed(now);
}

} // namespace tradecore::resilience
