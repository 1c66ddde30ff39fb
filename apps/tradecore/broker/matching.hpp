// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/order.hpp"

#include <optional>
#include <variant>

namespace tradecore::app::broker {

/// What: one set of prices, by its number in the series.
struct quote {
    std::int64_t tick = 0;
    price bid;
    price ask;
    timestamp at;
};

/// What: a fill at a quote; nothing is decided about the account yet.
struct matched_fill {
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
};

/// What: the next fill would cost more than the order may still use.
struct reserve_exhausted {};

using match_result = std::variant<std::monostate, matched_fill, reserve_exhausted>;

/// What: what a quote does to an order: nothing, a fill of at most `max_fill`, or the end of its reserve.
///   A market order fills from the tick it was placed at, a limit order from the next one on, a buy at the ask once
///   ask <= limit, a sell at the bid once bid >= limit; at most once a tick.
/// Params: `max_fill` is positive.
/// Errors: domain::amount_overflow.
/// Thread safety: any thread.
match_result match(const order_state& order, const quote& now, domain::quantity max_fill);

/// What: whether `match` does anything; without the arithmetic, for walking many ticks.
bool is_due(const order_state& order, const quote& now);

} // namespace tradecore::app::broker
