// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tradecore::test {

call_kind simulation::any_kind()
{
    call_kind kind;
    kind.is_transaction = chance_.one_in(2);
    kind.idempotent = chance_.one_in(4);
    kind.reads = !kind.is_transaction && chance_.one_in(3);
    kind.in_parts = !kind.is_transaction && !kind.reads && chance_.one_in(5);
    kind.is_used_up = !kind.is_transaction && !kind.reads && chance_.one_in(5);
    kind.writes_outside = kind.is_transaction && chance_.one_in(4);
    kind.wants_locks = chance_.one_in(2);
    if (chance_.one_in(2))
        kind.limit = std::chrono::milliseconds(1 + chance_.below(4'000));
    return kind;
}

void simulation::arrive(const call_kind& kind)
{
    auto& who = callers_.emplace_back(++last_id_);
    who.kind = kind;
    who.call = std::make_unique<repeated_call>(retries_, nullptr, "call", kind.limit);
    who.call->facts = {
        .is_transaction = kind.is_transaction,
        .idempotent = kind.idempotent,
        .in_parts = kind.in_parts,
        .is_used_up = kind.is_used_up,
        .repeats_lock_timeouts = kind.wants_locks};
    budget_.called(now_);
    ++seen_.calls;
    tell("call {} comes", who.id);
    begin(std::prev(callers_.end()));
}

void simulation::begin(caller_place who)
{
    ++attempts_;
    who->call->facts.in_doubt = false;
    if (was_prompt_)
        require(!who->call->limit().has_passed(now_), "no attempt begins after the deadline");
    who->closings = closings_;
    if (settings_.has_breaker) {
        const auto before = pool_.stats();
        const bool was_open = breaker_.state() != breaker_state::closed;
        auto answer = breaker_.admit(was_open ? now_ : time_point::min());
        if (!answer) {
            ++seen_.refusals;
            require(answer.come_again_in > 0s, "who is refused is told to come later");
            const auto after = pool_.stats();
            require(
                before.connecting == after.connecting && before.active == after.active, "a refusal asks nobody else");
            fail(who, faults::all().refused, nullptr, {.phase = attempt_phase::acquiring});
            return;
        }
        require(!was_open || answer.granted.is_probe(), "an open breaker admits a probe or nobody");
        who->by = std::move(answer.granted);
    }
    ask_pool(who);
}

void simulation::ask_pool(caller_place who)
{
    if (const auto which = pick_idle()) {
        execute(who, *which);
        return;
    }
    auto until = now_ + settings_.pool.acquire_timeout;
    if (who->call && who->call->until())
        until = std::min(until, *who->call->until());
    if (who->is_probe())
        until = std::min(until, who->by.limit().when());
    who->until = until;
    wait(who);
}

void simulation::wait(caller_place who)
{
    who->where = caller_state::waiting;
    who->granted.reset();
    who->refused = nullptr;
    if (who->place) {
        pool_.wait_again(*who->place);
    }
    else {
        who->place = pool_.wait();
        require(waiting_.empty() || *who->place > *waiting_.rbegin(), "who comes last is last in line");
    }
    require(waiting_.insert(*who->place).second, "a ticket is one caller's");
    tell("{} waits with ticket {}", who->id, *who->place);
    pump();
}

void simulation::serve(ticket first, slot which)
{
    require(!waiting_.empty() && first == *waiting_.begin(), "first come, first served");
    require(!pool_.is_suspended(), "a suspended pool serves nobody");
    waiting_.erase(first);
    const auto who = holder_of(first);
    require(who != callers_.end() && !who->granted && !who->refused, "who is served waits");
    if (who == callers_.end())
        return;
    tell("{} is promised {}", who->id, which);
    who->granted = which;
    connections_[which].how = connection_use::lent;
}

simulation::caller_place simulation::holder_of(ticket which)
{
    return std::ranges::find_if(
        callers_, [which](const caller& each) { return each.where == caller_state::waiting && each.place == which; });
}

void simulation::wake(caller_place who)
{
    if (const auto* error = std::exchange(who->refused, nullptr)) {
        who->place.reset();
        fail(who, *error, error->error, {.phase = attempt_phase::acquiring});
        return;
    }
    const slot which = *std::exchange(who->granted, std::nullopt);
    if (is_fit(which)) {
        who->place.reset();
        execute(who, which);
        return;
    }
    ++seen_.useless_grants;
    if (now_ >= who->until) {
        wait_ended(who);
    }
    else if (const auto idle = pick_idle()) {
        who->place.reset();
        execute(who, *idle);
    }
    else {
        wait(who);
    }
}

void simulation::wait_ended(caller_place who)
{
    ++seen_.waited_in_vain;
    const auto numbers = pool_.stats();
    const bool cannot_connect =
        !pool_.is_suspended() && last_connect_error_ != nullptr && numbers.size < numbers.maximum;
    require(waiting_.erase(*who->place) == (pool_.withdraw(*who->place) ? 1U : 0U), "who waits can leave, once");
    who->place.reset();
    tell("{} has waited in vain", who->id);
    if (!cannot_connect)
        return fail(who, faults::all().busy, nullptr, {.phase = attempt_phase::acquiring});
    ++seen_.cannot_connect;
    fail(who, *last_connect_error_, late_because_of(*last_connect_error_), {.phase = attempt_phase::acquiring});
}

void simulation::execute(caller_place who, slot which)
{
    require(connections_[which].how == connection_use::lent, "what is used was lent");
    require(!connections_[which].is_unwanted, "what was evicted serves nobody any more");
    who->where = caller_state::executing;
    who->on = which;
    if (who->call) {
        const auto limit =
            resilience::tightest(who->call->limit(), who->is_probe() ? who->by.limit() : resilience::deadline::never());
        // At least 1 ms, or nothing could be sent at all.
        who->limit = limit.is_never() ? now_ + command_timeout : std::max(limit.when(), now_ + 1ms);
        who->sent += 1;
        if (who->kind.writes_outside) {
            ++who->outside;
            who->call->set_outside_work("a file");
        }
        require(who->outside <= 1 || who->kind.idempotent, "what wrote outside is not done again");
        require(!who->kind.is_used_up || who->sent <= 1, "what is used up is not sent again");
    }
    else {
        who->limit = std::max(who->by.limit().when(), now_);
    }
    tell("{} executes on {}", who->id, which);
}

void simulation::cancel(caller_place who)
{
    tell("{} is cancelled", who->id);
    switch (who->where) {
    case caller_state::waiting:
        if (who->granted) {
            ++seen_.cancelled_with_grant;
            give_back(*who->granted, false);
        }
        else if (!who->refused) {
            require(pool_.withdraw(*who->place), "who waits can leave");
            waiting_.erase(*who->place);
        }
        break;
    case caller_state::executing:
        if (chance_.one_in(3))
            connections_[who->on].open = false;
        give_back(who->on, true);
        break;
    case caller_state::pausing:
        break;
    }
    const bool gives_probe_back = who->is_probe() && !who->by.limit().has_passed(now_);
    callers_.erase(who); // and drops its permit
    require(
        !gives_probe_back || breaker_.state() == breaker_state::open, "a probe that is given up comes back at once");
}

} // namespace tradecore::test
