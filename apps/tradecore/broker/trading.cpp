// SPDX-License-Identifier: Apache-2.0
#include "broker/trading.hpp"

#include <fmt/format.h>

namespace tradecore::app::broker {

using domain::decision;
using both = order_and_account_events;

uuid broker_order_id_for(const uuid& client_order_id)
{
    return domain::uuid5(client_order_id, "broker order");
}
uuid broker_account_id_for(const uuid& account_id)
{
    return domain::uuid5(account_id, "broker account");
}

uuid fill_id_for(const uuid& broker_order_id, std::int64_t tick)
{
    return domain::uuid5(broker_order_id, fmt::format("fill/{}", tick));
}

namespace {

std::optional<domain::rejection> wrong_in(const accept_order& command)
{
    if (command.symbol.empty())
        return domain::refuse("the symbol is empty");
    if (!command.quantity.is_positive())
        return domain::refuse("the quantity must be positive, not " + command.quantity.text());
    if (command.type == domain::order_type::limit && !command.limit_price)
        return domain::refuse("a limit order needs a limit price");
    if (command.type == domain::order_type::market && command.limit_price)
        return domain::refuse("a market order takes no limit price");
    if (command.limit_price && !command.limit_price->is_positive())
        return domain::refuse("the limit price must be positive, not " + command.limit_price->text());
    if (command.side == domain::side::buy && !command.reserve.is_positive())
        return domain::refuse("a buy needs a reserve");
    return std::nullopt;
}

broker_order_cancelled
cancelled(const order_state& order, std::string_view reason, domain::quantity filled, const quote& now)
{
    return {order.id, order.client_order_id,   order.account_id, std::string{reason},
            filled,   order.quantity - filled, now.tick,         now.at};
}

} // namespace

decision<both> decide(const order_state& order, const account_state& account, const accept_order& command)
{
    if (order.status != domain::order_status::none)
        return domain::wrong_state("broker order " + to_text(order.id) + " exists");
    if (!account.exists || account.id != command.broker_account_id)
        return domain::refuse("broker account " + to_text(command.broker_account_id) + " does not exist");
    if (auto wrong = wrong_in(command))
        return *std::move(wrong);
    return both{
        {broker_order_accepted{
            command.broker_order_id, command.client_order_id, command.broker_account_id, command.symbol, command.side,
            command.type, command.quantity, command.limit_price, command.reserve, command.placed_tick, command.at}},
        {}};
}

decision<both> decide(const order_state& order, const account_state& account, const work_order& command)
{
    return domain::guarded([&]() -> decision<both> {
        if (order.status == domain::order_status::none)
            return domain::wrong_state("the broker order does not exist");
        if (!command.max_fill.is_positive())
            return domain::refuse("the most a tick may fill must be positive, not " + command.max_fill.text());
        if (order.account_id != account.id)
            return domain::invariant_violation(
                "broker order " + to_text(order.id) + " is not of account " + to_text(account.id));
        if (!order.is_open()) {
            if (command.cancel)
                return domain::wrong_state("order is " + std::string{to_text(order.status)} + ": nothing to cancel");
            return both{};
        }

        both out;
        domain::quantity filled = order.filled;
        const match_result matched = match(order, command.now, command.max_fill);
        if (std::holds_alternative<reserve_exhausted>(matched)) {
            out.order.emplace_back(cancelled(order, reason_exhausted, filled, command.now));
            return out;
        }
        if (const auto* fill = std::get_if<matched_fill>(&matched)) {
            const uuid fill_id = fill_id_for(order.id, command.now.tick);
            auto booked = decide(
                account, book_fill{
                             order.id,
                             fill_id,
                             {order.side, order.symbol, fill->quantity, fill->notional, fill->fee},
                             command.now.at});
            if (!booked)
                return booked.why();
            filled += fill->quantity;
            out.order.emplace_back(broker_order_filled{
                order.id, order.client_order_id, order.account_id, fill_id, order.side, order.symbol, command.now.tick,
                fill->price, fill->quantity, fill->notional, fill->fee, filled, order.quantity - filled,
                std::get<broker_fill_booked>(booked.events().front()).legs, command.now.at});
            out.account = std::move(booked.events());
        }
        if (command.cancel && filled < order.quantity)
            out.order.emplace_back(cancelled(order, reason_requested, filled, command.now));
        return out;
    });
}

} // namespace tradecore::app::broker
