// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/decision.hpp"
#include "domain/events.hpp"

namespace tradecore::app::domain {

/// What: an order, as the events of its stream leave it.
struct order_state {
    order_status status = order_status::none;
    uuid id{};
    uuid user_id{};
    uuid account_id{};
    uuid connection_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    order_type type = order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
    domain::quantity filled;
    money notional; ///< of all fills
    money fees;     ///< of all fills
    bool cancel_requested = false;

    domain::quantity remaining() const { return quantity - filled; }
    bool is_finished() const { return status != order_status::none && status != order_status::open; }

    /// Errors: foreign_event; amount_overflow.
    void apply(const event& happened);
};

struct request_cancel {
    std::int64_t tick = 0;
    timestamp at;
};

/// What: OrderCancelRequested. Rejections: the order does not exist; it is finished ("order is filled: nothing to
///   cancel"); a cancel was requested already.
decision<std::vector<event>> decide(const order_state& order, const request_cancel& command);

} // namespace tradecore::app::domain
