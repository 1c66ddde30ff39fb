// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/cursor_table.hpp"
#include "projection/wake_up.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/event_store.hpp>
#include <tradecore/projection/options.hpp>
#include <tradecore/projection/outcome.hpp>
#include <tradecore/projection/projector.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tradecore::projection {

/// What the SYNC path and the workers of one engine share. Their frames keep it alive.
class engine_state {
public:
    engine_state(events::event_store& from, database& to, projector& with, options settings);

    /// Makes and checks the checkpoint, once.
    [[nodiscard]] boost::asio::awaitable<void> prepare();

    /// Takes out events the projector does not handle.
    void keep_handled(std::vector<events::recorded_event>& batch) const;

    /// @returns how long to wait after the `attempt`-th failure.
    [[nodiscard]] std::chrono::milliseconds retry_delay(int attempt);
    [[nodiscard]] std::chrono::milliseconds outage_delay(int attempt);

    /// Ends workers that were started before.
    void stop() noexcept;
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    [[nodiscard]] bool stopped(std::uint64_t since) const noexcept { return since != generation_; }

    events::event_store& store;
    database& read;
    projector& what;
    const options how;
    const std::string name;
    cursor_table cursors;
    engine_stats stats;
    /// Ended by `stop`.
    wake_up async_rest;
    /// Ended by `stop` and when a stream is parked.
    wake_up retry_rest;

private:
    bool prepared_ = false;
    std::uint64_t generation_ = 0;
    std::minstd_rand random_;
};

} // namespace tradecore::projection
