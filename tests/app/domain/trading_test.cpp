// SPDX-License-Identifier: Apache-2.0
#include "domain/trading.hpp"

#include <gtest/gtest.h>

namespace tradecore::app::domain {
namespace {

const timestamp noon = parse_timestamp("2022-01-01T12:00:00Z");
const uuid user_id = trader_id(1, 1, "user");
const uuid account_id = trader_id(1, 1, "account");
const uuid order_id = trader_id(1, 1, "order");

// One account of 1000 USD and 5 X, and one order that goes through the commands.
class order_life : public ::testing::Test {
protected:
    order_life()
    {
        account.apply(account_created{account_id, user_id, "USD", noon});
        account.apply(funds_deposited{account_id, money::whole(1000), noon});
        account.holdings["X"].free = quantity::whole(5);
    }

    static place_order buy(std::int64_t size)
    {
        return {order_id, user_id,   account_id,         trader_id(1, 1, "connection"),
                "X",      side::buy, order_type::market, quantity::whole(size),
                {},       3,         price::whole(99),   price::whole(100),
                noon};
    }

    static place_order sell(std::int64_t size)
    {
        place_order command = buy(size);
        command.side = side::sell;
        return command;
    }

    static place_order limited(place_order command, std::int64_t limit)
    {
        command.type = order_type::limit;
        command.limit_price = price::whole(limit);
        return command;
    }

    record_fill fill(std::string_view at, std::int64_t size)
    {
        const auto unit = price::parse(at);
        const money notional = notional_of(unit, quantity::whole(size));
        return {trader_id(1, ++fills, "fill"), unit, quantity::whole(size), notional, fee_of(notional), 4, noon};
    }

    template <class Command>
    order_and_account_events must(const Command& command)
    {
        const auto decided = decide(order, account, command);
        if (!decided) {
            ADD_FAILURE() << decided.why().reason;
            return {};
        }
        for (const event& happened : decided.events().order)
            order.apply(happened);
        for (const event& happened : decided.events().account)
            account.apply(happened);
        return decided.events();
    }

    template <class Command>
    std::string refusal(const Command& command, rejection_kind kind = rejection_kind::refused)
    {
        const auto decided = decide(order, account, command);
        if (decided)
            return "accepted";
        EXPECT_EQ(decided.why().kind, kind);
        return decided.why().reason;
    }

    static std::vector<std::string> names(const order_and_account_events& events)
    {
        std::vector<std::string> out;
        out.reserve(events.order.size() + events.account.size());
        for (const event& happened : events.order)
            out.emplace_back(event_type_of(happened));
        for (const event& happened : events.account)
            out.emplace_back(event_type_of(happened));
        return out;
    }

    using strings = std::vector<std::string>;
    account_state account;
    order_state order;
    std::uint32_t fills = 0;
};

TEST_F(order_life, a_market_buy_reserves_at_the_ask_with_its_fee)
{
    const auto events = must(buy(2));
    EXPECT_EQ(names(events), (strings{"OrderPlaced", "FundsReserved"}));
    const auto& placed = std::get<order_placed>(events.order.front());
    EXPECT_EQ(placed.reserved_cash, money::parse("200.2"));
    EXPECT_TRUE(placed.is_backed());
    EXPECT_EQ(placed.tick, 3);
    EXPECT_EQ(account.free, money::parse("799.8"));
    EXPECT_EQ(order.status, order_status::open);
}

TEST_F(order_life, a_limit_buy_reserves_at_the_limit)
{
    EXPECT_EQ(std::get<order_placed>(must(limited(buy(2), 90)).order.front()).reserved_cash, money::parse("180.18"));
}

TEST_F(order_life, a_sell_reserves_quantity)
{
    const auto events = must(sell(4));
    EXPECT_EQ(names(events), (strings{"OrderPlaced", "FundsReserved"}));
    EXPECT_EQ(std::get<order_placed>(events.order.front()).reserved_quantity, quantity::whole(4));
    EXPECT_EQ(account.held("X").free, quantity::whole(1));
    EXPECT_EQ(account.free, money::whole(1000));
}

TEST_F(order_life, an_order_the_account_cannot_pay_is_placed_and_rejected)
{
    const auto events = must(buy(10));
    EXPECT_EQ(names(events), (strings{"OrderPlaced", "OrderRejected"}));
    EXPECT_FALSE(std::get<order_placed>(events.order.front()).is_backed());
    EXPECT_EQ(std::get<order_rejected>(events.order.back()).reason, "insufficient cash: needs 1001, free 1000");
    EXPECT_EQ(order.status, order_status::rejected);
    EXPECT_EQ(account.free, money::whole(1000));
}

TEST_F(order_life, selling_more_than_is_held_is_rejected)
{
    EXPECT_EQ(std::get<order_rejected>(must(sell(6)).order.back()).reason, "insufficient quantity: needs 6, free 5");
}

TEST_F(order_life, an_order_beyond_all_numbers_is_rejected)
{
    place_order huge = buy(1);
    huge.quantity = quantity::from_raw(detail::amount_max);
    EXPECT_EQ(
        std::get<order_rejected>(must(huge).order.back()).reason,
        "overflow in amount: 100 × (price × quantity) 999999999999999999999999999999.99999999");
}

TEST_F(order_life, an_order_worth_nothing_is_rejected)
{
    place_order dust = buy(1);
    dust.quantity = quantity::from_raw(1);
    dust.bid = dust.ask = price::from_raw(1);
    EXPECT_EQ(std::get<order_rejected>(must(dust).order.back()).reason, "the order is worth nothing");
}

TEST_F(order_life, wrong_commands_make_no_events)
{
    const auto with = [&](auto change) {
        place_order command = buy(1);
        change(command);
        return refusal(command);
    };
    EXPECT_EQ(with([](place_order& c) { c.symbol.clear(); }), "the symbol is empty");
    EXPECT_EQ(with([](place_order& c) { c.quantity = {}; }), "the quantity must be positive, not 0");
    EXPECT_EQ(with([](place_order& c) { c.quantity = quantity::whole(-1); }), "the quantity must be positive, not -1");
    EXPECT_EQ(with([](place_order& c) { c.type = order_type::limit; }), "a limit order needs a limit price");
    EXPECT_EQ(with([](place_order& c) { c.limit_price = price::whole(1); }), "a market order takes no limit price");
    EXPECT_EQ(with([](place_order& c) { c = limited(c, 0); }), "the limit price must be positive, not 0");
    EXPECT_EQ(with([](place_order& c) { c.bid = price::whole(101); }), "bid 101 and ask 100 are no market");
    EXPECT_EQ(with([](place_order& c) { c.bid = {}; }), "bid 0 and ask 100 are no market");
    EXPECT_EQ(with([](place_order& c) { c.tick = -1; }), "the tick is -1");
    EXPECT_EQ(
        with([](place_order& c) { c.account_id = order_id; }), "account " + to_text(order_id) + " does not exist");
    EXPECT_EQ(
        with([](place_order& c) { c.user_id = order_id; }),
        "account " + to_text(account_id) + " is not of user " + to_text(order_id));
    must(buy(1));
    EXPECT_EQ(refusal(buy(1), rejection_kind::wrong_state), "order " + to_text(order_id) + " exists");
}

TEST_F(order_life, fills_partly_then_wholly_and_releases_what_is_left)
{
    must(limited(buy(3), 100));
    const auto first = must(fill("100", 1));
    EXPECT_EQ(names(first), (strings{"OrderPartiallyFilled", "FillSettled"}));
    const auto& partly = std::get<order_partially_filled>(first.order.front());
    EXPECT_EQ(partly.filled, quantity::whole(1));
    EXPECT_EQ(partly.remaining, quantity::whole(2));
    EXPECT_EQ(order.status, order_status::open);

    const auto last = must(fill("90", 2));
    EXPECT_EQ(names(last), (strings{"OrderFilled", "FillSettled", "FundsReleased"}));
    // Reserved 300.3, paid 100.1 and 180.18.
    EXPECT_EQ(std::get<funds_released>(last.account.back()).cash, money::parse("20.02"));
    EXPECT_EQ(order.status, order_status::filled);
    EXPECT_EQ(order.notional, money::whole(280));
    EXPECT_EQ(order.fees, money::parse("0.28"));
    EXPECT_EQ(account.free, money::parse("719.72"));
    EXPECT_EQ(account.reserved, money{});
    EXPECT_EQ(account.held("X").free, quantity::whole(8));
}

TEST_F(order_life, releases_nothing_when_the_reserve_is_used_up)
{
    must(buy(2));
    EXPECT_EQ(names(must(fill("100", 2))), (strings{"OrderFilled", "FillSettled"}));
    EXPECT_EQ(account.reserved, money{});
    EXPECT_TRUE(account.reserves.empty());
}

TEST_F(order_life, a_sale_brings_the_notional_less_the_fee)
{
    must(sell(2));
    must(fill("99", 2));
    EXPECT_EQ(account.free, money::parse("1197.802"));
    EXPECT_EQ(account.held("X").free, quantity::whole(3));
    EXPECT_EQ(account.held("X").reserved, quantity{});
}

TEST_F(order_life, a_cancel_is_requested_then_confirmed)
{
    must(limited(buy(3), 100));
    must(fill("100", 1));
    const auto requested = decide(order, request_cancel{5, noon});
    EXPECT_EQ(requested.events(), (std::vector<event>{order_cancel_requested{order_id, 5, noon}}));
    order.apply(requested.events().front());
    EXPECT_EQ(order.status, order_status::open);
    EXPECT_EQ(decide(order, request_cancel{6, noon}).why().reason, "a cancel was requested already");

    const auto events = must(confirm_cancel{"cancel requested", noon});
    EXPECT_EQ(names(events), (strings{"OrderCancelled", "FundsReleased"}));
    EXPECT_EQ(
        events.order.front(),
        (event{order_cancelled{order_id, "cancel requested", quantity::whole(1), quantity::whole(2), noon}}));
    EXPECT_EQ(account.free, money::parse("899.9"));
    EXPECT_EQ(order.status, order_status::cancelled);
}

TEST_F(order_life, a_cancelled_sale_gives_the_quantity_back)
{
    must(limited(sell(3), 200));
    must(confirm_cancel{"cancel requested", noon});
    EXPECT_EQ(account.held("X").free, quantity::whole(5));
    EXPECT_EQ(account.held("X").reserved, quantity{});
}

TEST_F(order_life, a_fill_that_arrives_before_the_cancel_counts)
{
    must(limited(buy(1), 100));
    order.apply(decide(order, request_cancel{5, noon}).events().front());
    must(fill("100", 1));
    EXPECT_EQ(order.status, order_status::filled);
    EXPECT_EQ(
        refusal(confirm_cancel{"cancel requested", noon}, rejection_kind::invariant_violation), "order is filled");
}

TEST_F(order_life, nothing_can_be_done_to_an_order_that_is_not_open)
{
    EXPECT_EQ(refusal(fill("100", 1), rejection_kind::wrong_state), "the order does not exist");
    EXPECT_EQ(refusal(confirm_cancel{"x", noon}, rejection_kind::wrong_state), "the order does not exist");
    EXPECT_EQ(decide(order, request_cancel{1, noon}).why().reason, "the order does not exist");
    must(buy(10));
    EXPECT_EQ(refusal(fill("100", 1), rejection_kind::invariant_violation), "order is rejected");
    EXPECT_EQ(refusal(confirm_cancel{"x", noon}, rejection_kind::invariant_violation), "order is rejected");
    EXPECT_EQ(decide(order, request_cancel{1, noon}).why().reason, "order is rejected: nothing to cancel");
    EXPECT_EQ(decide(order, request_cancel{1, noon}).why().kind, rejection_kind::wrong_state);
}

TEST_F(order_life, a_fill_must_be_what_the_order_allows)
{
    must(limited(buy(2), 100));
    const auto wrong = [&](auto change) {
        record_fill command = fill("100", 1);
        change(command);
        return refusal(command, rejection_kind::invariant_violation);
    };
    EXPECT_EQ(wrong([&](record_fill& c) { c = fill("100", 3); }), "a fill of 3 where 2 remains");
    EXPECT_EQ(wrong([](record_fill& c) { c.quantity = {}; }), "a fill of quantity 0");
    EXPECT_EQ(wrong([](record_fill& c) { c.price = {}; }), "a fill at price 0");
    EXPECT_EQ(wrong([&](record_fill& c) { c = fill("100.1", 1); }), "a fill at 100.1 of a buy limited to 100");
    EXPECT_EQ(
        wrong([](record_fill& c) { c.notional = money::whole(99); }), "the fill's notional is 99, it should be 100");
    EXPECT_EQ(wrong([](record_fill& c) { c.fee = {}; }), "the fill's fee is 0, it should be 0.1");
    account.id = order_id;
    EXPECT_EQ(wrong([](record_fill&) {}), "order " + to_text(order_id) + " is not of account " + to_text(order_id));
}

TEST_F(order_life, a_limited_sale_never_fills_below_its_limit)
{
    must(limited(sell(1), 101));
    EXPECT_EQ(refusal(fill("100", 1), rejection_kind::invariant_violation), "a fill at 100 of a sell limited to 101");
}

TEST_F(order_life, a_fill_beyond_the_reserve_is_a_violation)
{
    must(buy(2));
    EXPECT_EQ(
        refusal(fill("150", 2), rejection_kind::invariant_violation),
        "the fill takes cash 300.3, the reserve has 200.2");
}

} // namespace
} // namespace tradecore::app::domain
