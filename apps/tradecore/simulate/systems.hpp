// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "market/price_series.hpp"
#include "service/broker_system.hpp"
#include "service/process_manager.hpp"
#include "service/relay.hpp"
#include "service/trading_system.hpp"
#include "simulate/figures.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/postgres_store.hpp>
#include <tradecore/projection/projections.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace tradecore::app::simulate {

/// What: the main system and the virtual broker, each on its own database, wired together by their events, with their
///   projections and the relays that bring back what a crash left undelivered.
/// Thread safety: none. Lifetimes: databases and prices outlive it; it is not moved.
class systems {
public:
    systems(
        database& main, database& vb, const market::price_series& prices, domain::quantity max_fill,
        service::patience with_outages = {});
    systems(const systems&) = delete;
    systems& operator=(const systems&) = delete;
    systems(systems&&) = delete;
    systems& operator=(systems&&) = delete;
    ~systems() = default;

    /// What: who delivers the events of `work` at once: callers in this process, or those of others, whom nobody here
    ///   sees doing it.
    enum class callers { here, elsewhere };

    /// What: runs relays and projections beside `work`, and when that has ended until everything it caused is delivered
    ///   and projected. Errors: the first of `work`, a relay or a projection; the others are then cancelled.
    [[nodiscard]] boost::asio::awaitable<void>
    run_beside(boost::asio::awaitable<void> work, callers deliver = callers::here);

    [[nodiscard]] events::event_store& main_store() noexcept { return main_store_; }
    [[nodiscard]] events::event_store& vb_store() noexcept { return vb_store_; }
    [[nodiscard]] service::trading_system& trading() noexcept { return trading_; }
    [[nodiscard]] service::broker_system& broker() noexcept { return broker_; }
    [[nodiscard]] std::uint64_t redelivered() const noexcept
    {
        return to_broker_.redelivered() + to_main_.redelivered();
    }
    /// What: what was done through `trading` and `broker`.
    [[nodiscard]] figures traded() const;
    /// What: what it took to have everything answered.
    [[nodiscard]] service::repetitions outlasted() const;
    /// Returns: a number that changes with everything that is done.
    [[nodiscard]] std::uint64_t moved() const;

private:
    [[nodiscard]] boost::asio::awaitable<void> after_main(std::vector<events::recorded_event> appended);
    [[nodiscard]] boost::asio::awaitable<void> deliver_to_broker(std::vector<events::recorded_event> appended);
    [[nodiscard]] boost::asio::awaitable<void> deliver_to_main(std::vector<events::recorded_event> appended);
    [[nodiscard]] boost::asio::awaitable<void> stop_relays_after(boost::asio::awaitable<void> work);
    [[nodiscard]] boost::asio::awaitable<void> finish_after(boost::asio::awaitable<void> work, callers deliver);
    [[nodiscard]] projection::projections_options main_options();

    events::postgres_store main_store_;
    events::postgres_store vb_store_;
    std::vector<std::unique_ptr<projection::projector>> projectors_;
    std::vector<std::chrono::nanoseconds> sync_waits_;
    std::uint64_t sync_pending_ = 0;
    projection::projections main_projections_;
    projection::projections vb_projections_;

    service::trading_system trading_;
    service::broker_system broker_;
    service::process_manager process_;

    // The relays decide from the stores alone: what they bring may be ahead of what traders have repeated after a
    // restart, and must not show up in the states those decide with.
    service::trading_system stored_trading_;
    service::broker_system stored_broker_;
    service::process_manager stored_process_;
    service::relay to_broker_;
    service::relay to_main_;
};

} // namespace tradecore::app::simulate
