// SPDX-License-Identifier: Apache-2.0
#include "simulate/trade.hpp"

#include "simulate/trader.hpp"

#include <tradecore/db/coroutines.hpp>

namespace tradecore::app::simulate {

boost::asio::awaitable<void> trade(
    systems& on, const options& wanted, const market::price_series& prices, share mine, std::function<void()> on_order)
{
    std::vector<std::unique_ptr<trader>> traders;
    std::vector<boost::asio::awaitable<void>> running;
    for (std::uint32_t index = mine.index; index < wanted.traders; index += mine.of) {
        traders.push_back(std::make_unique<trader>(
            trader::parts{.prices = prices, .trading = on.trading(), .broker = on.broker(), .on_order = on_order},
            trader::profile{
                .seed = wanted.seed,
                .index = index,
                .orders = domain::orders_of(index, wanted.traders, wanted.orders),
                .cash = wanted.cash}));
        running.push_back(traders.back()->run());
    }
    co_await when_all(std::move(running));
}

} // namespace tradecore::app::simulate
