// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/events.hpp"

namespace tradecore::app::broker {

/// What: an order at the broker, as the events of its stream leave it.
struct order_state {
    domain::order_status status = domain::order_status::none;
    uuid id{};
    uuid client_order_id{};
    uuid account_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    domain::order_type type = domain::order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
    money reserve_left; ///< cash a buy may still use
    std::int64_t placed_tick = 0;
    std::int64_t filled_tick = -1; ///< last tick that filled, so that a tick fills once
    domain::quantity filled;

    domain::quantity remaining() const { return quantity - filled; }
    bool is_open() const { return status == domain::order_status::open; }

    /// Errors: domain::foreign_event; domain::amount_overflow.
    void apply(const event& happened);
};

} // namespace tradecore::app::broker
