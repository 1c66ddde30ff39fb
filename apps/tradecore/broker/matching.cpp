// SPDX-License-Identifier: Apache-2.0
#include "broker/matching.hpp"

#include <algorithm>

namespace tradecore::app::broker {

bool is_due(const order_state& order, const quote& now)
{
    if (!order.is_open() || now.tick <= order.filled_tick)
        return false;
    if (order.type == domain::order_type::market)
        return now.tick >= order.placed_tick;
    if (now.tick <= order.placed_tick)
        return false;
    return order.side == domain::side::buy ? now.ask <= *order.limit_price : now.bid >= *order.limit_price;
}

match_result match(const order_state& order, const quote& now, domain::quantity max_fill)
{
    if (!is_due(order, now))
        return {};
    const bool buys = order.side == domain::side::buy;
    matched_fill fill;
    fill.price = buys ? now.ask : now.bid;
    fill.quantity = std::min(order.remaining(), max_fill);
    fill.notional = notional_of(fill.price, fill.quantity);
    fill.fee = fee_of(fill.notional);
    if (buys && fill.notional + fill.fee > order.reserve_left)
        return reserve_exhausted{};
    return fill;
}

} // namespace tradecore::app::broker
