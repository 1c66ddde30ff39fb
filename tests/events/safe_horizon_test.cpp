// SPDX-License-Identifier: Apache-2.0
#include "events/safe_horizon.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tradecore::events {
namespace {

using statement = safe_horizon::statement;
using positions = std::vector<std::int64_t>;
using holders = std::vector<std::string>;

TEST(SafeHorizon, DeliversWhatFollowsWithoutGap)
{
    safe_horizon horizon(0);
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
    EXPECT_EQ(horizon.rows_ahead(positions{1, 2, 3}), 3U);
    EXPECT_EQ(horizon.delivered(), 3);
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
}

TEST(SafeHorizon, StopsBeforeAGap)
{
    safe_horizon horizon(4);
    EXPECT_EQ(horizon.rows_ahead(positions{5, 7, 8}), 1U);
    EXPECT_EQ(horizon.delivered(), 5);
}

TEST(SafeHorizon, WaitsForNobodyWhenNothingIsVisible)
{
    safe_horizon horizon(4);
    EXPECT_EQ(horizon.rows_ahead({}), 0U);
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
}

TEST(SafeHorizon, AsksForTheLastPositionDrawnBeforeTheHolders)
{
    safe_horizon horizon(0);
    EXPECT_EQ(horizon.rows_ahead(positions{2}), 0U);
    ASSERT_EQ(horizon.wanted(), statement::last_drawn);
    horizon.last_drawn(3, "run");
    ASSERT_EQ(horizon.wanted(), statement::lock_holders);
    EXPECT_TRUE(horizon.lock_holders({}, "run"));
    EXPECT_EQ(horizon.wanted(), statement::rows_up_to_fence);
    EXPECT_EQ(horizon.fence(), 3);
}

TEST(SafeHorizon, MovesToTheLastPositionDeliveredAndNotToTheFence)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2}));
    horizon.last_drawn(43, "run");
    ASSERT_TRUE(horizon.lock_holders({}, "run"));
    horizon.rows_up_to_fence(positions{2, 34}, true);
    EXPECT_EQ(horizon.delivered(), 34);
    EXPECT_EQ(horizon.rows_ahead(positions{35}), 1U) << "35 was drawn again after a crash";
}

TEST(SafeHorizon, HoldsTheFenceUntilEveryHolderIsGone)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2}));
    horizon.last_drawn(2, "run");
    EXPECT_FALSE(horizon.lock_holders({"3/7", "4/9"}, "run"));
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
    EXPECT_EQ(horizon.rows_ahead(positions{2}), 0U);
    ASSERT_EQ(horizon.wanted(), statement::lock_holders);
    EXPECT_FALSE(horizon.lock_holders({"4/9", "5/1"}, "run"));
    EXPECT_EQ(horizon.rows_ahead(positions{2}), 0U);
    EXPECT_TRUE(horizon.lock_holders({"5/1", "3/8"}, "run")) << "5/1 and 3/8 came after the fence";
    EXPECT_EQ(horizon.wanted(), statement::rows_up_to_fence);
}

TEST(SafeHorizon, DeliversAGapThatFillsWhileTheFenceStands)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2, 3}));
    horizon.last_drawn(3, "run");
    ASSERT_FALSE(horizon.lock_holders({"3/7"}, "run"));
    EXPECT_EQ(horizon.rows_ahead(positions{1, 2, 3, 5}), 3U);
    EXPECT_EQ(horizon.rows_ahead(positions{5}), 0U);
    EXPECT_EQ(horizon.wanted(), statement::last_drawn) << "the old fence says nothing about 4";
}

TEST(SafeHorizon, DropsTheFenceWhenTheServerRunsAnew)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2}));
    horizon.last_drawn(9, "first run");
    ASSERT_FALSE(horizon.lock_holders({"3/7"}, "first run"));
    static_cast<void>(horizon.rows_ahead(positions{2}));
    EXPECT_TRUE(horizon.lock_holders({}, "second run"));
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
    EXPECT_EQ(horizon.rows_ahead(positions{2}), 0U);
    EXPECT_EQ(horizon.wanted(), statement::last_drawn);
}

TEST(SafeHorizon, FollowsAHolderThatIsPrepared)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2}));
    horizon.last_drawn(2, "run");
    ASSERT_FALSE(horizon.lock_holders({"3/7"}, "run"));
    EXPECT_FALSE(horizon.lock_holders({"-1/741"}, "run")) << "3/7 under its new name";
    EXPECT_FALSE(horizon.lock_holders({"-1/741", "-1/742"}, "run"));
    EXPECT_TRUE(horizon.lock_holders({"-1/742"}, "run")) << "742 was not a holder when 3/7 was prepared";
}

TEST(SafeHorizon, DeliversUpToTheFenceInSlices)
{
    safe_horizon horizon(0);
    static_cast<void>(horizon.rows_ahead(positions{2, 4}));
    horizon.last_drawn(9, "run");
    ASSERT_TRUE(horizon.lock_holders({}, "run"));
    horizon.rows_up_to_fence(positions{2, 4}, false);
    EXPECT_EQ(horizon.wanted(), statement::rows_up_to_fence);
    horizon.rows_up_to_fence(positions{6}, true);
    EXPECT_EQ(horizon.delivered(), 6);
    EXPECT_EQ(horizon.wanted(), statement::rows_ahead);
}

// --- a store in which everything happens in any order ---------------------------------------------

class model_store {
public:
    struct transaction {
        positions drawn;
        std::string name;
    };

    void begin() { open_.push_back({{}, "3/" + std::to_string(++names_)}); }
    void draw(std::size_t which)
    {
        if (!open_.at(which).name.starts_with("-1/")) { // who is prepared does nothing any more
            open_.at(which).drawn.push_back(++sequence_);
        }
    }
    void commit(std::size_t which)
    {
        for (const auto position : open_.at(which).drawn) {
            committed_.insert(position);
            flushed_ = std::max(flushed_, position);
        }
        roll_back(which);
    }
    void roll_back(std::size_t which) { open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which)); }
    void prepare(std::size_t which)
    {
        auto& it = open_.at(which);
        if (!it.name.starts_with("-1/")) {
            it.name = "-1/" + std::to_string(++names_);
            for (const auto position : it.drawn) {
                flushed_ = std::max(flushed_, position);
            }
        }
    }
    // What no commit flushed is drawn again; the sequence may also come back further than it was.
    void crash(std::int64_t jump)
    {
        std::erase_if(open_, [](const transaction& each) { return !each.name.starts_with("-1/"); });
        sequence_ = std::clamp(flushed_ + jump, flushed_, sequence_ + 32);
        ++run_;
    }

    [[nodiscard]] std::size_t open() const { return open_.size(); }
    [[nodiscard]] std::string run() const { return "run " + std::to_string(run_); }
    [[nodiscard]] const std::set<std::int64_t>& committed() const { return committed_; }
    [[nodiscard]] std::int64_t last_drawn() const { return sequence_; }
    [[nodiscard]] holders lock_holders() const
    {
        holders found;
        for (const auto& each : open_) {
            if (!each.drawn.empty()) {
                found.push_back(each.name);
            }
        }
        return found;
    }
    [[nodiscard]] positions rows(std::int64_t after, std::int64_t up_to, std::size_t limit) const
    {
        positions found;
        for (auto at = committed_.upper_bound(after); at != committed_.end() && *at <= up_to && found.size() < limit;
             ++at) {
            found.push_back(*at);
        }
        return found;
    }

private:
    std::vector<transaction> open_;
    std::set<std::int64_t> committed_;
    std::int64_t sequence_ = 0;
    std::int64_t flushed_ = 0;
    int names_ = 0;
    int run_ = 0;
};

class model_reader {
public:
    explicit model_reader(std::size_t limit) : limit_(limit) {}

    /// One statement; returns false when the reader would have returned with nothing.
    bool step(const model_store& store)
    {
        switch (horizon_.wanted()) {
        case statement::rows_ahead: {
            const auto rows = store.rows(horizon_.delivered(), INT64_MAX, limit_);
            const auto safe = horizon_.rows_ahead(rows);
            take(rows, safe);
            return safe > 0 || !rows.empty();
        }
        case statement::last_drawn:
            horizon_.last_drawn(store.last_drawn(), store.run());
            return true;
        case statement::lock_holders:
            return horizon_.lock_holders(store.lock_holders(), store.run());
        case statement::rows_up_to_fence: {
            const auto rows = store.run() == horizon_.run() ? store.rows(horizon_.delivered(), horizon_.fence(), limit_)
                                                            : positions();
            horizon_.rows_up_to_fence(rows, rows.size() < limit_);
            take(rows, rows.size());
            return true;
        }
        }
        return false;
    }

    [[nodiscard]] const positions& seen() const { return seen_; }

private:
    void take(const positions& rows, std::size_t count)
    {
        seen_.insert(seen_.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
    }

    safe_horizon horizon_{0};
    std::size_t limit_;
    positions seen_;
};

RC_GTEST_PROP(SafeHorizonModel, LosesNothingAndDeliversInOrderWhateverHappens, ())
{
    model_store store;
    model_reader reader(*rc::gen::inRange<std::size_t>(1, 6));
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 20), rc::gen::inRange(0, 1000)));
    for (const auto& [what, pick] : steps) {
        const auto which = store.open() == 0 ? 0 : static_cast<std::size_t>(pick) % store.open();
        if (what < 3) {
            store.begin();
        }
        else if (what == 3) {
            store.crash(pick % 40);
        }
        else if (what > 13) {
            static_cast<void>(reader.step(store));
        }
        else if (store.open() == 0) {
            continue;
        }
        else if (what < 8) {
            store.draw(which);
        }
        else if (what < 11) {
            store.commit(which);
        }
        else if (what == 11) {
            store.prepare(which);
        }
        else {
            store.roll_back(which);
        }
    }
    while (store.open() > 0) {
        store.commit(0);
    }
    // Nobody is at work any more: the reader comes to the end in a bounded number of statements.
    for (std::size_t i = 0; i < 10 * store.committed().size() + 10; ++i) {
        static_cast<void>(reader.step(store));
    }
    RC_ASSERT(reader.seen() == positions(store.committed().begin(), store.committed().end()));
    RC_ASSERT(!reader.step(store));
}

RC_GTEST_PROP(SafeHorizonModel, DeliversNothingBehindAPositionThatMayStillCommit, ())
{
    model_store store;
    model_reader reader(100);
    const auto others = *rc::gen::inRange(1, 10);
    store.begin();
    store.draw(0);
    for (int i = 0; i < others; ++i) {
        store.begin();
        store.draw(1);
        store.commit(1);
        for (int step = *rc::gen::inRange(0, 8); step > 0; --step) {
            static_cast<void>(reader.step(store));
        }
    }
    RC_ASSERT(reader.seen().empty());
    store.roll_back(0);
    for (int step = 0; step < 20; ++step) {
        static_cast<void>(reader.step(store));
    }
    RC_ASSERT(reader.seen().size() == static_cast<std::size_t>(others));
}

} // namespace
} // namespace tradecore::events
