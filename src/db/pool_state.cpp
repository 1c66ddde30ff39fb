// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_state.hpp>
#include <tradecore/resilience/backoff.hpp>

#include <algorithm>
#include <iterator>
#include <ranges>

namespace tradecore {
namespace {

/// How often idle connections are looked at for dead ones.
constexpr std::chrono::seconds look_every{30};
/// The server has no room: asking again at once only keeps it full.
constexpr std::chrono::seconds no_room_pause{1};
constexpr double lifetime_jitter = 0.1;
constexpr double keepalive_jitter = 0.2;
/// A check that has taken this part of its time is not waited for any longer by who could have a new connection.
constexpr int patience_with_checks = 8;

/// @returns `whole` less a random part of `share` of it.
pool_state::clock::duration jittered(std::chrono::milliseconds whole, double share, double lottery)
{
    return std::chrono::duration_cast<pool_state::clock::duration>(
        std::chrono::duration<double>(whole) * (1.0 - share * lottery));
}

} // namespace

pool_state::time_point pool_state::heard_of(slot which) const
{
    return std::max(records_[which].idle_since, records_[which].checked);
}

bool pool_state::needs_check(slot which, time_point now) const
{
    return now - heard_of(which) > options_.idle_check_after;
}

std::size_t pool_state::timely_checks(time_point now) const
{
    if (checking_ == 0)
        return 0;
    const auto late = now - options_.validation_timeout / patience_with_checks;
    return static_cast<std::size_t>(std::ranges::count_if(
        records_, [late](const record& one) { return one.where == place::checked && one.check_began > late; }));
}

std::optional<pool_state::slot> pool_state::take_idle(time_point now)
{
    if (suspended_ || !waiters_.empty())
        return std::nullopt;
    // Mostly the last. One that is checked to keep it alive may be above suspicion, and yet not have been used last.
    const auto found =
        std::ranges::find_if(std::views::reverse(idle_), [this, now](slot each) { return !needs_check(each, now); });
    if (found == idle_.rend())
        return std::nullopt;
    const slot which = *found;
    idle_.erase(std::prev(found.base()));
    records_[which].where = place::active;
    ++active_;
    return which;
}

pool_state::ticket pool_state::wait(bool may_share)
{
    const ticket added = next_ticket_++;
    wait_again(added, may_share);
    return added;
}

void pool_state::wait_again(ticket who, bool may_share)
{
    waiters_.insert(waiters_.end(), who);
    if (may_share)
        sharers_.insert(sharers_.end(), who);
}

bool pool_state::may_share_now(time_point now) const noexcept
{
    const bool may_grow = size() + connecting_ < options_.maximum && now >= no_connect_before_;
    return waiters_.empty() && idle_.empty() && !may_grow && !suspended_ && !closing_;
}

std::optional<pool_state::ticket> pool_state::first_sharer() const noexcept
{
    if (sharers_.empty() || suspended_ || *sharers_.begin() != *waiters_.begin())
        return std::nullopt;
    return *sharers_.begin();
}

bool pool_state::withdraw(ticket who)
{
    const bool waited = waiters_.erase(who) != 0;
    sharers_.erase(who);
    if (waiters_.empty())
        ramp_ = 1;
    return waited;
}

std::optional<pool_state::ticket> pool_state::take_first_waiter()
{
    if (callers() == 0)
        return std::nullopt;
    const ticket first = *waiters_.begin();
    waiters_.erase(waiters_.begin());
    sharers_.erase(first);
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
    record& gone = records_[which];
    if (gone.where == place::idle)
        std::erase(idle_, which);
    else
        --active_;
    if (gone.where == place::checked)
        --checking_;
    gone.where = place::free;
    free_.push_back(which);
}

void pool_state::drop_from_idle(const std::vector<slot>& ended)
{
    for (const slot which : ended)
        removed(which);
}

bool pool_state::must_end(slot which, time_point now) const
{
    return records_[which].evicted || records_[which].ends <= now;
}

std::optional<pool_state::slot> pool_state::take_for_check(time_point now)
{
    if (closing_ || idle_.empty())
        return std::nullopt;
    auto chosen = std::prev(idle_.end());
    if (callers() <= checking_) {
        // For its own sake: one after the other, nobody waits for it.
        if (options_.keepalive_time.count() == 0 || checking_ > 0)
            return std::nullopt;
        chosen = std::ranges::find_if(
            idle_, [this, now](slot which) { return now - heard_of(which) >= records_[which].keepalive; });
        if (chosen == idle_.end())
            return std::nullopt;
    }
    const slot which = *chosen;
    idle_.erase(chosen);
    records_[which].where = place::checked;
    records_[which].check_began = now;
    ++active_;
    ++checking_;
    return which;
}

std::optional<pool_state::ticket> pool_state::check_passed(slot which, time_point now)
{
    record& alive = records_[which];
    alive.checked = now;
    --checking_;
    if (const auto next = take_first_waiter()) {
        alive.where = place::active;
        return next;
    }
    alive.where = place::idle;
    --active_;
    const auto below = [this](time_point since, slot other) { return since < records_[other].idle_since; };
    idle_.insert(std::upper_bound(idle_.begin(), idle_.end(), alive.idle_since, below), which);
    return std::nullopt;
}

std::vector<pool_state::slot> pool_state::take_suspects(time_point now, time_point began)
{
    std::vector<slot> suspects;
    std::ranges::copy_if(idle_, std::back_inserter(suspects), [this, now, began](slot which) {
        return needs_check(which, now) && heard_of(which) < began;
    });
    drop_from_idle(suspects);
    return suspects;
}

bool pool_state::wants_connect(time_point now) const
{
    const std::size_t total = size() + connecting_;
    // While suspended not even up to `minimum`: what is made now may lead to the server that is being left.
    if (closing_ || suspended_ || total >= options_.maximum || now < no_connect_before_)
        return false;
    if (total < options_.minimum)
        return connecting_ < options_.maximum_connecting;
    // Nobody needs more than one connection, and a pool that has none cannot be served by patience.
    const std::size_t at_once = size() == 0 ? options_.maximum_connecting : ramp_;
    return callers() > connecting_ + timely_checks(now) && connecting_ < std::min(at_once, options_.maximum_connecting);
}

pool_state::placed pool_state::connect_succeeded(time_point now, double lottery)
{
    if (size() == 0)
        looked_ = now;
    --connecting_;
    failures_ = 0;
    no_connect_before_ = {};
    slot which = 0;
    if (free_.empty()) {
        which = static_cast<slot>(records_.size());
        // There is memory for it to come and go as it will: `give_back` and `removed` do not throw.
        free_.reserve(which + 1);
        idle_.reserve(which + 1);
        records_.emplace_back();
    }
    else {
        which = free_.back();
        free_.pop_back();
    }
    record& made = records_[which];
    made = {.where = place::active, .idle_since = now};
    if (options_.max_lifetime.count() > 0)
        made.ends = now + jittered(options_.max_lifetime, lifetime_jitter, lottery);
    made.keepalive = jittered(options_.keepalive_time, keepalive_jitter, lottery);
    ++active_;
    const auto owner = give_back(which, now);
    ramp_ = waiters_.empty() ? 1 : std::min(ramp_ * 2, options_.maximum_connecting);
    return {which, owner};
}

std::optional<pool_state::ticket> pool_state::connect_failed(time_point now, bool no_room, double lottery)
{
    --connecting_;
    const auto pause = pause_after(failures_++, lottery);
    no_connect_before_ = now + (no_room ? std::max<clock::duration>(pause, no_room_pause) : pause);
    if (no_room && size() > 0)
        return std::nullopt;
    return take_first_waiter();
}

void pool_state::turned_down(time_point now, double lottery)
{
    no_connect_before_ = now + pause_after(turned_down_++, lottery);
}

pool_state::clock::duration pool_state::pause_after(unsigned failures, double lottery) const
{
    const resilience::backoff_policy half{
        .base = options_.connect_backoff, .cap = options_.connect_backoff_limit, .jitter = 0.5};
    return resilience::pause(half, failures, lottery);
}

std::vector<pool_state::slot> pool_state::take_expired(time_point now, const std::function<bool(slot)>& is_dead)
{
    looked_ = now;
    std::vector<slot> ended;
    const std::size_t all = size();
    for (const slot which : idle_) {
        const bool surplus = options_.idle_timeout.count() > 0 &&
                             now - records_[which].idle_since >= options_.idle_timeout &&
                             all - ended.size() > options_.minimum;
        if (surplus || must_end(which, now) || is_dead(which))
            ended.push_back(which);
    }
    drop_from_idle(ended);
    return ended;
}

std::optional<pool_state::time_point> pool_state::next_event(time_point now) const
{
    if (closing_)
        return std::nullopt;
    std::optional<time_point> next;
    const auto consider = [&next](time_point when) { next = next ? std::min(*next, when) : when; };
    const std::size_t total = size() + connecting_;
    const bool is_short = callers() > 0 || (total < options_.minimum && !suspended_);
    if (no_connect_before_ > now && total < options_.maximum && is_short)
        consider(no_connect_before_);
    if (size() > 0)
        consider(std::max(now, looked_ + look_every));
    for (const record& one : records_) {
        const auto late = one.check_began + options_.validation_timeout / patience_with_checks;
        if (one.where == place::checked && callers() > 0 && late > now)
            consider(late);
    }
    for (const slot which : idle_) {
        consider(std::max(now, records_[which].ends));
        if (options_.idle_timeout.count() > 0 && size() > options_.minimum)
            consider(std::max(now, records_[which].idle_since + options_.idle_timeout));
        if (options_.keepalive_time.count() > 0 && checking_ == 0)
            consider(std::max(now, heard_of(which) + records_[which].keepalive));
    }
    return next;
}

std::vector<pool_state::placed> pool_state::resume(time_point now)
{
    suspended_ = false;
    std::vector<placed> served;
    while (!idle_.empty() && !needs_check(idle_.back(), now)) {
        const auto next = take_first_waiter();
        if (!next)
            break;
        const slot which = idle_.back();
        idle_.pop_back();
        records_[which].where = place::active;
        ++active_;
        served.push_back({which, next});
    }
    return served;
}

pool_state::evicted pool_state::evict(const std::function<bool(slot)>& is_unwanted)
{
    evicted ended;
    std::vector<slot> active;
    for (slot which = 0; which < records_.size(); ++which) {
        const place where = records_[which].where;
        if (where != place::free && is_unwanted(which))
            (where == place::idle ? ended.idle : active).push_back(which);
    }
    drop_from_idle(ended.idle);
    for (const slot which : active)
        records_[which].evicted = true;
    ended.active = active.size();
    return ended;
}

std::vector<pool_state::slot> pool_state::take_all_idle()
{
    const std::vector<slot> all = idle_;
    drop_from_idle(all);
    return all;
}

std::vector<pool_state::ticket> pool_state::take_all_waiters()
{
    std::vector<ticket> all(waiters_.begin(), waiters_.end());
    waiters_.clear();
    sharers_.clear();
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
