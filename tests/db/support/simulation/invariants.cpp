// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>

namespace tradecore::test {

std::size_t simulation::timely_checks() const
{
    const auto late = now_ - settings_.pool.validation_timeout / 8 - 1ms;
    return static_cast<std::size_t>(std::ranges::count_if(connections_, [late](const connection& one) {
        return one.how == connection_use::checked && one.since > late;
    }));
}

void simulation::check_invariants()
{
    const auto stats = pool_.stats();
    const auto in_use = [this](connection_use how) {
        return static_cast<std::size_t>(
            std::ranges::count_if(connections_, [how](const connection& one) { return one.how == how; }));
    };
    require(stats.idle == in_use(connection_use::idle), "what is idle is idle");
    require(
        stats.active ==
            in_use(connection_use::lent) + in_use(connection_use::checked) + in_use(connection_use::cleaned),
        "what is active is lent, checked or cleaned");
    require(pool_.checking() == in_use(connection_use::checked), "checks are counted");
    require(stats.waiting == waiting_.size(), "who waits is counted");
    require(stats.connecting == connects_.size(), "connects are counted");
    require(stats.size + stats.connecting <= settings_.pool.maximum, "never more connections than the maximum");
    require(stats.connecting <= settings_.pool.maximum_connecting, "connects are bounded");
    const auto lent = static_cast<std::size_t>(std::ranges::count_if(callers_, [](const caller& who) {
        return who.where == caller_state::executing || (who.where == caller_state::waiting && who.granted);
    }));
    require(lent == in_use(connection_use::lent), "what is lent has one user");
    const auto callers = callers_in_line();
    require(stats.idle == 0 || callers <= pool_.checking(), "nothing is idle that somebody could use");
    const bool is_short = !pool_.is_suspended() && stats.size + stats.connecting < settings_.pool.maximum &&
                          (callers > timely_checks() || stats.size + stats.connecting < settings_.pool.minimum);
    require(
        !is_short || stats.connecting > 0 ||
            (pool_timer_runs_ && pool_timer_ <= now_ + settings_.pool.connect_backoff_limit),
        "while somebody waits and there is room, a connect is running or "
        "its time is known");
    const auto probes = std::ranges::count_if(
        callers_, [this](const caller& who) { return who.is_probe() && !who.by.limit().has_passed(now_); });
    require(probes <= 1, "one probe at a time");
    require(probes == 0 || breaker_.state() == breaker_state::half_open, "a probe is known to the breaker");
    require(
        breaker_.state() == breaker_state::closed || probing_ || probe_due_,
        "while callers are refused somebody finds out when that ends");
    require(openings_are_sound_, "nothing but failures opens the breaker");
}

bool simulation::is_at_rest() const
{
    const auto stats = pool_.stats();
    return callers_.empty() && connects_.empty() && stats.active == 0 && stats.waiting == 0 &&
           stats.size >= settings_.pool.minimum && breaker_.state() == breaker_state::closed && !probe_due_;
}

void simulation::use_the_budget()
{
    now_ += whole_window + 2s;
    const attempt_facts unsent{.phase = attempt_phase::acquiring};
    const auto once_more = [&] {
        repeated_call one(retries_, nullptr, "call", std::nullopt);
        return one.failed(faults::all().connecting[0].error, unsent).has_value();
    };
    for (std::uint32_t i = 0; i < settings_.budget_minimum; ++i)
        require(once_more(), "no token of the budget is lost");
    require(!once_more(), "no token of the budget is made up");
}

} // namespace tradecore::test
