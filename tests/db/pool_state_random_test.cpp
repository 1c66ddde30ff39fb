// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_state_start.hpp"

#include <tradecore/db/pool_state.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using slot = pool_state::slot;
using ticket = pool_state::ticket;
using time_point = pool_state::time_point;
using test::of_size;
using test::start;

/// Plays random events, and keeps in a model what must hold.
class pool_simulation {
public:
    explicit pool_simulation(std::uint32_t seed) : random_(seed), options_(random_options()), pool_(options_) {}

    void play(int steps)
    {
        for (int step = 0; step < steps && problem_.empty(); ++step) {
            event();
            pump();
            check_invariants();
        }
    }
    /// @returns what does not hold; empty when all does.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    double lottery() { return static_cast<double>(below(100)) / 100.0; }
    std::chrono::milliseconds moment() { return std::chrono::milliseconds(below(3000)); }

    pool_options random_options()
    {
        auto options = of_size(below(4), 0);
        options.maximum = std::max<std::size_t>(1, options.minimum + below(4));
        options.maximum_connecting = 1 + below(4);
        options.idle_timeout = 5s;
        options.max_lifetime = 20s;
        options.keepalive_time = std::chrono::seconds(below(2) * 3);
        options.idle_check_after = std::chrono::milliseconds(below(3) * 1000);
        return options;
    }
    void demand(bool holds, const char* promise)
    {
        if (!holds && problem_.empty())
            problem_ = promise;
    }
    template <class Set>
    auto any_of(Set& set)
    {
        const auto chosen = std::next(set.begin(), static_cast<std::ptrdiff_t>(below(set.size())));
        const auto value = *chosen;
        set.erase(chosen);
        return value;
    }
    void serve(std::optional<ticket> who, slot which)
    {
        demand(who.has_value() == (!waiting_.empty() && !suspended_), "what becomes free goes to who waits");
        if (!who)
            return;
        demand(!waiting_.empty() && *who == *waiting_.begin(), "first come, first served");
        waiting_.erase(*who);
        demand(lent_.insert(which).second, "nothing is lent twice");
        last_served_ = {which, who};
    }

    void event()
    {
        switch (below(15)) {
        case 0:
        case 1:
        case 2:
            return call();
        case 3:
        case 4: // a return
            if (!lent_.empty()) {
                const slot which = any_of(lent_);
                if (pool_.must_end(which, now_))
                    pool_.removed(which);
                else
                    serve(pool_.give_back(which, now_), which);
            }
            return;
        case 5: // a connection breaks in use
            if (!lent_.empty())
                pool_.removed(any_of(lent_));
            return;
        case 6: // a connect ends
            if (connecting_ > 0) {
                --connecting_;
                const auto made = pool_.connect_succeeded(now_, lottery());
                demand(!pool_.must_end(made.where, now_), "a new connection is new");
                serve(made.owner, made.where);
            }
            return;
        case 7:
            return fail_connect();
        case 8: // a waiter gives up
            if (!waiting_.empty())
                demand(pool_.withdraw(any_of(waiting_)), "who waits can leave");
            return;
        case 9:
            return end_check();
        case 10: // a connection breaks between its promise and its use
            if (last_served_ && lent_.erase(last_served_->where) != 0) {
                pool_.removed(last_served_->where);
                pool_.wait_again(*last_served_->owner);
                demand(waiting_.insert(*last_served_->owner).second, "a ticket is one caller's");
            }
            last_served_.reset();
            return;
        case 11:
            return toggle();
        case 12:
            return evict();
        case 13: // nobody answers
            (void)pool_.take_suspects(now_, now_ - moment());
            return;
        default: // time passes
            now_ += moment();
            (void)pool_.take_expired(now_, [this](slot) { return below(20) == 0; });
            return;
        }
    }
    void call()
    {
        const bool somebody_waits = !waiting_.empty();
        if (const auto which = pool_.take_idle(now_)) {
            demand(!somebody_waits, "nobody overtakes who waits");
            demand(!suspended_, "a suspended pool lends nothing");
            demand(lent_.insert(*which).second, "nothing is lent twice");
        }
        else {
            const auto who = pool_.wait();
            demand(waiting_.empty() || who > *waiting_.rbegin(), "who comes last is last in line");
            waiting_.insert(who);
        }
    }
    void fail_connect()
    {
        if (connecting_ == 0)
            return;
        --connecting_;
        if (below(8) == 0) {
            pool_.connect_abandoned();
            return;
        }
        const bool no_room = below(2) == 0;
        const auto size = pool_.stats().size;
        const auto told = pool_.connect_failed(now_, no_room, lottery());
        demand(
            told.has_value() == (!waiting_.empty() && !suspended_ && !(no_room && size > 0)),
            "a failed connect tells one who waits");
        if (!told)
            return;
        demand(*told == *waiting_.begin(), "a failed connect tells the first");
        waiting_.erase(*told);
    }
    void end_check()
    {
        if (checked_.empty())
            return;
        const slot which = any_of(checked_);
        if (below(3) == 0 || pool_.must_end(which, now_))
            pool_.removed(which);
        else
            serve(pool_.check_passed(which, now_), which);
    }
    void toggle()
    {
        suspended_ = !suspended_;
        if (suspended_)
            return pool_.suspend();
        for (const auto& [which, owner] : pool_.resume(now_))
            serve(owner, which);
    }
    void evict()
    {
        const std::size_t chance = 1 + below(4);
        const auto idle = pool_.stats().idle;
        const auto ended = pool_.evict([&](slot) { return below(chance) == 0; });
        demand(pool_.stats().idle + ended.idle.size() == idle, "idle connections are evicted at once");
        demand(ended.active <= lent_.size() + checked_.size(), "what is lent is evicted later");
    }
    void pump()
    {
        while (const auto which = pool_.take_for_check(now_))
            demand(checked_.insert(*which).second, "nothing is checked twice");
        while (pool_.wants_connect(now_)) {
            pool_.connect_started();
            ++connecting_;
        }
    }
    void check_invariants()
    {
        const auto stats = pool_.stats();
        demand(stats.active == lent_.size() + checked_.size(), "what is active is lent or checked");
        demand(pool_.checking() == checked_.size(), "checks are counted");
        demand(stats.waiting == waiting_.size(), "who waits is counted");
        demand(stats.connecting == connecting_, "connects are counted");
        demand(stats.size == stats.active + stats.idle, "the size is what is active or idle");
        demand(stats.size + stats.connecting <= options_.maximum, "never more than the maximum");
        demand(stats.connecting <= options_.maximum_connecting, "connects are bounded");
        demand(!suspended_ || !pool_.wants_connect(now_), "a suspended pool connects to nothing");
        const auto callers = suspended_ ? 0 : waiting_.size();
        demand(stats.idle == 0 || callers <= checked_.size(), "nothing is idle that somebody could use");
        const bool is_short = !suspended_ && stats.size + connecting_ < options_.maximum &&
                              (callers > checked_.size() || stats.size + connecting_ < options_.minimum);
        demand(
            !is_short || connecting_ > 0 || pool_.next_event(now_).value_or(time_point::max()) <= now_ + 5s,
            "while somebody waits and there is room, a connect is running or its time is known");
    }

    std::minstd_rand random_;
    pool_options options_;
    pool_state pool_;
    time_point now_ = start;
    std::set<slot> lent_;
    std::set<slot> checked_;
    std::set<ticket> waiting_;
    std::optional<pool_state::placed> last_served_;
    std::size_t connecting_ = 0;
    bool suspended_ = false;
    std::string problem_;
};

RC_GTEST_PROP(pool_state, keeps_its_promises, (std::uint32_t seed))
{
    pool_simulation one(seed);
    one.play(*rc::gen::inRange(0, 300));
    RC_ASSERT(one.problem() == "");
}

TEST(pool_state, keeps_its_promises_for_long)
{
    const bool thorough = std::getenv("TRADECORE_LONG_TESTS") != nullptr;
    const std::uint32_t games = thorough ? 20'000 : 200;
    for (std::uint32_t seed = 1; seed <= games; ++seed) {
        pool_simulation one(seed);
        one.play(250);
        ASSERT_EQ(one.problem(), "") << "seed " << seed;
    }
}

} // namespace
} // namespace tradecore
