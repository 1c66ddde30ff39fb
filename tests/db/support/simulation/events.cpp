// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>

namespace tradecore::test {

/// Something that is due, or under way and could end now.
struct simulation::event {
    enum class kind {
        woken,
        waited_out,
        rested,
        executed,
        overdue,
        connected,
        connect_late,
        checked,
        check_late,
        cleaned,
        clean_late,
        pool_time,
        probe_time
    } what;
    caller_place who{};
    std::size_t which = 0;
};

std::vector<simulation::event> simulation::possible_events()
{
    using enum event::kind;
    std::vector<event> due;
    const bool talks = mood_ != server_mood::silent;
    for (auto who = callers_.begin(); who != callers_.end(); ++who) {
        if (who->where == caller_state::waiting && (who->granted || who->refused))
            due.push_back({woken, who});
        else if (who->where == caller_state::waiting && now_ >= who->until)
            due.push_back({waited_out, who});
        else if (who->where == caller_state::pausing && now_ >= who->limit)
            due.push_back({rested, who});
        else if (who->where == caller_state::executing && now_ >= who->limit)
            due.push_back({overdue, who});
        else if (who->where == caller_state::executing && (talks || !connections_[who->on].open))
            due.push_back({executed, who});
    }
    for (std::size_t i = 0; i < connects_.size(); ++i) {
        if (now_ >= connects_[i].began + connect_timeout)
            due.push_back({connect_late, {}, i});
        else if (talks)
            due.push_back({connected, {}, i});
    }
    for (slot i = 0; i < connections_.size(); ++i) {
        const auto& one = connections_[i];
        if (one.how == connection_use::checked && now_ >= one.since + settings_.pool.validation_timeout)
            due.push_back({check_late, {}, i});
        else if (one.how == connection_use::checked && (talks || !one.open))
            due.push_back({checked, {}, i});
        if (one.how == connection_use::cleaned && now_ >= one.since + settings_.pool.cleanup_timeout)
            due.push_back({clean_late, {}, i});
        else if (one.how == connection_use::cleaned && (talks || !one.open))
            due.push_back({cleaned, {}, i});
    }
    if (pool_timer_runs_ && now_ >= pool_timer_)
        due.push_back({pool_time});
    if (probe_due_ && now_ >= *probe_due_)
        due.push_back({probe_time});
    return due;
}

bool simulation::handle_one_event()
{
    const auto possible = possible_events();
    if (possible.empty())
        return false;
    handle(possible[chance_.below(possible.size())]);
    check_invariants();
    return true;
}

void simulation::handle(const event& next)
{
    using enum event::kind;
    const auto connection_of = static_cast<slot>(next.which);
    switch (next.what) {
    case woken:
        wake(next.who);
        break;
    case waited_out:
        wait_ended(next.who);
        break;
    case rested:
        if (was_prompt_)
            require(now_ == next.who->limit, "a pause is as long as it was said");
        begin(next.who);
        break;
    case executed:
        answer(next.who);
        break;
    case overdue:
        handle_timeout(next.who);
        break;
    case connected:
        end_connect(next.which, any_connect_error());
        break;
    case connect_late:
        end_connect(next.which, &faults::all().connect_late);
        break;
    case checked:
        end_check(connection_of, mood_ == server_mood::well || mood_ == server_mood::colliding, true);
        break;
    case check_late:
        connections_[connection_of].open = false;
        end_check(connection_of, false, false);
        break;
    case cleaned:
        connections_[connection_of].open = connections_[connection_of].open && mood_ != server_mood::away;
        offer(connection_of);
        break;
    case clean_late:
        connections_[connection_of].open = false;
        offer(connection_of);
        break;
    case pool_time:
        on_pool_timer();
        break;
    case probe_time:
        probe();
        break;
    }
}

void simulation::handle_timeout(caller_place who)
{
    if (who->call && was_prompt_ && !who->call->limit().is_never())
        require(now_ <= who->call->limit().when() + 1ms, "no attempt lasts beyond the deadline");
    const bool stops = mood_ != server_mood::away && mood_ != server_mood::silent;
    if (!who->call)
        connections_[who->on].open = false;
    end_execution(who, stops && connections_[who->on].open ? faults::all().late : faults::all().late_and_silent);
}

const fault_row* simulation::any_connect_error()
{
    const auto& all = faults::all().connecting;
    switch (mood_) {
    case server_mood::well:
    case server_mood::colliding:
        return nullptr;
    case server_mood::troubled:
        return chance_.one_in(2) ? nullptr : &all[chance_.below(all.size())];
    case server_mood::away:
    case server_mood::silent:
        break;
    }
    return all.data();
}

std::optional<time_point> simulation::next_due() const
{
    std::optional<time_point> next;
    const auto consider = [&next](time_point when) { next = next ? std::min(*next, when) : when; };
    for (const auto& who : callers_) {
        if (who.where == caller_state::waiting)
            consider(who.granted || who.refused ? now_ : who.until);
        else
            consider(who.limit);
    }
    for (const auto& one : connects_)
        consider(one.began + connect_timeout);
    for (const auto& one : connections_) {
        if (one.how == connection_use::checked)
            consider(one.since + settings_.pool.validation_timeout);
        else if (one.how == connection_use::cleaned)
            consider(one.since + settings_.pool.cleanup_timeout);
    }
    if (pool_timer_runs_)
        consider(pool_timer_);
    if (probe_due_)
        consider(*probe_due_);
    return next;
}

void simulation::pass_time(duration step)
{
    const auto due = next_due();
    const auto latest = due ? *due + (settings_.is_prompt ? 0ms : greatest_delay) : time_point::max();
    now_ = std::max(now_, std::min(now_ + step, latest));
}

} // namespace tradecore::test
