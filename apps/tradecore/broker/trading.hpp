// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/account.hpp"
#include "broker/matching.hpp"

/// Commands over a broker order and its account; the events of both are appended together or not at all.
namespace tradecore::app::broker {

struct order_and_account_events {
    std::vector<event> order;
    std::vector<event> account;

    bool empty() const { return order.empty() && account.empty(); }
};

/// What: the reasons a broker order is cancelled with.
inline constexpr std::string_view reason_requested = "cancel requested";
inline constexpr std::string_view reason_exhausted = "reserve exhausted";

struct accept_order {
    uuid broker_order_id{};
    uuid client_order_id{};
    uuid broker_account_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    domain::order_type type = domain::order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
    money reserve; ///< cash a buy may use; zero for a sell
    std::int64_t placed_tick = 0;
    timestamp at;
};

/// What: works an order at a quote. `cancel` asks for the rest to be cancelled after the quote's fill.
struct work_order {
    quote now;
    domain::quantity max_fill;
    bool cancel = false;
};

/// What: BrokerOrderAccepted. Rejections: the order exists; no such account; an empty symbol; a quantity or limit that
///   is not positive; a limit price missing or too many; a buy without a reserve.
domain::decision<order_and_account_events>
decide(const order_state& order, const account_state& account, const accept_order& command);

/// What: what the quote does: BrokerOrderFilled with BrokerFillBooked; or BrokerOrderCancelled, when the reserve cannot
///   pay the next fill; then, with `cancel`, BrokerOrderCancelled for what remains. No events when nothing happens; the
///   same quote again never fills twice.
/// Rejections: the order does not exist; a cancel of a finished order ("order is filled: nothing to cancel"); a fill
///   limit that is not positive; invariant_violation: another account's order, or an account that cannot pay.
domain::decision<order_and_account_events>
decide(const order_state& order, const account_state& account, const work_order& command);

/// What: the broker's ids for a client's order and account, and of an order's fill at a tick: the same for every run.
uuid broker_order_id_for(const uuid& client_order_id);
uuid broker_account_id_for(const uuid& account_id);
uuid fill_id_for(const uuid& broker_order_id, std::int64_t tick);

} // namespace tradecore::app::broker
