// SPDX-License-Identifier: Apache-2.0
#include "loop.hpp"
#include "market/sample.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

/// The invariants of a whole run, over traders in memory.
namespace tradecore::app::testing {
namespace {

using domain::amount;
using domain::order_status;

using sums = std::map<std::pair<std::string, std::string>, amount>; // (ledger account, asset)

void add(sums& totals, const std::vector<domain::leg>& legs)
{
    for (const domain::leg& line : legs)
        totals[{line.account, line.asset}] += line.amount;
}

// The faults of a finished run, empty when every invariant holds.
std::string fault_in(const loop& run, const settings& with, const std::string& symbol)
{
    sums main;
    std::size_t placed = 0;
    std::map<domain::uuid, std::string> main_fills;
    for (const auto& happened : run.main_events) {
        placed += std::holds_alternative<domain::order_placed>(happened) ? 1 : 0;
        if (const auto* fill = std::get_if<domain::fill_settled>(&happened)) {
            sums own;
            add(own, fill->legs);
            std::map<std::string, amount> assets;
            for (const auto& [key, total] : own)
                assets[key.second] += total;
            for (const auto& [asset, total] : assets)
                if (!total.is_zero())
                    return "the legs of a fill leave " + total.text() + " " + asset;
            add(main, fill->legs);
            main_fills[fill->fill_id] = fill->quantity.text() + "@" + fill->price.text();
        }
    }

    sums books;
    std::map<domain::uuid, std::string> broker_fills;
    for (const auto& happened : run.broker_events) {
        if (const auto* booked = std::get_if<broker::broker_fill_booked>(&happened))
            add(books, booked->legs);
        if (const auto* fill = std::get_if<broker::broker_order_filled>(&happened))
            broker_fills[fill->fill_id] = fill->quantity.text() + "@" + fill->price.text();
    }
    if (main_fills != broker_fills)
        return "the two systems know different fills";

    const auto deposits = domain::convert<amount>(with.cash);
    const auto conserved = [&](sums& totals, amount cash, amount held) -> std::string {
        const amount all = cash + totals[{"house", "USD"}] + totals[{"fees", "USD"}];
        if (all != deposits)
            return "cash sums to " + all.text();
        if (!(held + totals[{"house", symbol}]).is_zero())
            return "quantity with the house is not zero";
        return {};
    };
    const auto held = run.account.held(symbol);
    if (auto fault = conserved(
            main, domain::convert<amount>(run.account.free + run.account.reserved),
            domain::convert<amount>(held.free + held.reserved));
        !fault.empty())
        return "main: " + fault;
    if (auto fault =
            conserved(books, domain::convert<amount>(run.books.cash), domain::convert<amount>(run.books.held(symbol)));
        !fault.empty())
        return "broker: " + fault;
    if (run.account.free.is_negative() || run.account.reserved.is_negative() || held.free.is_negative() ||
        held.reserved.is_negative())
        return "the account went below zero";

    std::map<order_status, std::size_t> by_status;
    domain::money reserved;
    for (const auto& [id, order] : run.orders) {
        ++by_status[order.main.status];
        const auto at_broker = order.main.status == order_status::rejected ? order_status::none : order.main.status;
        if (order.at_broker.status != at_broker)
            return "the two systems disagree about an order";
    }
    for (const auto& [id, left] : run.account.reserves) {
        reserved += left.cash;
        if (run.orders.at(id).main.status != order_status::open)
            return "a finished order keeps a reserve";
    }
    if (reserved != run.account.reserved)
        return "the reserves of open orders are not what the account has reserved";
    if (placed != with.orders || by_status[order_status::none] != 0 ||
        placed != by_status[order_status::filled] + by_status[order_status::cancelled] +
                      by_status[order_status::rejected] + by_status[order_status::open])
        return fmt::format("{} orders were to be placed, {} were", with.orders, placed);
    return {};
}

RC_GTEST_PROP(loop_property, money_and_orders_are_conserved_and_a_replay_is_equal, ())
{
    const auto prices =
        market::make_sample(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::size_t>(1, 400));
    settings with;
    with.seed = *rc::gen::arbitrary<std::uint64_t>();
    with.trader = *rc::gen::inRange<std::uint32_t>(0, 1000);
    with.orders = *rc::gen::inRange<std::uint32_t>(1, 80);
    with.cash = domain::money::from_raw(*rc::gen::inRange<std::int64_t>(1, 100'000'000'000'000));
    with.max_fill = domain::quantity::from_raw(*rc::gen::inRange<std::int64_t>(10'000, 100'000'000));
    loop first(with, prices);
    first.run();
    const std::string fault = fault_in(first, with, prices.symbol);
    if (!fault.empty())
        RC_FAIL(fault);
    loop second(with, prices);
    second.run();
    RC_ASSERT(first.transcript() == second.transcript());
}

TEST(loop, a_run_of_many_traders_meets_every_case)
{
    const auto prices = market::make_sample(11, 5000);
    std::map<std::string, int> seen;
    for (std::uint32_t trader = 0; trader < 20; ++trader) {
        settings with;
        with.seed = 42;
        with.trader = trader;
        with.orders = 200;
        with.max_fill = domain::default_max_fill(with.cash, prices.ticks.front().ask);
        loop run(with, prices);
        run.run();
        EXPECT_EQ(fault_in(run, with, prices.symbol), "") << "trader " << trader;
        for (const auto& happened : run.main_events) {
            ++seen[std::string(event_type_of(happened))];
            if (const auto* cancelled = std::get_if<domain::order_cancelled>(&happened))
                ++seen[cancelled->reason + (cancelled->filled.is_zero() ? "" : ", partly filled")];
        }
        std::size_t raced = 0;
        for (const auto& [id, order] : run.orders) {
            seen["still open"] += order.main.status == order_status::open ? 1 : 0;
            raced += order.main.cancel_requested && order.main.status == order_status::filled ? 1 : 0;
        }
        seen["filled under a cancel"] += static_cast<int>(raced);
        seen["cancelled too late"] += static_cast<int>(run.cancels_too_late);
    }
    for (const auto* what :
         {"OrderPlaced", "OrderRejected", "OrderPartiallyFilled", "OrderFilled", "OrderCancelRequested",
          "OrderCancelled", "FundsReserved", "FillSettled", "FundsReleased", "cancel requested",
          "cancel requested, partly filled", "reserve exhausted, partly filled", "still open", "filled under a cancel",
          "cancelled too late"})
        EXPECT_GT(seen[what], 0) << what;
    EXPECT_EQ(seen["OrderPlaced"], 4000);
    // One order in ten to one in five fills in pieces; this counts the pieces.
    EXPECT_GT(seen["OrderPartiallyFilled"], 300);
}

TEST(loop, state_is_what_its_stored_events_give)
{
    const auto prices = market::make_sample(5, 600);
    settings with;
    with.max_fill = domain::quantity::parse("0.05");
    loop run(with, prices);
    run.run();
    domain::account_state account;
    for (const auto& happened : run.main_events) {
        const auto stored = domain::encode(happened);
        const auto back = domain::decode(stored.type, stored.schema_version, stored.data);
        ASSERT_EQ(back, happened);
        try {
            account.apply(back);
        }
        catch (const domain::foreign_event&) {
            // Of another stream.
        }
    }
    EXPECT_EQ(account.free, run.account.free);
    EXPECT_EQ(account.reserved, run.account.reserved);
    EXPECT_EQ(account.held(prices.symbol).free, run.account.held(prices.symbol).free);
}

} // namespace
} // namespace tradecore::app::testing
