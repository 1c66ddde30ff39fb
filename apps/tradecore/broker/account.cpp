// SPDX-License-Identifier: Apache-2.0
#include "broker/account.hpp"

#include <fmt/format.h>

namespace tradecore::app::broker {

using domain::decision;
using domain::quantity;
using events = std::vector<event>;

quantity account_state::held(std::string_view symbol) const
{
    const auto found = holdings.find(symbol);
    return found == holdings.end() ? quantity{} : found->second;
}

void account_state::apply(const event& happened)
{
    if (const auto* opened = std::get_if<broker_account_opened>(&happened)) {
        id = opened->broker_account_id;
        connection_id = opened->connection_id;
        currency = opened->currency;
        exists = true;
    }
    else if (const auto* deposited = std::get_if<broker_funds_deposited>(&happened)) {
        cash += deposited->amount;
    }
    else if (const auto* booked = std::get_if<broker_fill_booked>(&happened)) {
        if (booked->side == domain::side::buy) {
            cash -= booked->notional + booked->fee;
            holdings[booked->symbol] += booked->quantity;
        }
        else {
            cash += booked->notional - booked->fee;
            holdings[booked->symbol] -= booked->quantity;
        }
    }
    else {
        throw domain::foreign_event("a broker account", event_type_of(happened));
    }
}

decision<events> decide(const account_state& account, const open_broker_account& command)
{
    if (account.exists)
        return domain::wrong_state("broker account " + to_text(account.id) + " exists");
    if (command.currency.empty())
        return domain::refuse("the currency is empty");
    return events{
        broker_account_opened{command.broker_account_id, command.connection_id, command.currency, command.at}};
}

decision<events> decide(const account_state& account, const deposit_to_broker& command)
{
    return domain::guarded([&]() -> decision<events> {
        if (!account.exists)
            return domain::wrong_state("the broker account does not exist");
        if (!command.amount.is_positive())
            return domain::refuse("a deposit must be positive, not " + command.amount.text());
        static_cast<void>(account.cash + command.amount);
        return events{broker_funds_deposited{account.id, command.amount, command.at}};
    });
}

decision<events> decide(const account_state& account, const book_fill& command)
{
    return domain::guarded([&]() -> decision<events> {
        if (!account.exists)
            return domain::wrong_state("the broker account does not exist");
        const domain::fill_terms& terms = command.terms;
        if (terms.side == domain::side::buy) {
            const money cost = terms.notional + terms.fee;
            if (cost > account.cash)
                return domain::invariant_violation(
                    fmt::format("the fill costs {}, the broker account has {}", cost.text(), account.cash.text()));
            static_cast<void>(account.held(terms.symbol) + terms.quantity);
        }
        else {
            const quantity held = account.held(terms.symbol);
            if (terms.quantity > held)
                return domain::invariant_violation(fmt::format(
                    "the fill sells {} {}, the broker account holds {}", terms.quantity.text(), terms.symbol,
                    held.text()));
            static_cast<void>(account.cash + (terms.notional - terms.fee));
        }
        return events{broker_fill_booked{
            account.id, command.broker_order_id, command.fill_id, terms.side, terms.symbol, terms.quantity,
            terms.notional, terms.fee, domain::legs_of(to_text(account.id), account.currency, terms), command.at}};
    });
}

} // namespace tradecore::app::broker
