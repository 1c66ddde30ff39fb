// SPDX-License-Identifier: Apache-2.0
#include "domain/account.hpp"
#include "domain/connection.hpp"
#include "domain/user.hpp"

#include <gtest/gtest.h>

namespace tradecore::app::domain {
namespace {

const timestamp noon = parse_timestamp("2022-01-01T12:00:00Z");
const uuid user_id = trader_id(1, 1, "user");
const uuid account_id = trader_id(1, 1, "account");
const uuid connection_id = trader_id(1, 1, "connection");
const uuid order_id = trader_id(1, 1, "order");
const uuid fill_id = trader_id(1, 1, "fill");

template <class State>
void play(State& state, const std::vector<event>& events)
{
    for (const event& happened : events)
        state.apply(happened);
}

template <class Decided>
std::string reason(const Decided& decided)
{
    return decided ? "accepted" : decided.why().reason;
}

account_state funded(std::int64_t cash = 1000)
{
    account_state account;
    play(account, decide(account, open_account{account_id, user_id, "USD", noon}).events());
    play(account, decide(account, deposit{money::whole(cash), noon}).events());
    return account;
}

TEST(user, is_created_once)
{
    user_state user;
    const register_user command{user_id, "a@b.example", "Ada", "Byron", noon};
    const auto decided = decide(user, command);
    ASSERT_TRUE(decided);
    EXPECT_EQ(decided.events(), (std::vector<event>{user_created{user_id, "a@b.example", "Ada", "Byron", noon}}));
    play(user, decided.events());
    EXPECT_TRUE(user.exists);
    EXPECT_EQ(reason(decide(user, command)), "user " + to_text(user_id) + " exists");
    EXPECT_EQ(decide(user, command).why().kind, rejection_kind::wrong_state);
}

TEST(user, needs_an_email)
{
    for (const auto* email : {"", "ada", "@b", "a@", "a@b@c"})
        EXPECT_EQ(
            reason(decide(user_state{}, register_user{user_id, email, "", "", noon})),
            "\"" + std::string(email) + "\" is not an email address");
}

TEST(connection, is_created_then_activated_once)
{
    connection_state connection;
    EXPECT_EQ(reason(decide(connection, activate_connection{fill_id, noon})), "the connection does not exist");
    const create_connection create{connection_id, user_id, account_id, "USD", noon};
    const auto created = decide(connection, create);
    EXPECT_EQ(
        created.events(),
        (std::vector<event>{connection_created{connection_id, user_id, account_id, "USD", "virtual", noon}}));
    play(connection, created.events());
    EXPECT_FALSE(connection.active);
    EXPECT_EQ(reason(decide(connection, create)), "connection " + to_text(connection_id) + " exists");
    play(connection, decide(connection, activate_connection{fill_id, noon}).events());
    EXPECT_TRUE(connection.active);
    EXPECT_EQ(connection.broker_account_id, fill_id);
    EXPECT_EQ(
        reason(decide(connection, activate_connection{fill_id, noon})),
        "connection " + to_text(connection_id) + " is active already");
}

TEST(account, opens_once_in_a_currency)
{
    EXPECT_EQ(
        reason(decide(account_state{}, open_account{account_id, user_id, "usd", noon})),
        "\"usd\" is not a currency: 3 to 8 capital letters or digits");
    EXPECT_EQ(
        reason(decide(funded(), open_account{account_id, user_id, "USD", noon})),
        "account " + to_text(account_id) + " exists");
}

TEST(account, takes_positive_deposits_that_fit)
{
    EXPECT_EQ(funded(1000).free, money::whole(1000));
    EXPECT_EQ(reason(decide(account_state{}, deposit{money::whole(1), noon})), "the account does not exist");
    EXPECT_EQ(reason(decide(funded(), deposit{money{}, noon})), "a deposit must be positive, not 0");
    EXPECT_EQ(reason(decide(funded(), deposit{money::whole(-5), noon})), "a deposit must be positive, not -5");
    const auto too_much = decide(funded(), deposit{money::from_raw(detail::amount_max), noon});
    EXPECT_EQ(reason(too_much), "overflow in money: 1000 + 999999999999999999999999999999.99999999");
}

TEST(account, reserves_cash_and_releases_the_rest)
{
    account_state account = funded();
    play(account, decide(account, reserve_for_order{order_id, "X", money::whole(300), {}, noon}).events());
    EXPECT_EQ(account.free, money::whole(700));
    EXPECT_EQ(account.reserved, money::whole(300));
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", money::whole(1), {}, noon})),
        "order " + to_text(order_id) + " has a reserve already");
    const auto released = decide(account, release_reserve{order_id, noon});
    EXPECT_EQ(
        released.events(),
        (std::vector<event>{funds_released{account_id, order_id, "X", money::whole(300), {}, noon}}));
    play(account, released.events());
    EXPECT_EQ(account.free, money::whole(1000));
    EXPECT_TRUE(account.reserves.empty());
    EXPECT_TRUE(decide(account, release_reserve{order_id, noon}).events().empty());
}

TEST(account, may_reserve_all_it_has)
{
    account_state account = funded(100);
    account.holdings["X"].free = quantity::whole(5);
    EXPECT_TRUE(decide(account, reserve_for_order{order_id, "X", money::whole(100), {}, noon}));
    EXPECT_TRUE(decide(account, reserve_for_order{order_id, "X", {}, quantity::whole(5), noon}));
}

TEST(account, says_what_is_missing)
{
    const account_state account = funded(100);
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", money::parse("123.4"), {}, noon})),
        "insufficient cash: needs 123.4, free 100");
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", {}, quantity::parse("0.5"), noon})),
        "insufficient quantity: needs 0.5, free 0");
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", {}, {}, noon})),
        "a reserve is cash or quantity, not cash 0 and quantity 0");
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", money::whole(1), quantity::whole(1), noon})),
        "a reserve is cash or quantity, not cash 1 and quantity 1");
    EXPECT_EQ(
        reason(decide(account, reserve_for_order{order_id, "X", money::whole(-1), {}, noon})),
        "a reserve is cash or quantity, not cash -1 and quantity 0");
    EXPECT_EQ(
        reason(decide(account_state{}, reserve_for_order{order_id, "X", money::whole(1), {}, noon})),
        "the account does not exist");
}

settle_fill fill_of(side which, std::int64_t size, std::int64_t notional)
{
    return {
        order_id,
        fill_id,
        which,
        "X",
        price::whole(100),
        quantity::whole(size),
        money::whole(notional),
        fee_of(money::whole(notional)),
        noon};
}

TEST(account, pays_a_buy_from_its_reserve)
{
    account_state account = funded();
    play(account, decide(account, reserve_for_order{order_id, "X", money::whole(300), {}, noon}).events());
    const auto settled = decide(account, fill_of(side::buy, 2, 200));
    ASSERT_TRUE(settled);
    const auto& booked = std::get<fill_settled>(settled.events().front());
    EXPECT_EQ(booked.consumed_cash, money::parse("200.2"));
    EXPECT_EQ(booked.consumed_quantity, quantity{});
    const std::string self = to_text(account_id);
    EXPECT_EQ(
        booked.legs, (std::vector<leg>{
                         {self, "USD", amount::parse("-200.2")},
                         {"house", "USD", amount::whole(200)},
                         {"fees", "USD", amount::parse("0.2")},
                         {self, "X", amount::whole(2)},
                         {"house", "X", amount::whole(-2)}}));
    play(account, settled.events());
    EXPECT_EQ(account.free, money::whole(700));
    EXPECT_EQ(account.reserved, money::parse("99.8"));
    EXPECT_EQ(account.held("X").free, quantity::whole(2));
}

TEST(account, gives_a_sale_from_its_reserve)
{
    account_state account = funded();
    account.holdings["X"].free = quantity::whole(5);
    play(account, decide(account, reserve_for_order{order_id, "X", {}, quantity::whole(3), noon}).events());
    EXPECT_EQ(account.held("X").free, quantity::whole(2));
    EXPECT_EQ(account.held("X").reserved, quantity::whole(3));
    const auto settled = decide(account, fill_of(side::sell, 3, 300));
    ASSERT_TRUE(settled);
    const std::string self = to_text(account_id);
    EXPECT_EQ(
        std::get<fill_settled>(settled.events().front()).legs, (std::vector<leg>{
                                                                   {self, "USD", amount::parse("299.7")},
                                                                   {"house", "USD", amount::whole(-300)},
                                                                   {"fees", "USD", amount::parse("0.3")},
                                                                   {self, "X", amount::whole(-3)},
                                                                   {"house", "X", amount::whole(3)}}));
    play(account, settled.events());
    EXPECT_EQ(account.free, money::parse("1299.7"));
    EXPECT_EQ(account.held("X").reserved, quantity{});
    EXPECT_TRUE(account.reserves.empty());
}

TEST(account, settles_only_what_was_reserved)
{
    account_state account = funded();
    const auto violation = [&](const settle_fill& fill) {
        const auto decided = decide(account, fill);
        EXPECT_FALSE(decided);
        EXPECT_EQ(decided.why().kind, rejection_kind::invariant_violation);
        return reason(decided);
    };
    EXPECT_EQ(
        violation(fill_of(side::buy, 1, 100)), "order " + to_text(order_id) + " has no reserve to settle a fill from");
    play(account, decide(account, reserve_for_order{order_id, "X", money::whole(100), {}, noon}).events());
    EXPECT_EQ(violation(fill_of(side::buy, 1, 100)), "the fill takes cash 100.1, the reserve has 100");
    EXPECT_EQ(violation(fill_of(side::sell, 1, 100)), "the fill takes quantity 1, the reserve has 0");
    settle_fill other = fill_of(side::buy, 1, 50);
    other.symbol = "Y";
    EXPECT_EQ(violation(other), "a fill of Y for an order of X");
}

TEST(aggregates, refuse_events_of_others)
{
    const event foreign = user_created{user_id, "a@b", "", "", noon};
    const event placed = order_placed{};
    EXPECT_THROW(account_state{}.apply(foreign), foreign_event);
    EXPECT_THROW(connection_state{}.apply(foreign), foreign_event);
    try {
        user_state{}.apply(placed);
        FAIL();
    }
    catch (const foreign_event& error) {
        EXPECT_STREQ(error.what(), "OrderPlaced is no event of a user");
    }
}

} // namespace
} // namespace tradecore::app::domain
