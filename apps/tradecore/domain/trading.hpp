// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/account.hpp"
#include "domain/order.hpp"

/// Commands over an order and its account; the events of both are appended together or not at all.
namespace tradecore::app::domain {

struct order_and_account_events {
    std::vector<event> order;
    std::vector<event> account; ///< empty: the account's stream is not touched
};

struct place_order {
    uuid order_id{};
    uuid user_id{};
    uuid account_id{};
    uuid connection_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    order_type type = order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price; ///< of a limit order, and only of one
    std::int64_t tick = 0;            ///< number of the tick, and the prices seen then
    price bid;
    price ask;
    timestamp at;
};

struct record_fill {
    uuid fill_id{};
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    std::int64_t tick = 0;
    timestamp at;
};

struct confirm_cancel {
    std::string reason;
    timestamp at;
};

/// What: OrderPlaced and FundsReserved; or, when the account cannot reserve, OrderPlaced with nothing reserved and
///   OrderRejected with the reason, and nothing for the account. A buy reserves (limit, or ask of a market order) ×
///   quantity + fee, a sell its quantity.
/// Rejections (no event): the order exists; no such account, or another user's; a quantity, limit, bid or ask that is
///   not positive; a limit price missing or too many; bid above ask; an empty symbol; a negative tick.
decision<order_and_account_events>
decide(const order_state& order, const account_state& account, const place_order& command);

/// What: OrderPartiallyFilled or OrderFilled, and FillSettled; FundsReleased too when the order is filled and some of
///   its reserve is left.
/// Rejections: the order does not exist; all others are invariant_violation: the order is finished, or another
///   account's; more than remains; a price worse than the limit; a notional or fee that is not the price's.
decision<order_and_account_events>
decide(const order_state& order, const account_state& account, const record_fill& command);

/// What: OrderCancelled, and FundsReleased when some of the reserve is left. The broker may cancel unasked.
/// Rejections: the order does not exist; invariant_violation: the order is finished, or another account's.
decision<order_and_account_events>
decide(const order_state& order, const account_state& account, const confirm_cancel& command);

} // namespace tradecore::app::domain
