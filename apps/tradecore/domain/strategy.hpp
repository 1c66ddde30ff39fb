// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/types.hpp"
#include "market/price_series.hpp"

#include <optional>
#include <span>

namespace tradecore::app::domain {

/// What: what an account has to trade with at the moment.
struct account_view {
    money free_cash;
    quantity free_quantity; ///< of the symbol traded
};

/// What: one planned order: when, not yet what. `cancel_tick` is when a cancel follows, if any.
struct planned_step {
    std::int64_t tick = 0;
    std::uint32_t step = 0;
    std::optional<std::int64_t> cancel_tick;
};

/// What: an order to place; ids depend on (seed, trader, step).
struct planned_order {
    uuid command_id{};
    uuid order_id{};
    domain::side side = domain::side::buy;
    order_type type = order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
};

/// What: a cancel to request, if its order is still open by then.
struct planned_cancel {
    uuid command_id{};
    uuid order_id{};
    std::int64_t tick = 0;
    std::uint32_t step = 0;
};

/// What: how one trader behaves: so many orders spread over the ticks, half market, half limit at, near or far from
///   the price, bought with part of the free cash and sold from what is held; about a third of the limit orders are
///   cancelled, some in the tick that may fill them; now and then an order is too large on purpose.
///   At each tick: orders first, in the order of steps_due, each with a fresh account_view; then cancels_due.
/// Thread safety: after construction, any thread.
class strategy {
public:
    /// Params: `ticks` is the length of the price series; `orders` how many this trader places.
    strategy(std::uint64_t seed, std::uint32_t trader, std::uint32_t orders, std::int64_t ticks);

    /// What: the steps to place at a tick. Lifetimes: valid as long as the strategy.
    std::span<const planned_step> steps_due(std::int64_t tick) const;

    /// What: the order of a step, given the prices of its tick and what the account has now.
    planned_order order_for(const planned_step& step, const market::tick& now, const account_view& account) const;

    /// What: the cancels to request at a tick. Lifetimes: valid as long as the strategy.
    std::span<const planned_cancel> cancels_due(std::int64_t tick) const;

    /// What: the first tick from `tick` on with a step or a cancel.
    std::optional<std::int64_t> next_due(std::int64_t tick) const;

private:
    std::uint64_t seed_;
    std::uint32_t trader_;
    std::vector<planned_step> steps_;     ///< by tick
    std::vector<planned_cancel> cancels_; ///< by tick
};

/// What: how many of `orders` fall to a trader when they are dealt out evenly.
constexpr std::uint32_t orders_of(std::uint32_t trader, std::uint32_t traders, std::uint32_t orders)
{
    return orders / traders + (trader < orders % traders ? 1U : 0U);
}

/// What: the cash each trader begins with when nothing else is said.
inline constexpr money default_cash = money::whole(100'000);

/// What: the most an order may fill per tick when nothing else is said: a size that about one order in seven exceeds,
///   from the cash a trader begins with and the first price.
quantity default_max_fill(money cash, price first_ask);

} // namespace tradecore::app::domain
