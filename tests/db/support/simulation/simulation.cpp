// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tradecore::test {

simulation::simulation(choice_sequence chance, coverage& seen, bool tells)
    : simulation(std::move(chance), seen, tells, std::nullopt)
{}

simulation::simulation(
    choice_sequence chance, coverage& seen, bool tells, const std::optional<simulation_settings>& given)
    : chance_(std::move(chance)), seen_(seen), tells_(tells),
      settings_(given ? *given : simulation_settings::random(chance_)), pool_(settings_.pool),
      breaker_(settings_.breaker, [this] { return chance_.lottery(); }),
      retries_(
          {}, with_budget(),
          {.now = [this] { return now_; }, .random = [this] { return chance_.lottery(); }, .pause = no_pause})
{
    breaker_.add_listener([this](const resilience::breaker_change& what) { on_change(what); });
    pump(); // as opening does
}

simulation::~simulation()
{
    callers_.clear(); // their permits, while the listener's object is whole
    probing_.reset();
}

void simulation::play(std::size_t steps)
{
    for (std::size_t i = 0; i < steps && !chance_.is_used_up() && problem_.empty(); ++i) {
        take_step();
        check_invariants();
    }
}

duration simulation::recover()
{
    const auto began = now_;
    mood_ = server_mood::well;
    is_at_peace_ = true;
    settings_.is_prompt = true;
    resume();
    for (int i = 0; i < 20'000 && problem_.empty() && !is_at_rest(); ++i) {
        if (handle_one_event())
            continue;
        const auto due = next_due();
        require(due.has_value(), "somebody waits for what nobody will do");
        if (due)
            now_ = std::max(now_, *due);
        check_invariants();
    }
    require(is_at_rest(), "all comes to an end");
    return now_ - began;
}

void simulation::use_everything()
{
    now_ += settings_.pool.connect_backoff_limit;
    const auto successes = seen_.successes;
    const auto attempts = attempts_;
    arrive({});
    const auto took = recover();
    require(
        seen_.successes == successes + 1 && attempts_ == attempts + 1 && took == 0s,
        "the first call after the faults succeeds at once");
    use_the_budget();
    pool_.begin_closing();
    (void)pool_.take_all_idle();
    require(pool_.is_empty(), "a pool that closes has nothing left");
}

void simulation::arrive_in_outage(std::size_t calls)
{
    mood_ = server_mood::away;
    for (std::size_t i = 0; i < calls && problem_.empty(); ++i) {
        arrive({});
        for (int turn = 0; turn < 3; ++turn) {
            while (handle_one_event()) {
            }
            pass_time(10ms);
        }
    }
}

const database_options& simulation::with_budget()
{
    options_.name = "main";
    options_.retry_budget.minimum = settings_.budget_minimum;
    return options_;
}

void simulation::take_step()
{
    ++seen_.steps;
    switch (chance_.below(16)) {
    default:
        if (handle_one_event())
            return;
        [[fallthrough]];
    case 0:
    case 1:
        return pass_time(std::chrono::milliseconds(chance_.below(chance_.one_in(2) ? 3'000 : 20)));
    case 2:
        if (const auto due = next_due())
            pass_time(*due - now_);
        return;
    case 3:
    case 4:
    case 5:
        if (callers_.size() < 12)
            arrive(any_kind());
        return;
    case 6:
        return inject_fault();
    }
}

void simulation::inject_fault()
{
    switch (chance_.below(10)) {
    case 0:
    case 1:
    case 2:
        mood_ = static_cast<server_mood>(chance_.below(5));
        tell("the server's mood is {}", static_cast<int>(mood_));
        return;
    case 3:
    case 4:
        return cancel_somebody();
    case 5:
        for (auto& one : connections_) {
            if (one.how != connection_use::none && chance_.one_in(2))
                one.open = false;
        }
        tell("connections end");
        return;
    case 6:
        if (pool_.is_suspended())
            return resume();
        pool_.suspend();
        return;
    case 7:
        return evict(chance_.one_in(2));
    default:
        mood_ = server_mood::well;
    }
}

void simulation::cancel_somebody()
{
    if (callers_.empty())
        return;
    const auto who = std::next(callers_.begin(), static_cast<std::ptrdiff_t>(chance_.below(callers_.size())));
    if (who->call)
        cancel(who);
}

} // namespace tradecore::test
