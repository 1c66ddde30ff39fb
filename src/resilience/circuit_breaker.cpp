// SPDX-License-Identifier: Apache-2.0
#include "resilience/demand.hpp"

#include <tradecore/resilience/backoff.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <algorithm>

namespace tradecore::resilience {

namespace {

/// Of a background pause, added at random.
constexpr double background_jitter = 0.25;
/// Changes that can follow from one call without listeners that act: a probe is overdue and another begins.
constexpr std::size_t usual_changes = 4;

} // namespace

circuit_breaker::circuit_breaker(const breaker_options& options, random_source random)
    : options_(options), random_(std::move(random))
{
    options_.validate();
    demand(static_cast<bool>(random_), "circuit_breaker: random must not be empty");
    untold_.reserve(usual_changes);
}

// --- callers ---------------------------------------------------------------------------------------

circuit_breaker::admission circuit_breaker::admit_when_not_closed(time_point now) noexcept
{
    now = latest(now);
    give_up_overdue_probe(now);
    admission answer;
    if (state_ == breaker_state::open && now >= caller_due_) {
        answer.granted = begin_probe(prober::caller, now);
    }
    else {
        ++stats_.refused;
        answer.come_again_in = come_again_in(now);
    }
    tell_listeners();
    return answer;
}

duration circuit_breaker::come_again_in(time_point now) const noexcept
{
    if (state_ == breaker_state::half_open)
        return saturating_distance(now, probe_ends_);
    // A background probe that is due and has not begun may never do so: nobody has to run them.
    const time_point chance =
        background_due_ > now ? background_due_ : saturating_sum(now, saturate(options_.background_probe));
    return saturating_distance(now, std::min(chance, caller_due_));
}

circuit_breaker::permit circuit_breaker::try_background_probe(time_point now) noexcept
{
    if (state_ == breaker_state::closed)
        return {};
    now = latest(now);
    give_up_overdue_probe(now);
    permit granted;
    if (state_ == breaker_state::open && now >= background_due_)
        granted = begin_probe(prober::background, now);
    tell_listeners();
    return granted;
}

std::optional<time_point> circuit_breaker::next_background_probe() const noexcept
{
    switch (state_) {
    case breaker_state::closed:
        return std::nullopt;
    case breaker_state::open:
        return background_due_;
    case breaker_state::half_open:
        return probe_ends_;
    }
    return std::nullopt;
}

std::optional<time_point> circuit_breaker::refuses_since() const noexcept
{
    if (state_ == breaker_state::closed)
        return std::nullopt;
    return opened_;
}

// --- outcomes --------------------------------------------------------------------------------------

void circuit_breaker::settle(std::uint64_t generation, outcome how, time_point now) noexcept
{
    if (generation != generation_) {
        ++stats_.stale;
        return;
    }
    now = latest(now);
    if (state_ == breaker_state::half_open)
        end_probe(how, now);
    else if (how == outcome::success)
        failures_ = 0;
    else if (how != outcome::neutral)
        count_failure(how, now);
    tell_listeners();
}

void circuit_breaker::count_failure(outcome how, time_point now) noexcept
{
    if (how == outcome::connection_lost) {
        if (now < burst_ends_)
            return;
        burst_ends_ = saturating_sum(now, saturate(options_.burst));
    }
    if (++failures_ < options_.failure_threshold)
        return;
    ++stats_.openings;
    opened_ = now;
    background_probes_ = 0;
    caller_due_ = saturating_sum(now, saturate(options_.caller_probe));
    plan_background_probe(now);
    change(breaker_state::open, breaker_cause::too_many_failures, now);
}

void circuit_breaker::drop_probe(std::uint64_t generation) noexcept
{
    if (generation != generation_)
        return; // given up before: it was overdue
    end_probe(outcome::neutral, latest_);
    tell_listeners();
}

// --- probes ----------------------------------------------------------------------------------------

circuit_breaker::permit circuit_breaker::begin_probe(prober who, time_point now) noexcept
{
    const bool background = who == prober::background;
    ++(background ? stats_.background_probes : stats_.caller_probes);
    prober_ = who;
    probe_began_ = now;
    probe_ends_ = saturating_sum(now, saturate(options_.probe_timeout));
    change(
        breaker_state::half_open,
        background ? breaker_cause::background_probe_begins : breaker_cause::caller_probe_begins, now);
    return permit(*this, generation_, deadline::at(probe_ends_));
}

void circuit_breaker::end_probe(outcome how, time_point now) noexcept
{
    if (now >= probe_ends_) {
        give_up_overdue_probe(now);
        return;
    }
    switch (how) {
    case outcome::success:
        failures_ = 0;
        burst_ends_ = time_point::min();
        change(breaker_state::closed, breaker_cause::probe_succeeded, now);
        break;
    case outcome::failure:
    case outcome::connection_lost:
        open_again(breaker_cause::probe_failed, now);
        break;
    case outcome::neutral:
        // A caller's turn goes to the next caller. A background probe must not begin again at once: what always
        // ends without telling anything, as with a wrong password, would spin.
        if (prober_ == prober::background)
            plan_background_probe(now);
        change(breaker_state::open, breaker_cause::probe_given_back, now);
        break;
    }
}

void circuit_breaker::give_up_overdue_probe(time_point now) noexcept
{
    if (state_ == breaker_state::half_open && now >= probe_ends_)
        open_again(breaker_cause::probe_overdue, probe_ends_);
}

void circuit_breaker::open_again(breaker_cause cause, time_point now) noexcept
{
    if (prober_ == prober::caller)
        caller_due_ = saturating_sum(probe_began_, saturate(options_.caller_probe));
    plan_background_probe(now);
    change(breaker_state::open, cause, now);
}

void circuit_breaker::plan_background_probe(time_point now) noexcept
{
    const backoff_policy policy{.base = options_.background_probe, .cap = options_.background_probe_limit, .jitter = 0};
    const auto whole = whole_pause(policy, background_probes_++);
    const auto more =
        std::chrono::duration<double, duration::period>(whole) * background_jitter * std::clamp(random_(), 0.0, 1.0);
    background_due_ = saturating_sum(now, saturating_sum(whole, saturate(more)));
}

// --- changes ---------------------------------------------------------------------------------------

time_point circuit_breaker::latest(time_point now) noexcept
{
    latest_ = std::max(latest_, now);
    return latest_;
}

void circuit_breaker::change(breaker_state to, breaker_cause cause, time_point when) noexcept
{
    const breaker_state from = std::exchange(state_, to);
    ++generation_;
    if (!listeners_.empty())
        untold_.push_back({.from = from, .to = to, .cause = cause, .when = when});
}

circuit_breaker::listener_id circuit_breaker::add_listener(listener told)
{
    demand(static_cast<bool>(told), "circuit_breaker: a listener must not be empty");
    listeners_.push_back({.id = next_listener_, .told = std::move(told)});
    return next_listener_++;
}

void circuit_breaker::remove_listener(listener_id which) noexcept
{
    const auto found =
        std::find_if(listeners_.begin(), listeners_.end(), [which](const auto& each) { return each.id == which; });
    if (found == listeners_.end())
        return;
    if (telling_)
        found->ended = true; // it may be the one that runs
    else
        listeners_.erase(found);
}

void circuit_breaker::tell_listeners() noexcept
{
    if (telling_ || untold_.empty())
        return;
    telling_ = true;
    // By index: a listener that acts adds changes to the end.
    for (std::size_t next = 0; next < untold_.size();) {
        const breaker_change what = untold_[next++];
        for (subscription& each : listeners_) {
            if (each.ended)
                continue;
            try {
                each.told(what);
            }
            catch (...) { // NOLINT(bugprone-empty-catch): said at `listener`
            }
        }
    }
    untold_.clear();
    telling_ = false;
    listeners_.remove_if([](const subscription& each) { return each.ended; });
}

} // namespace tradecore::resilience
