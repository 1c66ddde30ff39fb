// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/account.hpp"
#include "domain/connection.hpp"
#include "domain/order.hpp"
#include "domain/trading.hpp"
#include "domain/user.hpp"
#include "service/command.hpp"

namespace tradecore::app::service {

/// What: is told of every append before the command is answered, repeated commands included.
using listener = std::function<asio::awaitable<void>(std::vector<events::recorded_event>)>;

/// What: the commands of the main system.
///
/// Every command has an id; the same id again is answered with its first result. A rejection is an answer, not an
/// error. Errors: out_of_patience when the event store does not answer; what else it and the listener throw.
/// Thread safety: none. Commands over the same aggregate may overlap: the loser of the race decides anew.
/// Lifetimes: the store outlives the system.
class trading_system {
public:
    /// Params: `keep_states`: whether the states of aggregates are kept between commands.
    trading_system(events::event_store& store, bool keep_states, patience with_outages = {});

    void on_appended(listener told) { told_ = std::move(told); }

    asio::awaitable<answer> handle(uuid command_id, domain::register_user command);
    asio::awaitable<answer> handle(uuid command_id, domain::open_account command);
    asio::awaitable<answer> handle(uuid command_id, uuid account_id, domain::deposit command);
    asio::awaitable<answer> handle(uuid command_id, domain::create_connection command);
    asio::awaitable<answer> handle(uuid command_id, uuid connection_id, domain::activate_connection command);
    asio::awaitable<answer> handle(uuid command_id, domain::place_order command);
    asio::awaitable<answer> handle(uuid command_id, uuid order_id, uuid account_id, domain::record_fill command);
    asio::awaitable<answer> handle(uuid command_id, uuid order_id, domain::request_cancel command);
    asio::awaitable<answer> handle(uuid command_id, uuid order_id, uuid account_id, domain::confirm_cancel command);

    /// What: the state a command left, when states are kept; null for one never touched or finished.
    [[nodiscard]] const domain::account_state* account(const uuid& id) const { return accounts_.find(id); }
    [[nodiscard]] const domain::order_state* order(const uuid& id) const { return orders_.find(id); }

    /// What: which account an order belongs to. Errors: std::runtime_error when there is no such order.
    asio::awaitable<uuid> account_of(uuid order_id);

    /// What: how many commands were answered, and how many of them had been answered before.
    [[nodiscard]] std::uint64_t commands() const noexcept { return commands_; }
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
    /// What: what it took to have them answered.
    [[nodiscard]] const repetitions& repetitions_made() const noexcept { return repeats_.made(); }

private:
    asio::awaitable<answer> tell(asio::awaitable<answer> running);
    void forget_finished(const uuid& order_id);

    events::event_store& store_;
    repeater repeats_;
    aggregates<domain::event, domain::user_state> users_;
    aggregates<domain::event, domain::account_state> accounts_;
    aggregates<domain::event, domain::connection_state> connections_;
    aggregates<domain::event, domain::order_state> orders_;
    listener told_;
    std::uint64_t commands_ = 0;
    std::uint64_t repeated_ = 0;
};

} // namespace tradecore::app::service
