// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "simulate/options.hpp"
#include "simulate/systems.hpp"

#include <functional>

namespace tradecore::app::simulate {

/// What: which of the traders are one process's: every `of`-th, from `index` on.
struct share {
    std::uint32_t index = 0;
    std::uint32_t of = 1;
};

/// What: lets the traders of a share trade, all at the same time, until they have seen every price.
/// Params: `on_order` is told after each order.
/// Errors: what traders and `on_order` throw; the other traders are then cancelled.
/// Lifetimes: systems, options and prices outlive it.
[[nodiscard]] boost::asio::awaitable<void> trade(
    systems& on, const options& wanted, const market::price_series& prices, share mine, std::function<void()> on_order);

} // namespace tradecore::app::simulate
