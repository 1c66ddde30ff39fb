// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/strategy.hpp"
#include "market/price_series.hpp"
#include "service/broker_system.hpp"
#include "service/trading_system.hpp"

#include <functional>

namespace tradecore::app::simulate {

/// What: one trader: gets an account, then walks the prices tick by tick, and before the next tick waits for everything
///   this one led to. Shares nothing with other traders but the prices, so what it does depends on them and the seed.
/// Thread safety: none. Lifetimes: what it is given outlives it.
class trader {
public:
    struct parts {
        const market::price_series& prices;
        service::trading_system& trading;
        service::broker_system& broker;
        std::function<void()> on_order; ///< told after each order
    };
    struct profile {
        std::uint64_t seed = 0;
        std::uint32_t index = 0;
        std::uint32_t orders = 0;
        domain::money cash;
    };

    trader(parts with, profile who);

    /// Errors: std::runtime_error when a command that cannot be rejected is; what the systems throw.
    [[nodiscard]] boost::asio::awaitable<void> run();

private:
    [[nodiscard]] boost::asio::awaitable<void> open_account();
    [[nodiscard]] boost::asio::awaitable<void> place(domain::planned_step step, std::int64_t tick);
    [[nodiscard]] boost::asio::awaitable<void> cancel(domain::planned_cancel planned);
    [[nodiscard]] domain::account_view view() const;
    [[nodiscard]] const market::tick& at(std::int64_t tick) const;
    [[nodiscard]] domain::uuid command(std::string_view what) const;

    parts with_;
    profile who_;
    domain::trader_ids ids_;
    domain::uuid broker_account_;
    domain::strategy strategy_;
};

} // namespace tradecore::app::simulate
