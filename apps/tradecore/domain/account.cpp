// SPDX-License-Identifier: Apache-2.0
#include "domain/account.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tradecore::app::domain {

namespace {

using events = std::vector<event>;

// A reserve that is used up is forgotten, so that the map holds open orders only.
void take(std::map<uuid, reserve>& reserves, const uuid& order, money cash, quantity size)
{
    const auto found = reserves.find(order);
    if (found == reserves.end())
        return;
    found->second.cash -= cash;
    found->second.quantity -= size;
    if (found->second.cash.is_zero() && found->second.quantity.is_zero())
        reserves.erase(found);
}

class applier {
public:
    explicit applier(account_state& account) : account_(account) {}

    void operator()(const account_created& e)
    {
        account_.id = e.account_id;
        account_.user_id = e.user_id;
        account_.currency = e.currency;
        account_.exists = true;
    }

    void operator()(const funds_deposited& e) { account_.free += e.amount; }

    void operator()(const funds_reserved& e)
    {
        move(e.symbol, e.cash, e.quantity);
        account_.reserves[e.order_id] = {e.symbol, e.cash, e.quantity};
    }

    void operator()(const fill_settled& e)
    {
        holding& held = account_.holdings[e.symbol];
        account_.reserved -= e.consumed_cash;
        held.reserved -= e.consumed_quantity;
        if (e.side == side::buy)
            held.free += e.quantity;
        else
            account_.free += e.notional - e.fee;
        take(account_.reserves, e.order_id, e.consumed_cash, e.consumed_quantity);
    }

    void operator()(const funds_released& e)
    {
        move(e.symbol, -e.cash, -e.quantity);
        take(account_.reserves, e.order_id, e.cash, e.quantity);
    }

    template <class Other>
    void operator()(const Other& e)
    {
        throw foreign_event("an account", e.event_type);
    }

private:
    void move(const std::string& symbol, money cash, quantity size)
    {
        account_.free -= cash;
        account_.reserved += cash;
        if (size.is_zero())
            return;
        holding& held = account_.holdings[symbol];
        held.free -= size;
        held.reserved += size;
    }

    account_state& account_;
};

bool is_currency(std::string_view text)
{
    return text.size() >= 3 && text.size() <= 8 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           });
}

} // namespace

holding account_state::held(std::string_view symbol) const
{
    const auto found = holdings.find(symbol);
    return found == holdings.end() ? holding{} : found->second;
}

void account_state::apply(const event& happened)
{
    std::visit(applier{*this}, happened);
}

decision<events> decide(const account_state& account, const open_account& command)
{
    if (account.exists)
        return wrong_state("account " + to_text(account.id) + " exists");
    if (!is_currency(command.currency))
        return refuse("\"" + command.currency + "\" is not a currency: 3 to 8 capital letters or digits");
    return events{account_created{command.account_id, command.user_id, command.currency, command.at}};
}

decision<events> decide(const account_state& account, const deposit& command)
{
    return guarded([&]() -> decision<events> {
        if (!account.exists)
            return wrong_state("the account does not exist");
        if (!command.amount.is_positive())
            return refuse("a deposit must be positive, not " + command.amount.text());
        // The sum of all cash must stay in range, or a later release could not be applied.
        static_cast<void>(account.free + account.reserved + command.amount);
        return events{funds_deposited{account.id, command.amount, command.at}};
    });
}

decision<events> decide(const account_state& account, const reserve_for_order& command)
{
    if (!account.exists)
        return wrong_state("the account does not exist");
    if (command.cash.is_negative() || command.quantity.is_negative() ||
        command.cash.is_positive() == command.quantity.is_positive())
        return refuse(fmt::format(
            "a reserve is cash or quantity, not cash {} and quantity {}", command.cash.text(),
            command.quantity.text()));
    if (account.reserves.contains(command.order_id))
        return wrong_state("order " + to_text(command.order_id) + " has a reserve already");
    if (command.cash > account.free)
        return refuse(fmt::format("insufficient cash: needs {}, free {}", command.cash.text(), account.free.text()));
    const quantity available = account.held(command.symbol).free;
    if (command.quantity > available)
        return refuse(
            fmt::format("insufficient quantity: needs {}, free {}", command.quantity.text(), available.text()));
    return events{
        funds_reserved{account.id, command.order_id, command.symbol, command.cash, command.quantity, command.at}};
}

decision<events> decide(const account_state& account, const settle_fill& command)
{
    return guarded([&]() -> decision<events> {
        const auto found = account.reserves.find(command.order_id);
        if (found == account.reserves.end())
            return invariant_violation("order " + to_text(command.order_id) + " has no reserve to settle a fill from");
        const reserve& set_aside = found->second;
        if (set_aside.symbol != command.symbol)
            return invariant_violation(
                fmt::format("a fill of {} for an order of {}", command.symbol, set_aside.symbol));
        const bool buys = command.side == side::buy;
        const money cash = buys ? command.notional + command.fee : money{};
        const quantity size = buys ? quantity{} : command.quantity;
        if (cash > set_aside.cash)
            return invariant_violation(
                fmt::format("the fill takes cash {}, the reserve has {}", cash.text(), set_aside.cash.text()));
        if (size > set_aside.quantity)
            return invariant_violation(
                fmt::format("the fill takes quantity {}, the reserve has {}", size.text(), set_aside.quantity.text()));
        // What is bought and what is earned must fit the account.
        const holding held = account.held(command.symbol);
        if (buys)
            static_cast<void>(held.free + held.reserved + command.quantity);
        else
            static_cast<void>(account.free + account.reserved + (command.notional - command.fee));
        return events{fill_settled{
            account.id, command.order_id, command.fill_id, command.side, command.symbol, command.price,
            command.quantity, command.notional, command.fee, cash, size,
            legs_of(
                to_text(account.id), account.currency,
                {command.side, command.symbol, command.quantity, command.notional, command.fee}),
            command.at}};
    });
}

decision<events> decide(const account_state& account, const release_reserve& command)
{
    const auto found = account.reserves.find(command.order_id);
    if (found == account.reserves.end())
        return events{};
    const reserve& left = found->second;
    return events{funds_released{account.id, command.order_id, left.symbol, left.cash, left.quantity, command.at}};
}

} // namespace tradecore::app::domain
