// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>
#include <set>

namespace tradecore::test {

std::optional<slot> simulation::pick_idle()
{
    while (const auto which = pool_.take_idle(now_)) {
        require(waiting_.empty(), "nobody overtakes who waits");
        require(!pool_.is_suspended(), "a suspended pool lends nothing");
        require(connections_[*which].how == connection_use::idle, "nothing is lent twice");
        require(
            now_ - connections_[*which].heard <= settings_.pool.idle_check_after, "what was silent is checked first");
        connections_[*which].how = connection_use::lent;
        if (is_fit(*which))
            return which;
    }
    return std::nullopt;
}

bool simulation::is_fit(slot which)
{
    if (connections_[which].open && !pool_.must_end(which, now_))
        return true;
    drop(which);
    pump();
    return false;
}

void simulation::drop(slot which)
{
    pool_.removed(which);
    connections_[which] = {};
}

void simulation::give_back(slot which, bool dirty)
{
    if (dirty && connections_[which].open) {
        connections_[which].how = connection_use::cleaned;
        connections_[which].since = now_;
        return;
    }
    offer(which);
}

void simulation::offer(slot which)
{
    if (!connections_[which].open || pool_.must_end(which, now_)) {
        drop(which);
        pump();
        return;
    }
    hand_on(pool_.give_back(which, now_), which);
}

void simulation::hand_on(std::optional<ticket> next, slot which)
{
    require(next.has_value() == (!waiting_.empty() && !pool_.is_suspended()), "what becomes free goes to who waits");
    connections_[which].how = connection_use::idle;
    connections_[which].heard = connections_[which].used = now_;
    if (next)
        serve(*next, which);
}

void simulation::pump()
{
    while (const auto which = pool_.take_for_check(now_)) {
        require(connections_[*which].how == connection_use::idle, "only what is idle is checked");
        const auto unused = now_ - connections_[*which].used;
        const auto keepalive = settings_.pool.keepalive_time;
        require(
            unused > settings_.pool.idle_check_after || (keepalive > 0ms && unused >= keepalive * 4 / 5),
            "only what was silent is checked");
        connections_[*which].how = connection_use::checked;
        connections_[*which].since = now_;
        if (!connections_[*which].open || pool_.must_end(*which, now_))
            drop(*which);
    }
    while (pool_.wants_connect(now_)) {
        const auto stats = pool_.stats();
        require(
            !waiting_.empty() || stats.size + stats.connecting < settings_.pool.minimum, "nobody connects for nobody");
        require(
            stats.size + stats.connecting < settings_.pool.minimum || callers_in_line() > stats.connecting,
            "no caller needs more than one connect");
        require(now_ >= no_connect_before_, "a failed connect is followed by a pause, which grows");
        require(!pool_.is_suspended(), "a suspended pool connects to nothing");
        pool_.connect_started();
        connects_.push_back({now_});
    }
    // As the pool does it: a timer that stands at the right time is left alone.
    const auto next = pool_.next_event(now_);
    if (next && pool_timer_ != *next) {
        pool_timer_ = *next;
        pool_timer_runs_ = true;
    }
}

void simulation::end_connect(std::size_t which, const fault_row* error)
{
    const connect one = connects_[which];
    connects_.erase(connects_.begin() + static_cast<std::ptrdiff_t>(which));
    if (!error && one.is_unwanted) {
        pool_.connect_abandoned();
    }
    else if (!error) {
        last_connect_error_ = nullptr;
        no_connect_before_ = {};
        connect_failures_ = 0;
        const auto made = pool_.connect_succeeded(now_, chance_.lottery());
        if (connections_.size() <= made.where)
            connections_.resize(made.where + 1);
        require(connections_.size() <= settings_.pool.maximum, "places are used again");
        require(connections_[made.where].how == connection_use::none, "a new connection has a place of its own");
        require(!pool_.must_end(made.where, now_), "a new connection is new");
        connections_[made.where] = {.how = connection_use::idle, .open = true};
        tell("connection {} is made", made.where);
        hand_on(made.owner, made.where);
    }
    else {
        connect_failed(*error);
    }
    pump();
}

void simulation::connect_failed(const fault_row& error)
{
    tell("a connect fails: {}", error.name);
    last_connect_error_ = &error;
    const bool no_room = error.name == "53300";
    const bool makes_do = no_room && pool_.stats().size > 0;
    const auto told = pool_.connect_failed(now_, no_room, chance_.lottery());
    const resilience::backoff_policy growing{
        .base = settings_.pool.connect_backoff, .cap = settings_.pool.connect_backoff_limit};
    const auto least = resilience::whole_pause(growing, connect_failures_++) / 2;
    no_connect_before_ = now_ + (no_room ? std::max<duration>(least, 1s) : least);
    require(
        told.has_value() == (!waiting_.empty() && !pool_.is_suspended() && !makes_do),
        "a failed connect tells one who waits");
    if (!told)
        return;
    require(*told == *waiting_.begin(), "a failed connect tells the first");
    waiting_.erase(*told);
    holder_of(*told)->refused = &error;
}

void simulation::end_check(slot which, bool answered, bool in_time)
{
    const auto began = connections_[which].since;
    if (answered && connections_[which].open && !pool_.must_end(which, now_)) {
        const auto used = connections_[which].used;
        hand_on(pool_.check_passed(which, now_), which);
        connections_[which].used = used;
    }
    else {
        ++seen_.checks_in_vain;
        drop(which);
    }
    if (!in_time) {
        for (const slot also : pool_.take_suspects(now_, began)) {
            require(connections_[also].heard < began, "who was heard of meanwhile is not suspected");
            connections_[also] = {};
        }
    }
    pump();
}

void simulation::on_pool_timer()
{
    pool_timer_runs_ = false;
    const auto all = pool_.stats().size;
    std::set<slot> ends;
    for (slot which = 0; which < connections_.size(); ++which) {
        if (connections_[which].how == connection_use::idle &&
            (!connections_[which].open || pool_.must_end(which, now_)))
            ends.insert(which);
    }
    std::size_t surplus = 0;
    for (const slot which : pool_.take_expired(now_, [this](slot each) { return !connections_[each].open; })) {
        surplus += ends.erase(which) == 0 ? 1U : 0U;
        connections_[which] = {};
    }
    require(ends.empty(), "what is dead or old ends when it is looked at");
    require(surplus == 0 || all - surplus >= settings_.pool.minimum, "nothing ends below the minimum for being idle");
    pump();
}

void simulation::resume()
{
    if (!pool_.is_suspended())
        return;
    for (const auto& [which, owner] : pool_.resume(now_)) {
        require(connections_[which].how == connection_use::idle, "what is idle is lent");
        serve(*owner, which);
    }
    pump();
}

void simulation::evict(bool all)
{
    std::set<slot> unwanted;
    for (slot which = 0; which < connections_.size(); ++which) {
        if (connections_[which].how != connection_use::none && (all || chance_.one_in(2)))
            unwanted.insert(which);
    }
    const auto ended = pool_.evict([&](slot which) { return unwanted.contains(which); });
    require(ended.idle.size() + ended.active == unwanted.size(), "what is unwanted is evicted");
    for (const slot which : unwanted)
        connections_[which].is_unwanted = true;
    for (const slot which : ended.idle)
        connections_[which] = {};
    for (auto& each : connects_)
        each.is_unwanted = each.is_unwanted || all;
    pump();
}

} // namespace tradecore::test
