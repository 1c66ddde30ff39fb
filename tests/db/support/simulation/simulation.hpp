// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"
#include "db/repeated_call.hpp"
#include "db/support/call_faults.hpp"
#include "db/support/simulation/choice_sequence.hpp"
#include "db/support/simulation/coverage.hpp"
#include "db/support/simulation/limits.hpp"
#include "db/support/simulation/retry_oracle.hpp"
#include "db/support/simulation/settings.hpp"
#include "db/support/simulation/state.hpp"

#include <tradecore/db/pool_state.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::test {

using detail::attempt_facts;
using detail::attempt_phase;
using detail::retry_surroundings;
using resilience::breaker_state;
using resilience::duration;

/// A database without coroutines: what they do, step by step, in an order that is chosen, on a server that fails. After
/// each step all that is promised is looked at; the first promise that is broken ends it.
class simulation {
public:
    simulation(choice_sequence chance, coverage& seen, bool tells);
    simulation(choice_sequence chance, coverage& seen, bool tells, const std::optional<simulation_settings>& given);
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;
    simulation(simulation&&) = delete;
    simulation& operator=(simulation&&) = delete;
    ~simulation();

    void play(std::size_t steps);
    /// The faults are over. @returns how long it took until everything was as it should be.
    duration recover();
    /// After `recover`: everything there is can be used.
    void use_everything();
    void arrive_in_outage(std::size_t calls);

    /// @returns the promise that was broken, empty when none was.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const std::vector<std::string>& story() const { return story_; }
    [[nodiscard]] std::size_t attempts() const { return attempts_; }
    [[nodiscard]] duration elapsed() const { return now_ - start; }

private:
    using caller_place = std::list<caller>::iterator;
    struct event;

    static boost::asio::awaitable<void> no_pause(resilience::duration) { co_return; }
    const database_options& with_budget();

    void require(bool holds, std::string_view promise)
    {
        if (!holds && problem_.empty())
            problem_ = promise;
    }
    template <class... T>
    void tell(fmt::format_string<T...> what, T&&... about)
    {
        if (tells_)
            story_.push_back(
                fmt::format("{:>6} ms  ", std::chrono::duration_cast<std::chrono::milliseconds>(now_ - start).count()) +
                fmt::format(what, std::forward<T>(about)...));
    }

    // --- simulation.cpp: what happens next
    void take_step();
    void inject_fault();
    void cancel_somebody();

    // --- events.cpp: what is due
    std::vector<event> possible_events();
    /// @returns whether something that was due, or under way, has come to its end.
    bool handle_one_event();
    void handle(const event& next);
    void handle_timeout(caller_place who);
    const fault_row* any_connect_error();
    [[nodiscard]] std::optional<time_point> next_due() const;
    void pass_time(duration step);

    // --- callers.cpp: a call until its statement is sent
    call_kind any_kind();
    void arrive(const call_kind& kind);
    /// An attempt: asks the breaker, then the pool.
    void begin(caller_place who);
    void ask_pool(caller_place who);
    void wait(caller_place who);
    void serve(ticket first, slot which);
    caller_place holder_of(ticket which);
    void wake(caller_place who);
    void wait_ended(caller_place who);
    void execute(caller_place who, slot which);
    void cancel(caller_place who);

    // --- outcomes.cpp: what the server makes of it, and what follows
    /// What the server does with a statement, and says of it.
    void answer(caller_place who);
    void succeed(caller_place who);
    void end_execution(caller_place who, const fault_row& how);
    /// The end of an attempt, in the order of the database: the breaker, the connection, the decision.
    void fail(
        caller_place who, const fault_row& how, std::exception_ptr error, const attempt_facts& facts,
        std::optional<slot> on = {});
    void decide(caller_place who, const fault_row& how, const std::exception_ptr& error, const attempt_facts& facts);
    void pause(caller_place who, const fault_row& how, duration time);
    /// Holds the reason that was counted against what is so.
    void check_reason(const retry_statistics& before, const caller& who, const fault_row& how, bool may, bool used_up);

    // --- breaker.cpp: what the breaker is told, and the prober in the background
    void settle(caller& who, outcome how);
    void on_change(const resilience::breaker_change& what);
    void probe();
    void probe_over(caller_place who);
    /// What is idle may have been lost without notice, which says nothing about the next one.
    /// @returns whether the probe goes on with another connection.
    bool probe_goes_on(caller_place who, slot on);
    void plan_probe();

    // --- connections.cpp: what the pool has
    std::optional<slot> pick_idle();
    bool is_fit(slot which);
    void drop(slot which);
    void give_back(slot which, bool dirty);
    void offer(slot which);
    void hand_on(std::optional<ticket> next, slot which);
    void pump();
    void end_connect(std::size_t which, const fault_row* error);
    void connect_failed(const fault_row& error);
    void end_check(slot which, bool answered, bool in_time);
    void on_pool_timer();
    void resume();
    void evict(bool all);

    // --- invariants.cpp: what always holds, and what holds in the end
    [[nodiscard]] std::size_t callers_in_line() const { return pool_.is_suspended() ? 0 : waiting_.size(); }
    /// @returns how many checks have not taken so long that nobody should wait for them alone.
    [[nodiscard]] std::size_t timely_checks() const;
    void check_invariants();
    [[nodiscard]] bool is_at_rest() const;
    /// Nothing of the budget is lost: after a window without repetitions it grants what it always does.
    void use_the_budget();

    choice_sequence chance_;
    coverage& seen_;
    bool tells_;
    simulation_settings settings_;
    const bool was_prompt_ = settings_.is_prompt;
    time_point now_ = start;
    server_mood mood_ = server_mood::well;
    bool is_at_peace_ = false;
    std::list<caller> callers_;
    std::uint64_t last_id_ = 0;
    std::size_t attempts_ = 0;
    budget_oracle budget_{settings_.budget_minimum};
    std::set<ticket> waiting_;
    std::vector<connection> connections_;
    std::vector<connect> connects_;
    const fault_row* last_connect_error_ = nullptr;
    time_point no_connect_before_{};
    unsigned connect_failures_ = 0;
    time_point pool_timer_{};
    bool pool_timer_runs_ = false;
    std::optional<time_point> probe_due_;
    std::optional<caller_place> probing_;
    std::size_t others_ = 0;
    std::optional<time_point> last_probe_;
    std::size_t closings_ = 0;
    unsigned failures_ = 0;
    unsigned losses_ = 0;
    bool openings_are_sound_ = true;
    std::string problem_;
    std::vector<std::string> story_;
    database_options options_;
    pool_state pool_;
    circuit_breaker breaker_;
    retry_surroundings retries_;
};

} // namespace tradecore::test
