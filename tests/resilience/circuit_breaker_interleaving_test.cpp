// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/circuit_breaker.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

namespace tradecore::resilience {
namespace {

using namespace std::chrono_literals;
using enum breaker_state;

constexpr time_point start{std::chrono::hours(1)};

enum class action { wait_a_little, wait_long, call, probe_in_background, settle, drop, move_permit };

/// What happens next: the numbers choose among what is there.
struct step {
    action what = action::call;
    std::uint32_t which = 0;
    std::uint32_t how = 0;

    friend std::ostream& operator<<(std::ostream& out, const step& s)
    {
        return out << '{' << static_cast<int>(s.what) << ", " << s.which << ", " << s.how << '}';
    }
};

/// Callers and a background prober that come, go and finish in any order, beside a small model of what the
/// breaker must do.
class interleaving {
public:
    interleaving() : breaker_(options_, seeded_random(1))
    {
        breaker_.add_listener([this](const breaker_change& what) { on_change(what); });
    }
    ~interleaving() { permits_.clear(); } // while the listener's object is whole

    void take(const step& next)
    {
        switch (next.what) {
        case action::wait_a_little:
            now_ += std::chrono::milliseconds(next.which % 150);
            break;
        case action::wait_long:
            now_ += std::chrono::milliseconds(next.which % 12'000);
            break;
        case action::call:
            call();
            break;
        case action::probe_in_background:
            probe_in_background();
            break;
        case action::settle:
            settle(next);
            break;
        case action::drop:
            drop(next);
            break;
        case action::move_permit:
            if (!permits_.empty())
                std::swap(permits_.front(), permits_[next.which % permits_.size()]);
            break;
        }
        check();
    }

    /// Whatever happened before: 30 s after the last caller's turn and with no probe alive, a caller gets in.
    void end()
    {
        now_ += 30s;
        if (breaker_.state() != closed) {
            auto last = breaker_.admit(now_);
            RC_ASSERT(last.granted.is_probe());
            last.granted.settle(outcome::success, now_);
        }
        RC_ASSERT(breaker_.state() == closed);
        check();
    }

    [[nodiscard]] const std::set<breaker_cause>& causes() const { return causes_; }
    [[nodiscard]] const breaker_stats& stats() const { return breaker_.stats(); }

private:
    struct held {
        circuit_breaker::permit right;
        /// How many changes had been made when it was granted, its own included.
        std::size_t changes = 0;
    };

    /// Assertions throw and a breaker drops what a listener throws: violations are kept until `check`.
    void on_change(const breaker_change& what)
    {
        const bool follows = what.from == last_.to && what.when >= last_.when && what.when <= now_;
        const bool exists =
            what.from == half_open ? what.to != half_open : what.to == (what.from == closed ? open : half_open);
        changes_are_sound_ = changes_are_sound_ && follows && exists;
        last_ = what;
        ++changes_;
        causes_.insert(what.cause);
        switch (what.cause) {
        case breaker_cause::too_many_failures:
            turn_ = what.when + 30s;
            break;
        case breaker_cause::background_probe_begins:
        case breaker_cause::caller_probe_begins:
            probe_by_caller_ = what.cause == breaker_cause::caller_probe_begins;
            probe_began_ = what.when;
            break;
        case breaker_cause::probe_failed:
        case breaker_cause::probe_overdue:
            if (probe_by_caller_)
                turn_ = probe_began_ + 30s;
            break;
        case breaker_cause::probe_succeeded:
            failures_ = 0;
            burst_ends_ = time_point::min();
            break;
        case breaker_cause::probe_given_back:
            break;
        }
    }

    [[nodiscard]] std::size_t live_probes() const
    {
        return static_cast<std::size_t>(std::count_if(permits_.begin(), permits_.end(), [this](const held& each) {
            return each.right.is_probe() && !each.right.limit().has_passed(now_);
        }));
    }

    void keep(circuit_breaker::permit right) { permits_.push_back({std::move(right), changes_}); }

    void call()
    {
        const bool was_closed = breaker_.state() == closed;
        auto answer = breaker_.admit(now_);
        if (was_closed) {
            RC_ASSERT(answer && !answer.granted.is_probe());
        }
        else if (answer) {
            RC_ASSERT(answer.granted.is_probe());
            RC_ASSERT(live_probes() == 0U);
            RC_ASSERT(now_ >= turn_);
        }
        else {
            RC_ASSERT(answer.come_again_in > 0s);
            RC_ASSERT(answer.come_again_in <= 30s);
            RC_ASSERT(now_ < turn_ || live_probes() == 1U);
            return;
        }
        keep(std::move(answer.granted));
    }

    void probe_in_background()
    {
        const auto due = breaker_.next_background_probe();
        const bool was_open = breaker_.state() == open;
        auto right = breaker_.try_background_probe(now_);
        if (was_open)
            RC_ASSERT(static_cast<bool>(right) == (now_ >= due.value()));
        if (!right)
            return;
        RC_ASSERT(live_probes() == 0U);
        keep(std::move(right));
    }

    void settle(const step& next)
    {
        constexpr std::array endings{outcome::failure, outcome::failure,         outcome::failure,
                                     outcome::success, outcome::connection_lost, outcome::neutral};
        if (permits_.empty())
            return;
        const auto which = permits_.begin() + static_cast<std::ptrdiff_t>(next.which % permits_.size());
        const outcome how = endings[next.how % endings.size()];
        held ended = std::move(*which);
        permits_.erase(which);
        const bool stale = ended.changes != changes_;
        const bool probe = ended.right.is_probe();
        const bool in_time = !ended.right.limit().has_passed(now_);
        const auto before = seen();
        ended.right.settle(how, now_);
        if (stale) {
            RC_ASSERT(seen() == before);
        }
        else if (probe) {
            RC_ASSERT(breaker_.state() == (how == outcome::success && in_time ? closed : open));
        }
        else {
            count(how);
        }
    }

    void drop(const step& next)
    {
        if (permits_.empty())
            return;
        const auto which = permits_.begin() + static_cast<std::ptrdiff_t>(next.which % permits_.size());
        const bool current_probe = which->right.is_probe() && which->changes == changes_;
        const auto before = seen();
        permits_.erase(which);
        if (current_probe)
            RC_ASSERT(breaker_.state() == open);
        else
            RC_ASSERT(seen() == before);
    }

    /// The model of the closed breaker.
    void count(outcome how)
    {
        if (how == outcome::success)
            failures_ = 0;
        else if (how == outcome::failure || (how == outcome::connection_lost && now_ >= burst_ends_))
            ++failures_;
        if (how == outcome::connection_lost && now_ >= burst_ends_)
            burst_ends_ = now_ + options_.burst;
        RC_ASSERT(breaker_.consecutive_failures() == failures_);
        RC_ASSERT(breaker_.state() == (failures_ == options_.failure_threshold ? open : closed));
    }

    struct view {
        breaker_state state;
        unsigned failures;
        std::optional<time_point> due;
        std::optional<time_point> since;
        std::size_t changes;
        friend bool operator==(const view&, const view&) = default;
    };
    [[nodiscard]] view seen() const
    {
        return {
            breaker_.state(), breaker_.consecutive_failures(), breaker_.next_background_probe(),
            breaker_.refuses_since(), changes_};
    }

    void check()
    {
        RC_ASSERT(changes_are_sound_);
        RC_ASSERT(breaker_.state() == last_.to);
        RC_ASSERT(live_probes() <= 1U);
        RC_ASSERT(breaker_.next_background_probe().has_value() == (breaker_.state() != closed));
        RC_ASSERT(breaker_.refuses_since().has_value() == (breaker_.state() != closed));
    }

    breaker_options options_{};
    time_point now_ = start;
    std::vector<held> permits_;
    breaker_change last_{closed, closed, breaker_cause::probe_succeeded, time_point::min()};
    std::size_t changes_ = 0;
    bool changes_are_sound_ = true;
    std::set<breaker_cause> causes_;
    unsigned failures_ = 0;
    time_point burst_ends_ = time_point::min();
    /// When a caller's turn comes: 30 s after the breaker opened, or after the last caller's probe that failed
    /// began.
    time_point turn_ = time_point::max();
    time_point probe_began_{};
    bool probe_by_caller_ = false;
    circuit_breaker breaker_;
};

rc::Gen<step> any_step(bool with_background)
{
    return rc::gen::build<step>(
        rc::gen::set(
            &step::what, rc::gen::weightedElement<action>(
                             {{3, action::wait_a_little},
                              {2, action::wait_long},
                              {8, action::call},
                              {with_background ? 3U : 0U, action::probe_in_background},
                              {8, action::settle},
                              {1, action::drop},
                              {1, action::move_permit}})),
        rc::gen::set(&step::which, rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint32_t>())),
        rc::gen::set(&step::how, rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint32_t>())));
}

/// One probe at a time; refused only as long as the rules say; a stale outcome changes nothing; closed by nothing but a
/// probe's success in time; opened by exactly the failures that count; changes told in order; and at the end a caller
/// gets in.
RC_GTEST_PROP(circuit_breaker_interleaving, keeps_its_promises_in_any_order_of_events, ())
{
    interleaving run;
    for (const step& next : *rc::gen::scale(4.0, rc::gen::container<std::vector<step>>(any_step(true))))
        run.take(next);
    run.end();
}

RC_GTEST_PROP(circuit_breaker_interleaving, keeps_its_promises_when_nobody_probes_in_the_background, ())
{
    interleaving run;
    for (const step& next : *rc::gen::scale(4.0, rc::gen::container<std::vector<step>>(any_step(false))))
        run.take(next);
    run.end();
}

TEST(circuit_breaker_interleaving, comes_through_every_change_there_is)
{
    interleaving run;
    seeded_random random(3);
    const auto below = [&random](double limit) { return static_cast<std::uint32_t>(random() * limit); };
    for (int i = 0; i < 20'000; ++i)
        run.take({static_cast<action>(below(7)), below(1e9), below(1e9)});
    run.end();
    EXPECT_EQ(run.causes().size(), 7U);
    EXPECT_GT(run.stats().openings, 20U);
    EXPECT_GT(run.stats().caller_probes, 20U);
    EXPECT_GT(run.stats().background_probes, 20U);
    EXPECT_GT(run.stats().stale, 20U);
    EXPECT_GT(run.stats().refused, 20U);
}

} // namespace
} // namespace tradecore::resilience
