// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"
#include "db/repeated_call.hpp"
#include "db/support/call_faults.hpp"

#include <tradecore/db/pool_state.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::test {

using namespace std::chrono_literals;
using detail::attempt_facts;
using detail::attempt_phase;
using detail::repeated_call;
using detail::retry_surroundings;
using resilience::breaker_state;
using resilience::circuit_breaker;
using resilience::duration;
using resilience::time_point;
using slot = pool_state::slot;
using ticket = pool_state::ticket;

constexpr time_point start{std::chrono::hours(1)};
constexpr auto connect_timeout = 1s;
constexpr auto command_timeout = 3s;
/// How late an event may be noticed on a busy machine.
constexpr auto greatest_delay = 500ms;
/// Of the budget's window, the part that is surely looked at, and the whole.
constexpr auto sure_window = 9s;
constexpr auto whole_window = 10s;

// --- chance ----------------------------------------------------------------------------------------------------------

/// What happens next: from a seed, or from a list that RapidCheck makes shorter.
class choices {
public:
    explicit choices(std::uint64_t seed) : state_(seed) {}
    explicit choices(std::vector<std::uint32_t> given) : given_(std::move(given)) {}

    std::size_t below(std::size_t limit)
    {
        if (given_)
            return (next_ < given_->size() ? (*given_)[next_++] : 0U) % limit;
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return (mixed ^ (mixed >> 31U)) % limit;
    }
    bool one_in(std::size_t many) { return below(many) == many - 1; }
    double lottery() { return static_cast<double>(below(1'000)) / 1'000.0; }
    [[nodiscard]] bool are_used_up() const { return given_ && next_ >= given_->size(); }

private:
    std::uint64_t state_ = 0;
    std::optional<std::vector<std::uint32_t>> given_;
    std::size_t next_ = 0;
};

/// What the games have come through: a test of nothing would pass, too.
struct experience {
    std::uint64_t games = 0;
    std::uint64_t steps = 0;
    std::uint64_t calls = 0;
    std::uint64_t successes = 0;
    std::uint64_t openings = 0;
    std::uint64_t refusals = 0;
    std::uint64_t caller_probes = 0;
    std::uint64_t background_probes = 0;
    std::uint64_t stale = 0;
    std::uint64_t after_outages = 0;
    std::uint64_t after_conflicts = 0;
    std::uint64_t stopped_by_budget = 0;
    std::uint64_t stopped_by_deadline = 0;
    std::uint64_t stopped_by_attempts = 0;
    std::uint64_t not_repeatable = 0;
    std::uint64_t waited_in_vain = 0;
    std::uint64_t cannot_connect = 0;
    std::uint64_t useless_grants = 0;
    std::uint64_t cancelled_with_grant = 0;
    std::uint64_t checks_in_vain = 0;
    std::uint64_t in_doubt = 0;
};

/// How a game is played.
struct rules {
    pool_options pool{};
    resilience::breaker_options breaker{};
    bool has_breaker = true;
    std::uint32_t budget_minimum = 3;
    /// Timers are noticed at once: then limits hold to the moment.
    bool is_prompt = true;

    static rules random(choices& chance)
    {
        rules all;
        auto& pool = all.pool;
        pool.minimum = chance.below(3);
        pool.maximum = std::max<std::size_t>(1, pool.minimum + chance.below(3));
        pool.maximum_connecting = 1 + chance.below(3);
        pool.acquire_timeout = std::chrono::milliseconds(std::array{2'000, 300, 5'000}.at(chance.below(3)));
        pool.idle_check_after = std::chrono::milliseconds(1'000 * chance.below(2));
        pool.idle_timeout = std::chrono::milliseconds(10'000 * chance.below(2));
        pool.max_lifetime = std::chrono::milliseconds(20'000 * chance.below(2));
        pool.keepalive_time = std::chrono::milliseconds(3'000 * chance.below(2));
        pool.cleanup_timeout = 1s;
        auto& breaker = all.breaker;
        breaker.failure_threshold = chance.one_in(2) ? 2 : 5;
        breaker.burst = std::chrono::milliseconds(100 * chance.below(2));
        breaker.probe_timeout = chance.one_in(2) ? 500ms : 5'000ms;
        breaker.background_probe_limit = chance.one_in(2) ? 2'000ms : 5'000ms;
        breaker.caller_probe = breaker.probe_timeout + std::chrono::seconds(chance.below(3));
        all.has_breaker = !chance.one_in(6);
        all.budget_minimum = static_cast<std::uint32_t>(3 - chance.below(4));
        all.is_prompt = !chance.one_in(2);
        return all;
    }
};

// --- the game --------------------------------------------------------------------------------------------------------

/// A database without coroutines: what they do, step by step, when somebody says so.
class game {
public:
    game(choices chance, experience& seen, bool tells) : game(std::move(chance), seen, tells, std::nullopt) {}
    game(choices chance, experience& seen, bool tells, const std::optional<rules>& given)
        : chance_(std::move(chance)), seen_(seen), tells_(tells), rules_(given ? *given : rules::random(chance_)),
          pool_(rules_.pool), breaker_(rules_.breaker, [this] { return chance_.lottery(); }),
          retries_(
              {}, with_budget(),
              {.now = [this] { return now_; }, .random = [this] { return chance_.lottery(); }, .pause = no_pause})
    {
        breaker_.add_listener([this](const resilience::breaker_change& what) { on_change(what); });
        pump(); // as opening does
    }
    game(const game&) = delete;
    game& operator=(const game&) = delete;
    game(game&&) = delete;
    game& operator=(game&&) = delete;
    ~game()
    {
        callers_.clear(); // their permits, while the listener's object is whole
        probing_.reset();
    }

    void play(std::size_t steps)
    {
        for (std::size_t i = 0; i < steps && !chance_.are_used_up() && problem_.empty(); ++i) {
            act();
            look();
        }
    }

    /// The faults are over. @returns how long it took until everything was as it should be.
    duration heal()
    {
        const auto began = now_;
        mood_ = mood::well;
        is_at_peace_ = true;
        rules_.is_prompt = true;
        resume();
        for (int i = 0; i < 20'000 && problem_.empty() && !is_at_rest(); ++i) {
            if (go_on())
                continue;
            const auto due = next_due();
            demand(due.has_value(), "somebody waits for what nobody will do");
            if (due)
                now_ = std::max(now_, *due);
            look();
        }
        demand(is_at_rest(), "all comes to an end");
        return now_ - began;
    }

    /// After `heal`: everything there is can be used.
    void use_everything()
    {
        now_ += rules_.pool.connect_backoff_limit;
        const auto successes = seen_.successes;
        const auto attempts = attempts_;
        arrive({});
        const auto took = heal();
        demand(
            seen_.successes == successes + 1 && attempts_ == attempts + 1 && took == 0s,
            "the first call after the faults succeeds at once");
        use_the_budget();
        pool_.begin_closing();
        (void)pool_.take_all_idle();
        demand(pool_.is_empty(), "a pool that closes has nothing left");
    }

    void arrive_in_outage(std::size_t calls)
    {
        mood_ = mood::away;
        for (std::size_t i = 0; i < calls && problem_.empty(); ++i) {
            arrive({});
            for (int turn = 0; turn < 3; ++turn) {
                while (go_on()) {
                }
                pass_time(10ms);
            }
        }
    }

    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const std::vector<std::string>& story() const { return story_; }
    [[nodiscard]] std::size_t calls() const { return call_times_.size(); }
    [[nodiscard]] std::size_t attempts() const { return attempts_; }
    [[nodiscard]] duration elapsed() const { return now_ - start; }

private:
    enum class mood { well, colliding, troubled, away, silent };
    enum class at { waiting, executing, pausing };

    struct kind_of_call {
        bool is_transaction = false;
        bool idempotent = false;
        bool reads = false;
        bool in_parts = false;
        bool is_used_up = false;
        bool writes_outside = false;
        bool wants_locks = false;
        std::optional<std::chrono::milliseconds> limit{};
    };
    struct caller {
        explicit caller(std::uint64_t number) : id(number) {}
        std::uint64_t id;
        kind_of_call kind{};
        std::unique_ptr<repeated_call> call; // null for the prober
        circuit_breaker::permit by;
        std::size_t closings = 0; // of the breaker, when it began
        at where = at::waiting;
        // waiting
        std::optional<ticket> place;
        time_point until;
        std::optional<slot> granted;
        const fault_row* refused = nullptr;
        // executing, pausing
        slot on = 0;
        time_point limit = time_point::max();
        // the truth
        int failures = 0;
        int of_kind[2] = {0, 0};
        int effects = 0;
        int outside = 0;
        int sent = 0;
        bool has_used_once = false;
    };
    using place_of_caller = std::list<caller>::iterator;
    enum class use { none, idle, lent, checked, cleaned };
    struct connection {
        use how = use::none;
        bool open = false;
        time_point since{};
        time_point heard{};
        time_point used{};
        bool is_unwanted = false;
    };
    struct connect {
        time_point began;
        bool is_unwanted = false;
    };

    static boost::asio::awaitable<void> no_pause(resilience::duration) { co_return; }
    const database_options& with_budget()
    {
        options_.name = "main";
        options_.retry_budget.minimum = rules_.budget_minimum;
        return options_;
    }

    void demand(bool holds, std::string_view promise)
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

    // --- callers
    kind_of_call any_kind()
    {
        kind_of_call kind;
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
    void arrive(const kind_of_call& kind)
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
        call_times_.push_back(now_);
        ++seen_.calls;
        tell("call {} comes", who.id);
        begin(std::prev(callers_.end()));
    }
    /// An attempt: asks the breaker, then the pool.
    void begin(place_of_caller who)
    {
        ++attempts_;
        who->call->facts.in_doubt = false;
        if (was_prompt_)
            demand(!who->call->limit().has_passed(now_), "no attempt begins after the deadline");
        who->closings = closings_;
        if (rules_.has_breaker) {
            const auto before = pool_.stats();
            const bool was_open = breaker_.state() != breaker_state::closed;
            auto answer = breaker_.admit(was_open ? now_ : time_point::min());
            if (!answer) {
                ++seen_.refusals;
                demand(answer.come_again_in > 0s, "who is refused is told to come later");
                const auto after = pool_.stats();
                demand(
                    before.connecting == after.connecting && before.active == after.active,
                    "a refusal asks nobody else");
                fail(who, faults::all().refused, nullptr, {.phase = attempt_phase::acquiring});
                return;
            }
            demand(!was_open || answer.granted.is_probe(), "an open breaker admits a probe or nobody");
            who->by = std::move(answer.granted);
        }
        ask_pool(who);
    }
    [[nodiscard]] static bool is_probe(const caller& who) { return who.by && who.by.is_probe(); }

    void ask_pool(place_of_caller who)
    {
        if (const auto which = pick_idle()) {
            execute(who, *which);
            return;
        }
        auto until = now_ + rules_.pool.acquire_timeout;
        if (who->call && who->call->until())
            until = std::min(until, *who->call->until());
        if (is_probe(*who))
            until = std::min(until, who->by.limit().when());
        who->until = until;
        wait(who);
    }
    void wait(place_of_caller who)
    {
        who->where = at::waiting;
        who->granted.reset();
        who->refused = nullptr;
        if (who->place) {
            pool_.wait_again(*who->place);
        }
        else {
            who->place = pool_.wait();
            demand(waiting_.empty() || *who->place > *waiting_.rbegin(), "who comes last is last in line");
        }
        demand(waiting_.insert(*who->place).second, "a ticket is one caller's");
        tell("{} waits with ticket {}", who->id, *who->place);
        pump();
    }
    void serve(ticket first, slot which)
    {
        demand(!waiting_.empty() && first == *waiting_.begin(), "first come, first served");
        demand(!pool_.is_suspended(), "a suspended pool serves nobody");
        waiting_.erase(first);
        const auto who = holder_of(first);
        demand(who != callers_.end() && !who->granted && !who->refused, "who is served waits");
        if (who == callers_.end())
            return;
        tell("{} is promised {}", who->id, which);
        who->granted = which;
        connections_[which].how = use::lent;
    }
    place_of_caller holder_of(ticket which)
    {
        return std::ranges::find_if(
            callers_, [which](const caller& each) { return each.where == at::waiting && each.place == which; });
    }
    void wake(place_of_caller who)
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
    void wait_ended(place_of_caller who)
    {
        ++seen_.waited_in_vain;
        const auto numbers = pool_.stats();
        const bool cannot_connect =
            !pool_.is_suspended() && last_connect_error_ != nullptr && numbers.size < numbers.maximum;
        demand(waiting_.erase(*who->place) == (pool_.withdraw(*who->place) ? 1U : 0U), "who waits can leave, once");
        who->place.reset();
        tell("{} has waited in vain", who->id);
        if (!cannot_connect)
            return fail(who, faults::all().busy, nullptr, {.phase = attempt_phase::acquiring});
        ++seen_.cannot_connect;
        fail(who, *last_connect_error_, late_because_of(*last_connect_error_), {.phase = attempt_phase::acquiring});
    }
    void execute(place_of_caller who, slot which)
    {
        demand(connections_[which].how == use::lent, "what is used was lent");
        demand(!connections_[which].is_unwanted, "what was evicted serves nobody any more");
        who->where = at::executing;
        who->on = which;
        if (who->call) {
            const auto limit = resilience::tightest(
                who->call->limit(), is_probe(*who) ? who->by.limit() : resilience::deadline::never());
            // At least 1 ms, or nothing could be sent at all.
            who->limit = limit.is_never() ? now_ + command_timeout : std::max(limit.when(), now_ + 1ms);
            who->sent += 1;
            if (who->kind.writes_outside) {
                ++who->outside;
                who->call->set_outside_work("a file");
            }
            demand(who->outside <= 1 || who->kind.idempotent, "what wrote outside is not done again");
            demand(!who->kind.is_used_up || who->sent <= 1, "what is used up is not sent again");
        }
        else {
            who->limit = std::max(who->by.limit().when(), now_);
        }
        tell("{} executes on {}", who->id, which);
    }
    /// What the server does with a statement, and says of it.
    void answer(place_of_caller who)
    {
        const auto& all = faults::all();
        if (!connections_[who->on].open) {
            end_execution(who, all.troubles[0]);
            return;
        }
        const std::size_t say = is_at_peace_ ? 0 : chance_.below(8);
        if (mood_ == mood::well && say < 5) {
            succeed(who);
        }
        else if (mood_ == mood::well) {
            // The prober's statement meets nothing of the kind.
            end_execution(who, who->call ? all.answers[chance_.below(all.answers.size())] : all.troubles[0]);
        }
        else if (mood_ == mood::colliding) {
            // 40001 and 40P01, and now and then something else.
            end_execution(who, who->call && say < 6 ? all.answers[1 + say % 2] : all.troubles[0]);
        }
        else if (mood_ == mood::away || !who->call) {
            end_execution(who, who->kind.is_transaction && say < 2 ? all.commit_lost : all.troubles[chance_.below(2)]);
        }
        else if (say < 2) {
            succeed(who);
        }
        else {
            end_execution(who, all.troubles[chance_.below(all.troubles.size())]);
        }
    }
    void succeed(place_of_caller who)
    {
        tell("{} succeeds", who->id);
        if (who->call) {
            ++who->effects;
            ++seen_.successes;
            demand(who->effects <= 1 || who->kind.idempotent || who->kind.reads, "nothing is done twice");
        }
        settle(*who, outcome::success);
        give_back(who->on, chance_.one_in(8));
        if (who->call)
            callers_.erase(who);
        else
            probe_over(who);
    }
    void end_execution(place_of_caller who, const fault_row& how)
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
        demand(who->effects <= 1 || who->kind.idempotent || who->kind.reads, "nothing is done twice");
        const attempt_facts facts{
            .phase = attempt_phase::executing,
            .asked_to_stop = true,
            .session_ended = !connections_[on].open,
            .in_hot_standby = how.from_standby};
        if (who->call && how.name == faults::all().commit_lost.name)
            who->call->facts.in_doubt = true;
        fail(who, how, how.error, facts, on);
    }

    /// The end of an attempt, in the order of the database: the breaker, the connection, the decision.
    void fail(
        place_of_caller who, const fault_row& how, std::exception_ptr error, const attempt_facts& facts,
        std::optional<slot> on = {})
    {
        if (!error)
            error = how.error;
        tell("{} fails: {}", who->id, how.name);
        if (!who->call && on && probe_goes_on(who, *on))
            return;
        const auto health = detail::outcome_of(error, facts);
        demand(health == how.health, "an outcome means what the table says");
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
    void decide(place_of_caller who, const fault_row& how, const std::exception_ptr& error, const attempt_facts& facts)
    {
        const auto before = retries_.statistics();
        const auto wait = who->call->failed(
            error, facts,
            who->kind.is_transaction ? ""
            : who->kind.reads        ? "SELECT 1"
                                     : "UPDATE a SET b = 1");
        ++who->failures;
        ++who->of_kind[how.is_conflict ? 1 : 0];
        const bool may = may_be_repeated(*who, how, facts);
        const resilience::retry_policies policies;
        const auto& policy = how.is_conflict ? policies.conflict : policies.outage;
        const bool used_up = who->of_kind[how.is_conflict ? 1 : 0] >= policy.max_attempts ||
                             who->failures >= policies.conflict.max_attempts;
        const auto limit = who->call->limit();
        if (how.repetition == again::once)
            who->has_used_once = true;
        if (wait) {
            demand(may, "only what does no harm is repeated");
            demand(!used_up, "there are no more attempts than the policy says");
            demand(*wait >= how.minimum_wait, "who is told to wait waits");
            demand(limit.leaves_room_for(*wait, now_), "a pause ends before the deadline");
            ++(how.is_conflict ? seen_.after_conflicts : seen_.after_outages);
            if (!how.is_conflict)
                count_repetition();
            tell(
                "{} is repeated after {} us", who->id,
                std::chrono::duration_cast<std::chrono::microseconds>(*wait).count());
            who->where = at::pausing;
            who->limit = now_ + *wait;
            return;
        }
        const auto after = retries_.statistics();
        if (after.stopped_by_attempts > before.stopped_by_attempts) {
            ++seen_.stopped_by_attempts;
            demand(may && used_up, "the attempts are used up when they are");
        }
        else if (after.stopped_by_deadline > before.stopped_by_deadline) {
            ++seen_.stopped_by_deadline;
            demand(
                may && !limit.leaves_room_for(how.minimum_wait + policy.backoff.cap, now_),
                "a deadline is near when it is said");
        }
        else if (after.stopped_by_budget > before.stopped_by_budget) {
            ++seen_.stopped_by_budget;
            demand(may && !how.is_conflict, "conflicts do not ask the budget");
            // Its window is at least `sure_window` and no more than the whole.
            demand(
                granted_since(now_ - whole_window) + 1 > allowance(now_ - sure_window),
                "the budget grants what there is");
        }
        else {
            ++seen_.not_repeatable;
            demand(!may, "what does no harm is repeated");
        }
        const bool is_refusal = detail::is_refusal_of_breaker(who->call->last_error(error));
        demand(!is_refusal || who->failures == 1, "who has tried is told what that met");
        tell("{} is given up", who->id);
        callers_.erase(who);
    }
    /// The promise, in the words of the table.
    [[nodiscard]] static bool may_be_repeated(const caller& who, const fault_row& how, const attempt_facts& facts)
    {
        switch (how.repetition) {
        case again::never:
            return false;
        case again::if_asked:
            if (!who.kind.wants_locks)
                return false;
            break;
        case again::if_idempotent:
            if (!who.kind.idempotent)
                return false;
            break;
        case again::once:
            if (who.has_used_once)
                return false;
            break;
        case again::yes:
            break;
        }
        if (facts.phase != attempt_phase::executing)
            return true;
        if (who.kind.is_used_up)
            return false;
        if (who.kind.idempotent)
            return true;
        if (who.kind.writes_outside || who.kind.in_parts)
            return false;
        switch (how.left) {
        case kept::nothing:
            return true;
        case kept::if_alone:
            return who.kind.is_transaction || who.kind.reads;
        case kept::maybe:
            return false;
        }
        return false;
    }
    void count_repetition()
    {
        grant_times_.push_back(now_);
        demand(
            granted_since(now_ - sure_window) <= allowance(now_ - whole_window), "repetitions stay within the budget");
    }
    [[nodiscard]] double granted_since(time_point since) const { return count_since(grant_times_, since); }
    [[nodiscard]] double allowance(time_point since) const
    {
        return std::max<double>(rules_.budget_minimum, 0.2 * count_since(call_times_, since));
    }
    [[nodiscard]] static double count_since(const std::deque<time_point>& times, time_point since)
    {
        return static_cast<double>(times.end() - std::ranges::lower_bound(times, since));
    }
    void settle(caller& who, outcome how)
    {
        if (!who.by)
            return;
        const bool timeless = how == outcome::success && !who.by.is_probe();
        const bool counts =
            breaker_.state() == breaker_state::closed && who.closings == closings_ && !who.by.is_probe();
        if (counts && how == outcome::success)
            failures_ = losses_ = 0;
        else if (counts && how == outcome::failure)
            ++failures_;
        else if (counts && how == outcome::connection_lost)
            ++losses_;
        who.by.settle(how, timeless ? time_point::min() : now_);
        if (breaker_.state() == breaker_state::closed)
            demand(failures_ < rules_.breaker.failure_threshold, "so many failures open the breaker");
    }
    void cancel(place_of_caller who)
    {
        tell("{} is cancelled", who->id);
        switch (who->where) {
        case at::waiting:
            if (who->granted) {
                ++seen_.cancelled_with_grant;
                give_back(*who->granted, false);
            }
            else if (!who->refused) {
                demand(pool_.withdraw(*who->place), "who waits can leave");
                waiting_.erase(*who->place);
            }
            break;
        case at::executing:
            if (chance_.one_in(3))
                connections_[who->on].open = false;
            give_back(who->on, true);
            break;
        case at::pausing:
            break;
        }
        const bool gives_probe_back = is_probe(*who) && !who->by.limit().has_passed(now_);
        callers_.erase(who); // and drops its permit
        demand(
            !gives_probe_back || breaker_.state() == breaker_state::open,
            "a probe that is given up comes back at once");
    }

    // --- the background prober
    void on_change(const resilience::breaker_change& what)
    {
        tell("breaker {} -> {}: {}", to_string(what.from), to_string(what.to), to_string(what.cause));
        if (what.from == breaker_state::closed) {
            ++seen_.openings;
            openings_are_sound_ = openings_are_sound_ && failures_ + losses_ >= rules_.breaker.failure_threshold;
        }
        if (what.to == breaker_state::closed) {
            ++closings_;
            failures_ = losses_ = 0;
        }
        // The coroutine that probes is woken when callers begin or cease to be refused; it asks again when.
        if ((what.from == breaker_state::closed || what.to == breaker_state::closed) && !probing_)
            probe_due_ = now_;
    }
    void probe()
    {
        probe_due_.reset();
        auto by = breaker_.try_background_probe(now_);
        if (!by) {
            plan_probe();
            return;
        }
        demand(
            !last_probe_ || now_ - *last_probe_ >= rules_.breaker.background_probe,
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
    void probe_over(place_of_caller who)
    {
        callers_.erase(who);
        probing_.reset();
        plan_probe();
    }
    /// What is idle may have been lost without notice, which says nothing about the next one.
    /// @returns whether the probe goes on with another connection.
    bool probe_goes_on(place_of_caller who, slot on)
    {
        if (connections_[on].open || others_ == 0 || who->by.limit().has_passed(now_))
            return false;
        --others_;
        give_back(on, false);
        ask_pool(who);
        return true;
    }
    void plan_probe()
    {
        const auto due = breaker_.next_background_probe();
        probe_due_ = due ? std::optional(std::max(*due, now_)) : std::nullopt;
    }

    // --- connections
    std::optional<slot> pick_idle()
    {
        while (const auto which = pool_.take_idle(now_)) {
            demand(waiting_.empty(), "nobody overtakes who waits");
            demand(!pool_.is_suspended(), "a suspended pool lends nothing");
            demand(connections_[*which].how == use::idle, "nothing is lent twice");
            demand(
                now_ - connections_[*which].heard <= rules_.pool.idle_check_after, "what was silent is checked first");
            connections_[*which].how = use::lent;
            if (is_fit(*which))
                return which;
        }
        return std::nullopt;
    }
    bool is_fit(slot which)
    {
        if (connections_[which].open && !pool_.must_end(which, now_))
            return true;
        drop(which);
        pump();
        return false;
    }
    void drop(slot which)
    {
        pool_.removed(which);
        connections_[which] = {};
    }
    void give_back(slot which, bool dirty)
    {
        if (dirty && connections_[which].open) {
            connections_[which].how = use::cleaned;
            connections_[which].since = now_;
            return;
        }
        offer(which);
    }
    void offer(slot which)
    {
        if (!connections_[which].open || pool_.must_end(which, now_)) {
            drop(which);
            pump();
            return;
        }
        hand_on(pool_.give_back(which, now_), which);
    }
    void hand_on(std::optional<ticket> next, slot which)
    {
        demand(next.has_value() == (!waiting_.empty() && !pool_.is_suspended()), "what becomes free goes to who waits");
        connections_[which].how = use::idle;
        connections_[which].heard = connections_[which].used = now_;
        if (next)
            serve(*next, which);
    }
    void pump()
    {
        while (const auto which = pool_.take_for_check(now_)) {
            demand(connections_[*which].how == use::idle, "only what is idle is checked");
            const auto unused = now_ - connections_[*which].used;
            const auto keepalive = rules_.pool.keepalive_time;
            demand(
                unused > rules_.pool.idle_check_after || (keepalive > 0ms && unused >= keepalive * 4 / 5),
                "only what was silent is checked");
            connections_[*which].how = use::checked;
            connections_[*which].since = now_;
            if (!connections_[*which].open || pool_.must_end(*which, now_))
                drop(*which);
        }
        while (pool_.wants_connect(now_)) {
            const auto stats = pool_.stats();
            demand(
                !waiting_.empty() || stats.size + stats.connecting < rules_.pool.minimum, "nobody connects for nobody");
            demand(
                stats.size + stats.connecting < rules_.pool.minimum || callers_in_line() > stats.connecting,
                "no caller needs more than one connect");
            demand(now_ >= no_connect_before_, "a failed connect is followed by a pause, which grows");
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
    void end_connect(std::size_t which, const fault_row* error)
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
            demand(connections_.size() <= rules_.pool.maximum, "places are used again");
            demand(connections_[made.where].how == use::none, "a new connection has a place of its own");
            demand(!pool_.must_end(made.where, now_), "a new connection is new");
            connections_[made.where] = {.how = use::idle, .open = true};
            tell("connection {} is made", made.where);
            hand_on(made.owner, made.where);
        }
        else {
            connect_failed(*error);
        }
        pump();
    }
    void connect_failed(const fault_row& error)
    {
        tell("a connect fails: {}", error.name);
        last_connect_error_ = &error;
        const bool no_room = error.name == "53300";
        const bool makes_do = no_room && pool_.stats().size > 0;
        const auto told = pool_.connect_failed(now_, no_room, chance_.lottery());
        const resilience::backoff_policy growing{
            .base = rules_.pool.connect_backoff, .cap = rules_.pool.connect_backoff_limit};
        const auto least = resilience::whole_pause(growing, connect_failures_++) / 2;
        no_connect_before_ = now_ + (no_room ? std::max<duration>(least, 1s) : least);
        demand(
            told.has_value() == (!waiting_.empty() && !pool_.is_suspended() && !makes_do),
            "a failed connect tells one who waits");
        if (!told)
            return;
        demand(*told == *waiting_.begin(), "a failed connect tells the first");
        waiting_.erase(*told);
        holder_of(*told)->refused = &error;
    }
    void end_check(slot which, bool answered, bool in_time)
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
                demand(connections_[also].heard < began, "who was heard of meanwhile is not suspected");
                connections_[also] = {};
            }
        }
        pump();
    }
    void on_pool_timer()
    {
        pool_timer_runs_ = false;
        const auto all = pool_.stats().size;
        std::set<slot> ends;
        for (slot which = 0; which < connections_.size(); ++which) {
            if (connections_[which].how == use::idle && (!connections_[which].open || pool_.must_end(which, now_)))
                ends.insert(which);
        }
        std::size_t surplus = 0;
        for (const slot which : pool_.take_expired(now_, [this](slot each) { return !connections_[each].open; })) {
            surplus += ends.erase(which) == 0 ? 1U : 0U;
            connections_[which] = {};
        }
        demand(ends.empty(), "what is dead or old ends when it is looked at");
        demand(surplus == 0 || all - surplus >= rules_.pool.minimum, "nothing ends below the minimum for being idle");
        pump();
    }
    void resume()
    {
        if (!pool_.is_suspended())
            return;
        for (const auto& [which, owner] : pool_.resume(now_)) {
            demand(connections_[which].how == use::idle, "what is idle is lent");
            serve(*owner, which);
        }
        pump();
    }
    void evict(bool all)
    {
        std::set<slot> unwanted;
        for (slot which = 0; which < connections_.size(); ++which) {
            if (connections_[which].how != use::none && (all || chance_.one_in(2)))
                unwanted.insert(which);
        }
        const auto ended = pool_.evict([&](slot which) { return unwanted.contains(which); });
        demand(ended.idle.size() + ended.active == unwanted.size(), "what is unwanted is evicted");
        for (const slot which : unwanted)
            connections_[which].is_unwanted = true;
        for (const slot which : ended.idle)
            connections_[which] = {};
        for (auto& each : connects_)
            each.is_unwanted = each.is_unwanted || all;
        pump();
    }

    // --- what happens next
    /// @returns whether something that was due, or under way, has come to its end.
    bool go_on()
    {
        struct thing {
            enum class what {
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
            place_of_caller who{};
            std::size_t which = 0;
        };
        using enum thing::what;
        std::vector<thing> due;
        const bool talks = mood_ != mood::silent;
        for (auto who = callers_.begin(); who != callers_.end(); ++who) {
            if (who->where == at::waiting && (who->granted || who->refused))
                due.push_back({woken, who});
            else if (who->where == at::waiting && now_ >= who->until)
                due.push_back({waited_out, who});
            else if (who->where == at::pausing && now_ >= who->limit)
                due.push_back({rested, who});
            else if (who->where == at::executing && now_ >= who->limit)
                due.push_back({overdue, who});
            else if (who->where == at::executing && (talks || !connections_[who->on].open))
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
            if (one.how == use::checked && now_ >= one.since + rules_.pool.validation_timeout)
                due.push_back({check_late, {}, i});
            else if (one.how == use::checked && (talks || !one.open))
                due.push_back({checked, {}, i});
            if (one.how == use::cleaned && now_ >= one.since + rules_.pool.cleanup_timeout)
                due.push_back({clean_late, {}, i});
            else if (one.how == use::cleaned && (talks || !one.open))
                due.push_back({cleaned, {}, i});
        }
        if (pool_timer_runs_ && now_ >= pool_timer_)
            due.push_back({pool_time});
        if (probe_due_ && now_ >= *probe_due_)
            due.push_back({probe_time});
        if (due.empty())
            return false;
        const thing next = due[chance_.below(due.size())];
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
                demand(now_ == next.who->limit, "a pause is as long as it was said");
            begin(next.who);
            break;
        case executed:
            answer(next.who);
            break;
        case overdue:
            end_overdue(next.who);
            break;
        case connected:
            end_connect(next.which, any_connect_error());
            break;
        case connect_late:
            end_connect(next.which, &faults::all().connect_late);
            break;
        case checked:
            end_check(connection_of, mood_ == mood::well || mood_ == mood::colliding, true);
            break;
        case check_late:
            connections_[connection_of].open = false;
            end_check(connection_of, false, false);
            break;
        case cleaned:
            connections_[connection_of].open = connections_[connection_of].open && mood_ != mood::away;
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
        look();
        return true;
    }
    void end_overdue(place_of_caller who)
    {
        if (who->call && was_prompt_ && !who->call->limit().is_never())
            demand(now_ <= who->call->limit().when() + 1ms, "no attempt lasts beyond the deadline");
        const bool stops = mood_ != mood::away && mood_ != mood::silent;
        if (!who->call)
            connections_[who->on].open = false;
        end_execution(who, stops && connections_[who->on].open ? faults::all().late : faults::all().late_and_silent);
    }
    const fault_row* any_connect_error()
    {
        const auto& all = faults::all().connecting;
        switch (mood_) {
        case mood::well:
        case mood::colliding:
            return nullptr;
        case mood::troubled:
            return chance_.one_in(2) ? nullptr : &all[chance_.below(all.size())];
        case mood::away:
        case mood::silent:
            break;
        }
        return all.data();
    }
    [[nodiscard]] std::optional<time_point> next_due() const
    {
        std::optional<time_point> next;
        const auto consider = [&next](time_point when) { next = next ? std::min(*next, when) : when; };
        for (const auto& who : callers_) {
            if (who.where == at::waiting)
                consider(who.granted || who.refused ? now_ : who.until);
            else
                consider(who.limit);
        }
        for (const auto& one : connects_)
            consider(one.began + connect_timeout);
        for (const auto& one : connections_) {
            if (one.how == use::checked)
                consider(one.since + rules_.pool.validation_timeout);
            else if (one.how == use::cleaned)
                consider(one.since + rules_.pool.cleanup_timeout);
        }
        if (pool_timer_runs_)
            consider(pool_timer_);
        if (probe_due_)
            consider(*probe_due_);
        return next;
    }
    void pass_time(duration step)
    {
        const auto due = next_due();
        const auto latest = due ? *due + (rules_.is_prompt ? 0ms : greatest_delay) : time_point::max();
        now_ = std::max(now_, std::min(now_ + step, latest));
    }
    void act()
    {
        ++seen_.steps;
        switch (chance_.below(16)) {
        default:
            if (go_on())
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
            return meddle();
        }
    }
    void meddle()
    {
        switch (chance_.below(10)) {
        case 0:
        case 1:
        case 2:
            mood_ = static_cast<mood>(chance_.below(5));
            tell("the server's mood is {}", static_cast<int>(mood_));
            return;
        case 3:
        case 4:
            return cancel_somebody();
        case 5:
            for (auto& one : connections_) {
                if (one.how != use::none && chance_.one_in(2))
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
            mood_ = mood::well;
        }
    }
    void cancel_somebody()
    {
        if (callers_.empty())
            return;
        const auto who = std::next(callers_.begin(), static_cast<std::ptrdiff_t>(chance_.below(callers_.size())));
        if (who->call)
            cancel(who);
    }

    // --- what always holds
    [[nodiscard]] std::size_t callers_in_line() const { return pool_.is_suspended() ? 0 : waiting_.size(); }
    /// @returns how many checks have not taken so long that nobody should wait for them alone.
    [[nodiscard]] std::size_t timely_checks() const
    {
        const auto late = now_ - rules_.pool.validation_timeout / 8 - 1ms;
        return static_cast<std::size_t>(std::ranges::count_if(
            connections_, [late](const connection& one) { return one.how == use::checked && one.since > late; }));
    }
    void look()
    {
        const auto stats = pool_.stats();
        const auto in_use = [this](use how) {
            return static_cast<std::size_t>(
                std::ranges::count_if(connections_, [how](const connection& one) { return one.how == how; }));
        };
        demand(stats.idle == in_use(use::idle), "what is idle is idle");
        demand(
            stats.active == in_use(use::lent) + in_use(use::checked) + in_use(use::cleaned),
            "what is active is lent, checked or cleaned");
        demand(pool_.checking() == in_use(use::checked), "checks are counted");
        demand(stats.waiting == waiting_.size(), "who waits is counted");
        demand(stats.connecting == connects_.size(), "connects are counted");
        demand(stats.size + stats.connecting <= rules_.pool.maximum, "never more connections than the maximum");
        demand(stats.connecting <= rules_.pool.maximum_connecting, "connects are bounded");
        const auto lent = static_cast<std::size_t>(std::ranges::count_if(callers_, [](const caller& who) {
            return who.where == at::executing || (who.where == at::waiting && who.granted);
        }));
        demand(lent == in_use(use::lent), "what is lent has one user");
        const auto callers = callers_in_line();
        demand(stats.idle == 0 || callers <= pool_.checking(), "nothing is idle that somebody could use");
        const bool is_short = stats.size + stats.connecting < rules_.pool.maximum &&
                              (callers > timely_checks() || stats.size + stats.connecting < rules_.pool.minimum);
        demand(
            !is_short || stats.connecting > 0 ||
                (pool_timer_runs_ && pool_timer_ <= now_ + rules_.pool.connect_backoff_limit),
            "while somebody waits and there is room, a connect is running or "
            "its time is known");
        const auto probes = std::ranges::count_if(
            callers_, [this](const caller& who) { return is_probe(who) && !who.by.limit().has_passed(now_); });
        demand(probes <= 1, "one probe at a time");
        demand(probes == 0 || breaker_.state() == breaker_state::half_open, "a probe is known to the breaker");
        demand(
            breaker_.state() == breaker_state::closed || probing_ || probe_due_,
            "while callers are refused somebody finds out when that ends");
        demand(openings_are_sound_, "nothing but failures opens the breaker");
    }
    [[nodiscard]] bool is_at_rest() const
    {
        const auto stats = pool_.stats();
        return callers_.empty() && connects_.empty() && stats.active == 0 && stats.waiting == 0 &&
               stats.size >= rules_.pool.minimum && breaker_.state() == breaker_state::closed && !probe_due_;
    }
    /// Nothing of the budget is lost: after a window without repetitions it grants what it always does.
    void use_the_budget()
    {
        now_ += whole_window + 2s;
        const attempt_facts unsent{.phase = attempt_phase::acquiring};
        const auto once_more = [&] {
            repeated_call one(retries_, nullptr, "call", std::nullopt);
            return one.failed(faults::all().connecting[0].error, unsent).has_value();
        };
        for (std::uint32_t i = 0; i < rules_.budget_minimum; ++i)
            demand(once_more(), "no token of the budget is lost");
        demand(!once_more(), "no token of the budget is made up");
    }

    choices chance_;
    experience& seen_;
    bool tells_;
    rules rules_;
    const bool was_prompt_ = rules_.is_prompt;
    time_point now_ = start;
    mood mood_ = mood::well;
    bool is_at_peace_ = false;
    std::list<caller> callers_;
    std::uint64_t last_id_ = 0;
    std::size_t attempts_ = 0;
    std::deque<time_point> call_times_;
    std::deque<time_point> grant_times_;
    std::set<ticket> waiting_;
    std::vector<connection> connections_;
    std::vector<connect> connects_;
    const fault_row* last_connect_error_ = nullptr;
    time_point no_connect_before_{};
    unsigned connect_failures_ = 0;
    time_point pool_timer_{};
    bool pool_timer_runs_ = false;
    std::optional<time_point> probe_due_;
    std::optional<place_of_caller> probing_;
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
