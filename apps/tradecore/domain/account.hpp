// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/decision.hpp"
#include "domain/events.hpp"

#include <map>

namespace tradecore::app::domain {

/// What: how much of a symbol is held: what may be sold, and what open sells have set aside.
struct holding {
    quantity free;
    quantity reserved;
};

/// What: what is set aside for one open order.
struct reserve {
    std::string symbol;
    money cash;
    domain::quantity quantity;
};

/// What: a cash account and its holdings, as the events of its stream leave them.
struct account_state {
    uuid id{};
    uuid user_id{};
    std::string currency;
    bool exists = false;
    money free;
    money reserved;
    std::map<std::string, holding, std::less<>> holdings;
    std::map<uuid, reserve> reserves; ///< by order

    /// What: the holding of a symbol, zero for one never held.
    holding held(std::string_view symbol) const;

    /// Errors: foreign_event; amount_overflow.
    void apply(const event& happened);
};

struct open_account {
    uuid account_id{};
    uuid user_id{};
    std::string currency;
    timestamp at;
};

struct deposit {
    money amount;
    timestamp at;
};

/// Cash for a buy, quantity for a sell; the other one is zero.
struct reserve_for_order {
    uuid order_id{};
    std::string symbol;
    money cash;
    domain::quantity quantity;
    timestamp at;
};

struct settle_fill {
    uuid order_id{};
    uuid fill_id{};
    domain::side side = domain::side::buy;
    std::string symbol;
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    timestamp at;
};

struct release_reserve {
    uuid order_id{};
    timestamp at;
};

/// What: AccountCreated. Rejections: the account exists; the currency is not 3 to 8 capital letters or digits.
decision<std::vector<event>> decide(const account_state& account, const open_account& command);

/// What: FundsDeposited. Rejections: no account; an amount that is not positive; overflow.
decision<std::vector<event>> decide(const account_state& account, const deposit& command);

/// What: FundsReserved. Rejections: no account; not exactly one of cash and quantity is positive; "insufficient cash:
///   needs 123.4, free 100" and "insufficient quantity: …"; the order has a reserve already.
decision<std::vector<event>> decide(const account_state& account, const reserve_for_order& command);

/// What: FillSettled: a buy pays notional + fee from the order's reserve, a sell gives quantity from it.
/// Rejections (all invariant_violation): no reserve for the order, or less than the fill takes; another symbol.
decision<std::vector<event>> decide(const account_state& account, const settle_fill& command);

/// What: FundsReleased with what is left of the order's reserve, or no event when nothing is left.
decision<std::vector<event>> decide(const account_state& account, const release_reserve& command);

} // namespace tradecore::app::domain
