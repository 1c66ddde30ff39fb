// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/account.hpp"
#include "broker/order.hpp"
#include "broker/trading.hpp"
#include "market/price_series.hpp"
#include "service/command.hpp"
#include "service/trading_system.hpp"

#include <map>

namespace tradecore::app::service {

/// What: the commands of the virtual broker, in its own event store, at the prices it is given.
///
/// Each account sees the prices at its own pace: `work_due` shows one account's open orders a tick.
/// Errors, thread safety: as trading_system. Lifetimes: store and prices outlive the system.
class broker_system {
public:
    /// Params: `max_fill` is the most an order fills in one tick.
    broker_system(
        events::event_store& store, const market::price_series& prices, domain::quantity max_fill, bool keep_states,
        patience with_outages = {});

    void on_appended(listener told) { told_ = std::move(told); }

    asio::awaitable<answer> handle(uuid command_id, broker::open_broker_account command);
    asio::awaitable<answer> handle(uuid command_id, uuid broker_account_id, broker::deposit_to_broker command);

    /// What: accepts an order and, a market order, works it at the tick it was placed at.
    asio::awaitable<answer> handle(uuid command_id, broker::accept_order command);

    /// What: cancels what remains of an order after the tick's fill, if any.
    asio::awaitable<answer> cancel(uuid command_id, uuid broker_order_id, uuid broker_account_id, std::int64_t tick);

    /// What: shows a tick to the open orders of an account; those it fills or ends are told to the listener, one after
    ///   the other, in the order they were accepted. Needs kept states.
    asio::awaitable<void> work_due(uuid broker_account_id, std::int64_t tick);

    /// What: whether `work_due` would do anything; pure and cheap.
    [[nodiscard]] bool is_due(const uuid& broker_account_id, std::int64_t tick) const;

    /// What: which account an order belongs to. Errors: std::runtime_error when there is no such order.
    asio::awaitable<uuid> account_of(uuid broker_order_id);

    [[nodiscard]] std::uint64_t commands() const noexcept { return commands_; }
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
    [[nodiscard]] const repetitions& repetitions_made() const noexcept { return repeats_.made(); }

private:
    [[nodiscard]] broker::quote quote_at(std::int64_t tick) const;
    [[nodiscard]] broker::work_order work_at(std::int64_t tick, bool cancel) const;
    asio::awaitable<answer>
    work(uuid command_id, uuid broker_order_id, uuid broker_account_id, broker::work_order command);
    asio::awaitable<void> tell(const answer& answered);
    asio::awaitable<answer> tell_after(asio::awaitable<answer> running);
    void note_open(const uuid& broker_account_id, const uuid& broker_order_id);

    events::event_store& store_;
    repeater repeats_;
    const market::price_series& prices_;
    domain::quantity max_fill_;
    aggregates<broker::event, broker::account_state> accounts_;
    aggregates<broker::event, broker::order_state> orders_;
    std::map<uuid, std::vector<uuid>> open_; ///< orders by account, in the order they were accepted
    bool keep_states_;
    listener told_;
    std::uint64_t commands_ = 0;
    std::uint64_t repeated_ = 0;
};

} // namespace tradecore::app::service
