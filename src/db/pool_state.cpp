// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_state.hpp>
#include <tradecore/resilience/backoff.hpp>

#include <algorithm>
#include <stdexcept>

namespace tradecore {
namespace {

/// How often idle connections are looked at for dead ones.
constexpr std::chrono::seconds look_every{30};
/// The server has no room: asking again at once only keeps it full.
constexpr std::chrono::seconds no_room_pause{1};
constexpr double lifetime_jitter = 0.1;

} // namespace

void pool_options::validate() const
{
    const auto demand = [](bool holds, const char* problem) {
        if (!holds)
            throw std::invalid_argument(problem);
    };
    demand(maximum >= 1, "pool_options.maximum must be at least 1");
    demand(minimum <= maximum, "pool_options.minimum must not be above maximum");
    demand(maximum_connecting >= 1, "pool_options.maximum_connecting must be at least 1");
    demand(acquire_timeout.count() > 0, "pool_options.acquire_timeout must be positive");
    demand(idle_check_after.count() >= 0, "pool_options.idle_check_after must not be negative");
    demand(idle_timeout.count() >= 0, "pool_options.idle_timeout must not be negative");
    demand(max_lifetime.count() >= 0, "pool_options.max_lifetime must not be negative");
    demand(cleanup_timeout.count() > 0, "pool_options.cleanup_timeout must be positive");
    demand(connect_backoff.count() > 0, "pool_options.connect_backoff must be positive");
    demand(
        connect_backoff_limit >= connect_backoff,
        "pool_options.connect_backoff_limit must not be below connect_backoff");
    demand(slow_acquire.count() >= 0, "pool_options.slow_acquire must not be negative");
    demand(
        exhaustion_threshold > 0 && exhaustion_threshold <= 1,
        "pool_options.exhaustion_threshold must be above 0 and at most 1");
}

std::optional<pool_state::slot> pool_state::take_idle()
{
    if (idle_.empty() || !waiters_.empty())
        return std::nullopt;
    const slot which = idle_.back();
    idle_.pop_back();
    records_[which].where = place::active;
    ++active_;
    return which;
}

pool_state::ticket pool_state::wait()
{
    waiters_.insert(waiters_.end(), next_ticket_);
    return next_ticket_++;
}

bool pool_state::withdraw(ticket who)
{
    const bool waited = waiters_.erase(who) != 0;
    if (waiters_.empty())
        ramp_ = 1;
    return waited;
}

std::optional<pool_state::ticket> pool_state::take_first_waiter()
{
    if (waiters_.empty())
        return std::nullopt;
    const ticket first = *waiters_.begin();
    waiters_.erase(waiters_.begin());
    if (waiters_.empty())
        ramp_ = 1;
    return first;
}

std::optional<pool_state::ticket> pool_state::give_back(slot which, time_point now)
{
    if (const auto next = take_first_waiter())
        return next;
    records_[which].where = place::idle;
    records_[which].idle_since = now;
    idle_.push_back(which);
    --active_;
    return std::nullopt;
}

void pool_state::removed(slot which)
{
    if (records_[which].where == place::active)
        --active_;
    else
        std::erase(idle_, which);
    records_[which].where = place::free;
    free_.push_back(which);
}

bool pool_state::is_expired(slot which, time_point now) const
{
    return records_[which].ends <= now;
}

pool_state::clock::duration pool_state::idle_for(slot which, time_point now) const
{
    return now - records_[which].idle_since;
}

bool pool_state::wants_connect(time_point now) const
{
    const std::size_t total = size() + connecting_;
    if (closing_ || total >= options_.maximum || now < no_connect_before_)
        return false;
    if (total < options_.minimum)
        return connecting_ < options_.maximum_connecting;
    // Nobody needs more than one connection, and a pool that has none cannot be served by patience.
    const std::size_t at_once = size() == 0 ? options_.maximum_connecting : ramp_;
    return waiters_.size() > connecting_ && connecting_ < std::min(at_once, options_.maximum_connecting);
}

pool_state::connected pool_state::connect_succeeded(time_point now, double lottery)
{
    --connecting_;
    failures_ = 0;
    no_connect_before_ = {};
    slot which = 0;
    if (free_.empty()) {
        which = static_cast<slot>(records_.size());
        records_.emplace_back();
    }
    else {
        which = free_.back();
        free_.pop_back();
    }
    record& made = records_[which];
    made.where = place::active;
    made.idle_since = now;
    made.ends = time_point::max();
    if (options_.max_lifetime.count() > 0) {
        const auto lives = std::chrono::duration<double>(options_.max_lifetime) * (1.0 - lifetime_jitter * lottery);
        made.ends = now + std::chrono::duration_cast<clock::duration>(lives);
    }
    ++active_;
    const auto owner = give_back(which, now);
    ramp_ = waiters_.empty() ? 1 : std::min(ramp_ * 2, options_.maximum_connecting);
    return {which, owner};
}

std::optional<pool_state::ticket> pool_state::connect_failed(time_point now, bool no_room, double lottery)
{
    --connecting_;
    const resilience::backoff_policy half{
        .base = options_.connect_backoff, .cap = options_.connect_backoff_limit, .jitter = 0.5};
    const auto pause = resilience::pause(half, failures_++, lottery);
    no_connect_before_ = now + (no_room ? std::max<clock::duration>(pause, no_room_pause) : pause);
    if (no_room && size() > 0)
        return std::nullopt;
    return take_first_waiter();
}

std::vector<pool_state::slot> pool_state::take_expired(time_point now, const std::function<bool(slot)>& is_dead)
{
    std::vector<slot> ended;
    const std::size_t all = size();
    for (const slot which : idle_) {
        const bool surplus = options_.idle_timeout.count() > 0 && idle_for(which, now) >= options_.idle_timeout &&
                             all - ended.size() > options_.minimum;
        if (surplus || is_expired(which, now) || is_dead(which))
            ended.push_back(which);
    }
    for (const slot which : ended)
        removed(which);
    return ended;
}

std::optional<pool_state::time_point> pool_state::next_event(time_point now) const
{
    if (closing_)
        return std::nullopt;
    std::optional<time_point> next;
    const auto consider = [&next](time_point when) { next = next ? std::min(*next, when) : when; };
    const std::size_t total = size() + connecting_;
    if (no_connect_before_ > now && total < options_.maximum && (!waiters_.empty() || total < options_.minimum))
        consider(no_connect_before_);
    if (size() > 0)
        consider(now + look_every);
    for (const slot which : idle_) {
        consider(std::max(now, records_[which].ends));
        if (options_.idle_timeout.count() > 0 && size() > options_.minimum)
            consider(std::max(now, records_[which].idle_since + options_.idle_timeout));
    }
    return next;
}

std::vector<pool_state::slot> pool_state::take_all_idle()
{
    const std::vector<slot> all = idle_;
    for (const slot which : all)
        removed(which);
    return all;
}

std::vector<pool_state::ticket> pool_state::take_all_waiters()
{
    std::vector<ticket> all(waiters_.begin(), waiters_.end());
    waiters_.clear();
    ramp_ = 1;
    return all;
}

pool_stats pool_state::stats() const noexcept
{
    return {
        .size = size(),
        .active = active_,
        .idle = idle_.size(),
        .waiting = waiters_.size(),
        .connecting = connecting_,
        .minimum = options_.minimum,
        .maximum = options_.maximum,
    };
}

} // namespace tradecore
