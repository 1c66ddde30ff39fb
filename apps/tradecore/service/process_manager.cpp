// SPDX-License-Identifier: Apache-2.0
#include "service/process_manager.hpp"

#include "broker/codec.hpp"
#include "domain/codec.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tradecore::app::service {

namespace {

using namespace domain;

bool is_one_of(std::string_view type, std::span<const std::string_view> types)
{
    return std::ranges::find(types, type) != types.end();
}

void require(const answer& answered, const events::recorded_event& cause)
{
    if (!answered.accepted())
        throw std::runtime_error(
            "the command that answers " + cause.type + " " + to_text(cause.id) +
            " was rejected: " + answered.rejection->reason);
}

broker::accept_order acceptance(const order_placed& placed)
{
    return {
        .broker_order_id = broker::broker_order_id_for(placed.order_id),
        .client_order_id = placed.order_id,
        .broker_account_id = broker::broker_account_id_for(placed.account_id),
        .symbol = placed.symbol,
        .side = placed.side,
        .type = placed.type,
        .quantity = placed.quantity,
        .limit_price = placed.limit_price,
        .reserve = placed.reserved_cash,
        .placed_tick = placed.tick,
        .at = placed.occurred_at};
}

record_fill recording(const broker::broker_order_filled& filled)
{
    return {
        .fill_id = filled.fill_id,
        .price = filled.price,
        .quantity = filled.quantity,
        .notional = filled.notional,
        .fee = filled.fee,
        .tick = filled.tick,
        .at = filled.occurred_at};
}

} // namespace

bool process_manager::answers_main(const events::recorded_event& event)
{
    static constexpr std::array types{
        connection_created::event_type, funds_deposited::event_type, order_placed::event_type,
        order_cancel_requested::event_type};
    if (!is_one_of(event.type, types))
        return false;
    // An order that could not be paid never leaves the house.
    return event.type != order_placed::event_type ||
           std::get<order_placed>(domain::decode(event.type, event.schema_version, event.data)).is_backed();
}

bool process_manager::answers_broker(const events::recorded_event& event)
{
    static constexpr std::array types{
        broker::broker_account_opened::event_type, broker::broker_order_filled::event_type,
        broker::broker_order_cancelled::event_type};
    return is_one_of(event.type, types);
}

asio::awaitable<void> process_manager::on_main_event(events::recorded_event event)
{
    if (!answers_main(event))
        co_return;
    const auto happened = domain::decode(event.type, event.schema_version, event.data);
    answer answered;
    if (const auto* created = std::get_if<connection_created>(&happened)) {
        answered = co_await broker_.handle(
            event.id, broker::open_broker_account{
                          .broker_account_id = broker::broker_account_id_for(created->account_id),
                          .connection_id = created->connection_id,
                          .currency = created->currency,
                          .at = created->occurred_at});
    }
    else if (const auto* deposited = std::get_if<funds_deposited>(&happened)) {
        answered = co_await broker_.handle(
            event.id, broker::broker_account_id_for(deposited->account_id),
            broker::deposit_to_broker{.amount = deposited->amount, .at = deposited->occurred_at});
    }
    else if (const auto* placed = std::get_if<order_placed>(&happened)) {
        answered = co_await broker_.handle(event.id, acceptance(*placed));
    }
    else if (const auto* wanted = std::get_if<order_cancel_requested>(&happened)) {
        const auto order_id = broker::broker_order_id_for(wanted->order_id);
        answered = co_await broker_.cancel(event.id, order_id, co_await broker_.account_of(order_id), wanted->tick);
    }
    require(answered, event);
}

asio::awaitable<void> process_manager::on_broker_event(events::recorded_event event)
{
    if (!answers_broker(event))
        co_return;
    const auto happened = broker::decode(event.type, event.schema_version, event.data);
    answer answered;
    if (const auto* opened = std::get_if<broker::broker_account_opened>(&happened)) {
        answered = co_await trading_.handle(
            event.id, opened->connection_id,
            activate_connection{.broker_account_id = opened->broker_account_id, .at = opened->occurred_at});
    }
    else if (const auto* filled = std::get_if<broker::broker_order_filled>(&happened)) {
        const auto account_id = co_await trading_.account_of(filled->client_order_id);
        answered = co_await trading_.handle(event.id, filled->client_order_id, account_id, recording(*filled));
    }
    else if (const auto* cancelled = std::get_if<broker::broker_order_cancelled>(&happened)) {
        const auto account_id = co_await trading_.account_of(cancelled->client_order_id);
        answered = co_await trading_.handle(
            event.id, cancelled->client_order_id, account_id,
            confirm_cancel{.reason = cancelled->reason, .at = cancelled->occurred_at});
    }
    require(answered, event);
}

} // namespace tradecore::app::service
