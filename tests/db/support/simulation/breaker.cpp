// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>
#include <iterator>

namespace tradecore::test {

void simulation::settle(caller& who, outcome how)
{
    if (!who.by)
        return;
    const bool timeless = how == outcome::success && !who.by.is_probe();
    const bool counts = breaker_.state() == breaker_state::closed && who.closings == closings_ && !who.by.is_probe();
    if (counts && how == outcome::success)
        failures_ = losses_ = 0;
    else if (counts && how == outcome::failure)
        ++failures_;
    else if (counts && how == outcome::connection_lost)
        ++losses_;
    who.by.settle(how, timeless ? time_point::min() : now_);
    if (breaker_.state() == breaker_state::closed)
        require(failures_ < settings_.breaker.failure_threshold, "so many failures open the breaker");
}

void simulation::on_change(const resilience::breaker_change& what)
{
    tell("breaker {} -> {}: {}", to_string(what.from), to_string(what.to), to_string(what.cause));
    if (what.from == breaker_state::closed) {
        ++seen_.openings;
        openings_are_sound_ = openings_are_sound_ && failures_ + losses_ >= settings_.breaker.failure_threshold;
    }
    if (what.to == breaker_state::closed) {
        ++closings_;
        failures_ = losses_ = 0;
    }
    // The coroutine that probes is woken when callers begin or cease to be refused; it asks again when.
    if ((what.from == breaker_state::closed || what.to == breaker_state::closed) && !probing_)
        probe_due_ = now_;
}

void simulation::probe()
{
    probe_due_.reset();
    auto by = breaker_.try_background_probe(now_);
    if (!by) {
        plan_probe();
        return;
    }
    require(
        !last_probe_ || now_ - *last_probe_ >= settings_.breaker.background_probe,
        "there is a pause between probes in the background");
    last_probe_ = now_;
    auto& who = callers_.emplace_back(0U);
    who.by = std::move(by);
    who.closings = closings_;
    probing_ = std::prev(callers_.end());
    others_ = pool_.stats().idle;
    pool_.end_pause();
    no_connect_before_ = {};
    tell("a probe in the background");
    ask_pool(*probing_);
}

void simulation::probe_over(caller_place who)
{
    callers_.erase(who);
    probing_.reset();
    plan_probe();
}

bool simulation::probe_goes_on(caller_place who, slot on)
{
    if (connections_[on].open || others_ == 0 || who->by.limit().has_passed(now_))
        return false;
    --others_;
    give_back(on, false);
    ask_pool(who);
    return true;
}

void simulation::plan_probe()
{
    const auto due = breaker_.next_background_probe();
    probe_due_ = due ? std::optional(std::max(*due, now_)) : std::nullopt;
}

} // namespace tradecore::test
