// SPDX-License-Identifier: Apache-2.0
#include "broker/order.hpp"

#include "domain/decision.hpp"

namespace tradecore::app::broker {

void order_state::apply(const event& happened)
{
    if (const auto* accepted = std::get_if<broker_order_accepted>(&happened)) {
        status = domain::order_status::open;
        id = accepted->broker_order_id;
        client_order_id = accepted->client_order_id;
        account_id = accepted->broker_account_id;
        symbol = accepted->symbol;
        side = accepted->side;
        type = accepted->type;
        quantity = accepted->quantity;
        limit_price = accepted->limit_price;
        reserve_left = accepted->reserve;
        placed_tick = accepted->placed_tick;
    }
    else if (const auto* fill = std::get_if<broker_order_filled>(&happened)) {
        filled = fill->filled;
        filled_tick = fill->tick;
        if (side == domain::side::buy)
            reserve_left -= fill->notional + fill->fee;
        if (fill->remaining.is_zero())
            status = domain::order_status::filled;
    }
    else if (std::holds_alternative<broker_order_cancelled>(happened)) {
        status = domain::order_status::cancelled;
    }
    else {
        throw domain::foreign_event("a broker order", event_type_of(happened));
    }
}

} // namespace tradecore::app::broker
