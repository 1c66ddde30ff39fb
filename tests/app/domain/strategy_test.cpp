// SPDX-License-Identifier: Apache-2.0
#include "domain/strategy.hpp"
#include "market/sample.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

namespace tradecore::app::domain {
namespace {

const market::tick now{
    parse_timestamp("2022-01-01"), price::parse("46000"), price::parse("46000.5"), price::parse("46000")};
const account_view rich{money::whole(100'000), quantity::parse("2.5")};

std::vector<planned_order> all_orders(const strategy& plan, std::int64_t ticks, const account_view& view)
{
    std::vector<planned_order> out;
    for (std::int64_t tick = 0; tick < ticks; ++tick)
        for (const auto& step : plan.steps_due(tick))
            out.push_back(plan.order_for(step, now, view));
    return out;
}

TEST(strategy, depends_on_seed_and_trader_alone)
{
    const auto described = [](std::uint64_t seed, std::uint32_t trader) {
        std::string out;
        for (const auto& order : all_orders(strategy(seed, trader, 50, 1000), 1000, rich))
            out += to_text(order.order_id) + std::string(to_text(order.side)) + order.quantity.text() +
                   (order.limit_price ? order.limit_price->text() : "") + ' ';
        return out;
    };
    EXPECT_EQ(described(1, 2), described(1, 2));
    EXPECT_NE(described(1, 2), described(1, 3));
    EXPECT_NE(described(1, 2), described(2, 2));
}

TEST(strategy, mixes_kinds_sides_and_sizes)
{
    const strategy plan(7, 0, 2000, 50'000);
    const auto orders = all_orders(plan, 50'000, rich);
    ASSERT_EQ(orders.size(), 2000U);
    const auto share = [&](auto matches) { return std::ranges::count_if(orders, matches) / 20; };
    EXPECT_NEAR(static_cast<double>(share([](const auto& o) { return o.type == order_type::market; })), 50, 5);
    EXPECT_NEAR(static_cast<double>(share([](const auto& o) { return o.side == side::buy; })), 50, 15);
    const auto too_large = std::ranges::count_if(orders, [](const planned_order& o) {
        return o.side == side::sell ? o.quantity > rich.free_quantity
                                    : notional_of(now.ask, o.quantity) > rich.free_cash;
    });
    EXPECT_GT(too_large, 20);
    EXPECT_LT(too_large, 120);
    // Some limits can fill at once, some stay far away.
    EXPECT_TRUE(std::ranges::any_of(orders, [](const planned_order& o) {
        return o.side == side::buy && o.limit_price && *o.limit_price >= now.ask;
    }));
    EXPECT_TRUE(std::ranges::any_of(orders, [](const planned_order& o) {
        return o.side == side::buy && o.limit_price && *o.limit_price < price::whole(44'000);
    }));
}

TEST(strategy, shares_ticks_and_cancels_about_a_third_of_its_limits)
{
    const strategy plan(7, 0, 2000, 50'000);
    std::size_t shared = 0;
    std::size_t limits = 0;
    std::size_t cancelled = 0;
    std::size_t racing = 0;
    for (std::int64_t tick = 0; tick < 50'000; ++tick) {
        const auto due = plan.steps_due(tick);
        shared += due.size() > 1 ? due.size() : 0;
        for (const auto& step : due) {
            if (plan.order_for(step, now, rich).type != order_type::limit)
                continue;
            ++limits;
            cancelled += step.cancel_tick ? 1 : 0;
            racing += step.cancel_tick == tick + 1 ? 1 : 0;
        }
    }
    EXPECT_GT(shared, 100U);
    EXPECT_GT(cancelled * 100, limits * 22);
    EXPECT_LT(cancelled * 100, limits * 45);
    EXPECT_GT(racing, 20U);
}

TEST(strategy, sells_only_what_is_held)
{
    for (const auto& order : all_orders(strategy(3, 1, 300, 1000), 1000, {money::whole(1000), quantity{}}))
        EXPECT_EQ(order.side, side::buy);
}

TEST(strategy, deals_orders_out_evenly)
{
    std::uint32_t sum = 0;
    for (std::uint32_t trader = 0; trader < 7; ++trader) {
        EXPECT_TRUE(orders_of(trader, 7, 100) == 14 || orders_of(trader, 7, 100) == 15);
        sum += orders_of(trader, 7, 100);
    }
    EXPECT_EQ(sum, 100U);
}

TEST(strategy, fill_limit_follows_cash_and_price)
{
    EXPECT_EQ(default_max_fill(default_cash, price::whole(46'000)).text(), "0.163");
    EXPECT_EQ(default_max_fill(default_cash, price::whole(100)).text(), "75");
    EXPECT_EQ(default_max_fill(money::from_raw(1), price::whole(46'000)).text(), "0.0001");
    EXPECT_EQ(default_max_fill(default_cash, price::parse("0.001")).text(), "7500000");
}

RC_GTEST_PROP(strategy_property, every_step_is_due_once_in_order_and_every_order_can_be_asked_for, ())
{
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto orders = *rc::gen::inRange<std::uint32_t>(0, 60);
    const auto ticks = *rc::gen::inRange<std::int64_t>(0, 200);
    const strategy plan(seed, 3, orders, ticks);

    std::vector<std::uint32_t> seen;
    std::set<std::uint32_t> cancels;
    std::optional<std::int64_t> next = plan.next_due(0);
    for (std::int64_t tick = 0; tick < ticks; ++tick) {
        const bool due = !plan.steps_due(tick).empty() || !plan.cancels_due(tick).empty();
        RC_ASSERT(due == (next == tick));
        for (const auto& step : plan.steps_due(tick)) {
            seen.push_back(step.step);
            if (step.cancel_tick)
                RC_ASSERT((*step.cancel_tick > tick && *step.cancel_tick < ticks));
            market::tick at = now;
            at.bid = price::from_raw(*rc::gen::inRange<std::int64_t>(1, 10'000'000'000'000));
            at.ask = at.bid;
            const account_view view{
                money::from_raw(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000'000)),
                quantity::from_raw(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000))};
            const auto order = plan.order_for(step, at, view);
            RC_ASSERT(order.quantity.is_positive());
            RC_ASSERT(order.limit_price.has_value() == (order.type == order_type::limit));
            if (order.limit_price)
                RC_ASSERT(order.limit_price->is_positive());
        }
        for (const auto& cancel : plan.cancels_due(tick)) {
            RC_ASSERT(cancels.insert(cancel.step).second);
            RC_ASSERT(std::ranges::find(seen, cancel.step) != seen.end());
            RC_ASSERT(cancel.order_id == step_id(seed, 3, cancel.step, "order"));
        }
        if (due)
            next = plan.next_due(tick + 1);
    }
    RC_ASSERT(!next.has_value());
    RC_ASSERT(seen.size() == (ticks > 0 ? orders : 0U));
    RC_ASSERT(std::ranges::is_sorted(seen));
}

} // namespace
} // namespace tradecore::app::domain
