// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/broker_system.hpp"
#include "service/trading_system.hpp"

#include <tradecore/events/event.hpp>

#include <span>
#include <string_view>

namespace tradecore::app::service {

/// What: turns events of one system into commands of the other; the only way they meet.
///
///   main system                       virtual broker
///   ConnectionCreated    ──────────►  open account
///   ConnectionActivated  ◄──────────  BrokerAccountOpened
///   FundsDeposited       ──────────►  deposit
///   OrderPlaced          ──────────►  accept order
///   OrderCancelRequested ──────────►  cancel
///   record fill          ◄──────────  BrokerOrderFilled
///   confirm cancel       ◄──────────  BrokerOrderCancelled
///
/// The id of each command is the id of the event it answers, so an event may be delivered any number of times.
/// Errors: a rejection of a command is an error here, since nobody is left to decide otherwise: std::runtime_error
///   naming event and reason; what the systems throw.
/// Thread safety: none. Lifetimes: the systems outlive it.
class process_manager {
public:
    process_manager(trading_system& trading, broker_system& broker) : trading_(trading), broker_(broker) {}

    [[nodiscard]] asio::awaitable<void> on_main_event(events::recorded_event event);
    [[nodiscard]] asio::awaitable<void> on_broker_event(events::recorded_event event);

    /// What: whether an event of the main system, or of the broker, leads to a command.
    [[nodiscard]] static bool answers_main(const events::recorded_event& event);
    [[nodiscard]] static bool answers_broker(const events::recorded_event& event);

private:
    trading_system& trading_;
    broker_system& broker_;
};

} // namespace tradecore::app::service
