// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/simulation.hpp"

namespace tradecore::test {
namespace {

resilience::retry_policy policy_for(const fault_row& how)
{
    const resilience::retry_policies policies;
    return how.is_conflict ? policies.conflict : policies.outage;
}

} // namespace

void simulation::answer(caller_place who)
{
    const auto& all = faults::all();
    if (!connections_[who->on].open) {
        end_execution(who, all.troubles[0]);
        return;
    }
    const std::size_t say = is_at_peace_ ? 0 : chance_.below(8);
    if (mood_ == server_mood::well && say < 5) {
        succeed(who);
    }
    else if (mood_ == server_mood::well) {
        // The prober's statement meets nothing of the kind.
        end_execution(who, who->call ? all.answers[chance_.below(all.answers.size())] : all.troubles[0]);
    }
    else if (mood_ == server_mood::colliding) {
        // 40001 and 40P01, and now and then something else.
        end_execution(who, who->call && say < 6 ? all.answers[1 + say % 2] : all.troubles[0]);
    }
    else if (mood_ == server_mood::away || !who->call) {
        end_execution(who, who->kind.is_transaction && say < 2 ? all.commit_lost : all.troubles[chance_.below(2)]);
    }
    else if (say < 2) {
        succeed(who);
    }
    else {
        end_execution(who, all.troubles[chance_.below(all.troubles.size())]);
    }
}

void simulation::succeed(caller_place who)
{
    tell("{} succeeds", who->id);
    if (who->call) {
        ++who->effects;
        ++seen_.successes;
        require(who->effects <= 1 || who->kind.idempotent || who->kind.reads, "nothing is done twice");
    }
    settle(*who, outcome::success);
    give_back(who->on, chance_.one_in(8));
    if (who->call)
        callers_.erase(who);
    else
        probe_over(who);
}

void simulation::end_execution(caller_place who, const fault_row& how)
{
    tell("{} meets {}", who->id, how.name);
    const slot on = who->on;
    if (how.ends_session)
        connections_[on].open = false;
    const bool may_remain =
        how.left == kept::maybe || (how.left == kept::if_alone && !who->kind.is_transaction) || who->kind.in_parts;
    if (may_remain && who->call && !who->kind.reads) {
        ++seen_.in_doubt;
        who->effects += chance_.one_in(2) ? 0 : 1;
    }
    require(who->effects <= 1 || who->kind.idempotent || who->kind.reads, "nothing is done twice");
    const attempt_facts facts{
        .phase = attempt_phase::executing,
        .asked_to_stop = true,
        .session_ended = !connections_[on].open,
        .in_hot_standby = how.from_standby};
    if (who->call && how.name == faults::all().commit_lost.name)
        who->call->facts.in_doubt = true;
    fail(who, how, how.error, facts, on);
}

void simulation::fail(
    caller_place who, const fault_row& how, std::exception_ptr error, const attempt_facts& facts,
    std::optional<slot> on)
{
    if (!error)
        error = how.error;
    tell("{} fails: {}", who->id, how.name);
    if (!who->call && on && probe_goes_on(who, *on))
        return;
    const auto health = detail::outcome_of(error, facts);
    require(health == how.health, "an outcome means what the table says");
    settle(*who, health);
    if (on)
        give_back(*on, !facts.session_ended && (how.left == kept::maybe || chance_.one_in(4)));
    if (how.from_standby)
        evict(true);
    if (!who->call) {
        probe_over(who);
        return;
    }
    decide(who, how, error, facts);
}

void simulation::decide(
    caller_place who, const fault_row& how, const std::exception_ptr& error, const attempt_facts& facts)
{
    const auto before = retries_.statistics();
    const auto wait = who->call->failed(
        error, facts,
        who->kind.is_transaction ? ""
        : who->kind.reads        ? "SELECT 1"
                                 : "UPDATE a SET b = 1");
    ++who->failures;
    auto& of_kind = how.is_conflict ? who->conflicts : who->outages;
    ++of_kind;
    const bool may = may_be_repeated(*who, how, facts);
    const bool used_up =
        of_kind >= policy_for(how).max_attempts || who->failures >= resilience::retry_policies().conflict.max_attempts;
    if (how.repetition == again::once)
        who->has_used_once = true;
    if (wait) {
        require(may, "only what does no harm is repeated");
        require(!used_up, "there are no more attempts than the policy says");
        return pause(who, how, *wait);
    }
    check_reason(before, *who, how, may, used_up);
    const bool is_refusal = detail::is_refusal_of_breaker(who->call->last_error(error));
    require(!is_refusal || who->failures == 1, "who has tried is told what that met");
    tell("{} is given up", who->id);
    callers_.erase(who);
}

void simulation::pause(caller_place who, const fault_row& how, duration time)
{
    require(time >= how.minimum_wait, "who is told to wait waits");
    require(who->call->limit().leaves_room_for(time, now_), "a pause ends before the deadline");
    ++(how.is_conflict ? seen_.after_conflicts : seen_.after_outages);
    if (!how.is_conflict) {
        budget_.repeated(now_);
        require(!budget_.is_overdrawn(now_), "repetitions stay within the budget");
    }
    tell("{} is repeated after {} us", who->id, std::chrono::duration_cast<std::chrono::microseconds>(time).count());
    who->where = caller_state::pausing;
    who->limit = now_ + time;
}

void simulation::check_reason(
    const retry_statistics& before, const caller& who, const fault_row& how, bool may, bool used_up)
{
    const auto after = retries_.statistics();
    if (after.stopped_by_attempts > before.stopped_by_attempts) {
        ++seen_.stopped_by_attempts;
        require(may && used_up, "the attempts are used up when they are");
    }
    else if (after.stopped_by_deadline > before.stopped_by_deadline) {
        ++seen_.stopped_by_deadline;
        require(
            may && !who.call->limit().leaves_room_for(how.minimum_wait + policy_for(how).backoff.cap, now_),
            "a deadline is near when it is said");
    }
    else if (after.stopped_by_budget > before.stopped_by_budget) {
        ++seen_.stopped_by_budget;
        require(may && !how.is_conflict, "conflicts do not ask the budget");
        require(budget_.may_refuse(now_), "the budget grants what there is");
    }
    else {
        ++seen_.not_repeatable;
        require(!may, "what does no harm is repeated");
    }
}

} // namespace tradecore::test
