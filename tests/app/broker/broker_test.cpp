// SPDX-License-Identifier: Apache-2.0
#include "broker/trading.hpp"

#include <gtest/gtest.h>

namespace tradecore::app::broker {
namespace {

using domain::amount;
using domain::order_status;
using domain::order_type;
using domain::quantity;
using domain::rejection_kind;
using domain::side;

const timestamp noon = domain::parse_timestamp("2022-01-01T12:00:00Z");
const uuid client_order = domain::trader_id(1, 1, "order");
const uuid connection = domain::trader_id(1, 1, "connection");

// One funded broker account and one order, placed at tick 10.
class broker_life : public ::testing::Test {
protected:
    broker_life()
    {
        apply(decide(account, open_broker_account{broker_account_id_for(connection), connection, "USD", noon}));
        apply(decide(account, deposit_to_broker{money::whole(10'000), noon}));
        account.holdings["X"] = quantity::whole(50);
    }

    void apply(const domain::decision<std::vector<event>>& decided)
    {
        for (const event& happened : decided.events())
            account.apply(happened);
    }

    static accept_order buy(std::int64_t size, std::string_view reserve = "1001")
    {
        return {
            broker_order_id_for(client_order),
            client_order,
            broker_account_id_for(connection),
            "X",
            side::buy,
            order_type::market,
            quantity::whole(size),
            {},
            money::parse(reserve),
            10,
            noon};
    }

    static accept_order sell(std::int64_t size)
    {
        accept_order command = buy(size);
        command.side = side::sell;
        command.reserve = {};
        return command;
    }

    static accept_order limited(accept_order command, std::int64_t limit)
    {
        command.type = order_type::limit;
        command.limit_price = price::whole(limit);
        return command;
    }

    static work_order
    at(std::int64_t tick, std::int64_t bid, std::int64_t ask, bool cancel = false, std::int64_t max_fill = 4)
    {
        return {{tick, price::whole(bid), price::whole(ask), noon}, quantity::whole(max_fill), cancel};
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

    static std::string filled(const order_and_account_events& events)
    {
        if (events.order.empty())
            return "nothing";
        const auto* fill = std::get_if<broker_order_filled>(&events.order.front());
        return fill == nullptr
                   ? "no fill"
                   : fill->quantity.text() + " at " + fill->price.text() + ", " + fill->remaining.text() + " left";
    }

    static std::string cancelled(const order_and_account_events& events)
    {
        const auto* event = events.order.empty() ? nullptr : std::get_if<broker_order_cancelled>(&events.order.back());
        return event == nullptr ? "not cancelled" : event->reason + ", " + event->remaining.text() + " left";
    }

    account_state account;
    order_state order;
};

TEST_F(broker_life, a_market_buy_fills_at_the_ask_from_its_own_tick_on)
{
    must(buy(3));
    EXPECT_TRUE(must(at(9, 99, 100)).empty());
    const auto events = must(at(10, 99, 100));
    EXPECT_EQ(filled(events), "3 at 100, 0 left");
    EXPECT_EQ(order.status, order_status::filled);
    const auto& fill = std::get<broker_order_filled>(events.order.front());
    EXPECT_EQ(fill.notional, money::whole(300));
    EXPECT_EQ(fill.fee, money::parse("0.3"));
    EXPECT_EQ(fill.fill_id, fill_id_for(order.id, 10));
    EXPECT_EQ(fill.client_order_id, client_order);
    ASSERT_EQ(events.account.size(), 1U);
    const auto& booked = std::get<broker_fill_booked>(events.account.front());
    const std::string self = to_text(account.id);
    EXPECT_EQ(
        booked.legs, (std::vector<domain::leg>{
                         {self, "USD", amount::parse("-300.3")},
                         {"house", "USD", amount::whole(300)},
                         {"fees", "USD", amount::parse("0.3")},
                         {self, "X", amount::whole(3)},
                         {"house", "X", amount::whole(-3)}}));
    EXPECT_EQ(fill.legs, booked.legs);
    EXPECT_EQ(account.cash, money::parse("9699.7"));
    EXPECT_EQ(account.held("X"), quantity::whole(53));
}

TEST_F(broker_life, a_market_sell_fills_at_the_bid)
{
    must(sell(3));
    EXPECT_EQ(filled(must(at(10, 99, 100))), "3 at 99, 0 left");
    EXPECT_EQ(account.cash, money::parse("10296.703"));
    EXPECT_EQ(account.held("X"), quantity::whole(47));
}

TEST_F(broker_life, a_tick_fills_so_much_and_only_once)
{
    must(buy(10));
    EXPECT_EQ(filled(must(at(10, 99, 100))), "4 at 100, 6 left");
    EXPECT_TRUE(must(at(10, 99, 100)).empty());
    EXPECT_EQ(filled(must(at(11, 97, 98))), "4 at 98, 2 left");
    EXPECT_EQ(filled(must(at(12, 99, 100))), "2 at 100, 0 left");
    EXPECT_EQ(order.status, order_status::filled);
    EXPECT_TRUE(must(at(13, 99, 100)).empty());
}

TEST_F(broker_life, a_limit_buy_waits_for_the_next_tick_and_its_price)
{
    must(limited(buy(3), 100));
    EXPECT_TRUE(must(at(10, 90, 91)).empty());
    EXPECT_TRUE(must(at(11, 100, 101)).empty());
    EXPECT_EQ(filled(must(at(12, 99, 100))), "3 at 100, 0 left");
}

TEST_F(broker_life, a_limit_buy_pays_the_ask_not_its_limit)
{
    must(limited(buy(3), 100));
    EXPECT_EQ(filled(must(at(11, 89, 90))), "3 at 90, 0 left");
}

TEST_F(broker_life, a_limit_sell_waits_for_the_bid)
{
    must(limited(sell(3), 100));
    EXPECT_TRUE(must(at(10, 100, 101)).empty());
    EXPECT_TRUE(must(at(11, 99, 101)).empty());
    EXPECT_EQ(filled(must(at(12, 102, 103))), "3 at 102, 0 left");
}

TEST_F(broker_life, a_buy_that_outgrows_its_reserve_is_cancelled_for_the_rest)
{
    must(buy(10));
    must(at(10, 99, 100));
    // 600.6 is left; the next 4 cost 800.8.
    const auto events = must(at(11, 199, 200));
    EXPECT_EQ(cancelled(events), "reserve exhausted, 6 left");
    EXPECT_TRUE(events.account.empty());
    EXPECT_EQ(order.status, order_status::cancelled);
}

TEST_F(broker_life, a_reserve_may_be_used_up_exactly)
{
    must(buy(10));
    must(at(10, 99, 100));
    EXPECT_EQ(order.reserve_left, money::parse("600.6"));
    EXPECT_EQ(filled(must(at(11, 99, 100, false, 6))), "6 at 100, 0 left");
    EXPECT_EQ(order.reserve_left, money{});
}

TEST_F(broker_life, rounding_dust_above_the_reserve_cancels_a_limit_buy)
{
    accept_order command = limited(buy(2), 100);
    command.reserve = money::parse("200.19999999");
    must(command);
    must(at(11, 99, 100, false, 1));
    EXPECT_EQ(cancelled(must(at(12, 99, 100, false, 1))), "reserve exhausted, 1 left");
}

TEST_F(broker_life, a_fill_of_the_same_tick_comes_before_a_cancel)
{
    must(limited(buy(10), 100));
    const auto events = must(at(11, 99, 100, true));
    EXPECT_EQ(filled(events), "4 at 100, 6 left");
    EXPECT_EQ(cancelled(events), "cancel requested, 6 left");
    EXPECT_EQ(std::get<broker_order_cancelled>(events.order.back()).filled, quantity::whole(4));
    EXPECT_EQ(order.status, order_status::cancelled);
    EXPECT_EQ(account.held("X"), quantity::whole(54));
}

TEST_F(broker_life, a_fill_of_the_same_tick_may_leave_nothing_to_cancel)
{
    must(limited(buy(4), 100));
    const auto events = must(at(11, 99, 100, true));
    EXPECT_EQ(filled(events), "4 at 100, 0 left");
    EXPECT_EQ(cancelled(events), "not cancelled");
    EXPECT_EQ(order.status, order_status::filled);
}

TEST_F(broker_life, a_cancel_without_a_fill_cancels_all)
{
    must(limited(buy(4), 50));
    EXPECT_EQ(cancelled(must(at(11, 99, 100, true))), "cancel requested, 4 left");
}

TEST_F(broker_life, an_exhausted_reserve_is_the_reason_even_with_a_cancel)
{
    must(buy(10, "1"));
    const auto events = must(at(10, 99, 100, true));
    EXPECT_EQ(events.order.size(), 1U);
    EXPECT_EQ(cancelled(events), "reserve exhausted, 10 left");
}

TEST_F(broker_life, a_cancel_that_comes_too_late_is_refused)
{
    must(buy(1));
    must(at(10, 99, 100));
    EXPECT_EQ(refusal(at(11, 99, 100, true), rejection_kind::wrong_state), "order is filled: nothing to cancel");
}

TEST_F(broker_life, wrong_orders_are_not_accepted)
{
    const auto with = [&](auto change) {
        accept_order command = buy(1);
        change(command);
        return refusal(command);
    };
    EXPECT_EQ(with([](accept_order& c) { c.symbol.clear(); }), "the symbol is empty");
    EXPECT_EQ(with([](accept_order& c) { c.quantity = {}; }), "the quantity must be positive, not 0");
    EXPECT_EQ(with([](accept_order& c) { c.type = order_type::limit; }), "a limit order needs a limit price");
    EXPECT_EQ(with([](accept_order& c) { c.limit_price = price::whole(1); }), "a market order takes no limit price");
    EXPECT_EQ(with([](accept_order& c) { c = limited(c, -1); }), "the limit price must be positive, not -1");
    EXPECT_EQ(with([](accept_order& c) { c.reserve = {}; }), "a buy needs a reserve");
    EXPECT_EQ(
        with([](accept_order& c) { c.broker_account_id = client_order; }),
        "broker account " + to_text(client_order) + " does not exist");
    must(buy(1));
    EXPECT_EQ(refusal(buy(1), rejection_kind::wrong_state), "broker order " + to_text(order.id) + " exists");
}

TEST_F(broker_life, wrong_work_is_refused)
{
    EXPECT_EQ(refusal(at(10, 99, 100), rejection_kind::wrong_state), "the broker order does not exist");
    must(buy(1));
    EXPECT_EQ(refusal(at(10, 99, 100, false, 0)), "the most a tick may fill must be positive, not 0");
    account.cash = money::whole(100);
    EXPECT_EQ(
        refusal(at(10, 99, 100), rejection_kind::invariant_violation),
        "the fill costs 100.1, the broker account has 100");
    account.id = client_order;
    EXPECT_EQ(
        refusal(at(10, 99, 100), rejection_kind::invariant_violation),
        "broker order " + to_text(order.id) + " is not of account " + to_text(client_order));
}

TEST_F(broker_life, nobody_sells_what_the_books_do_not_hold)
{
    must(sell(4));
    account.holdings["X"] = quantity::whole(1);
    EXPECT_EQ(
        refusal(at(10, 99, 100), rejection_kind::invariant_violation),
        "the fill sells 4 X, the broker account holds 1");
}

TEST_F(broker_life, a_price_beyond_all_numbers_is_refused_not_wrapped)
{
    accept_order command = sell(1);
    command.quantity = quantity::from_raw(domain::detail::amount_max);
    must(command);
    work_order work = at(10, 99, 100);
    work.max_fill = command.quantity;
    EXPECT_EQ(refusal(work), "overflow in amount: 99 × (price × quantity) 999999999999999999999999999999.99999999");
}

TEST_F(broker_life, accounts_open_once_and_take_positive_deposits)
{
    const open_broker_account again{account.id, connection, "USD", noon};
    EXPECT_EQ(decide(account, again).why().reason, "broker account " + to_text(account.id) + " exists");
    EXPECT_EQ(
        decide(account_state{}, open_broker_account{account.id, connection, "", noon}).why().reason,
        "the currency is empty");
    EXPECT_EQ(decide(account, deposit_to_broker{money{}, noon}).why().reason, "a deposit must be positive, not 0");
    EXPECT_EQ(
        decide(account_state{}, deposit_to_broker{money::whole(1), noon}).why().reason,
        "the broker account does not exist");
    EXPECT_THROW(account.apply(broker_order_accepted{}), domain::foreign_event);
    EXPECT_THROW(order.apply(broker_account_opened{}), domain::foreign_event);
}

TEST(broker_ids, follow_from_what_they_answer)
{
    EXPECT_EQ(broker_order_id_for(client_order), broker_order_id_for(client_order));
    EXPECT_NE(broker_order_id_for(client_order), broker_account_id_for(client_order));
    EXPECT_NE(fill_id_for(client_order, 1), fill_id_for(client_order, 2));
}

} // namespace
} // namespace tradecore::app::broker
