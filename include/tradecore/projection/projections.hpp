// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/projection/engine.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tradecore::projection {

/// How projections work together.
struct projections_options {
    /// The longest the caller of an append waits for all SYNC projections of its events together.
    std::chrono::milliseconds sync_budget{2'000};
    /// A SYNC rate above this is warned about, and again only after it was a tenth below it.
    double warn_above = 0.30;
    /// Events seen before the rate means anything.
    std::uint64_t warn_after_events = 100;
    /// Called after each append that waited, with how long; must not throw.
    std::function<void(std::chrono::nanoseconds waited, const sync_outcome& outcome)> on_sync{};
};

/// How much of the writing waits for reading.
struct sync_rate {
    std::uint64_t appends_waited = 0;
    std::uint64_t events = 0;

    /// @returns appends that waited for a SYNC handler / all events; 0 without events.
    [[nodiscard]] double value() const noexcept;
};

/// All projections of a process: what follows an append, and the workers.
///
/// Thread safety, lifetimes: as `engine`.
class projections {
public:
    explicit projections(projections_options how = {});
    ~projections();
    projections(const projections&) = delete;
    projections& operator=(const projections&) = delete;
    projections(projections&&) = delete;
    projections& operator=(projections&&) = delete;

    /// Adds a projection; before `run`.
    /// @returns its engine, which lives as long as this object.
    /// @throws std::invalid_argument when one of this name, version and source is there already.
    engine& add(events::event_store& store, database& read, projector& what, options how = {});

    /// Makes and checks all checkpoints.
    /// @throws store_changed; what the databases throw.
    [[nodiscard]] boost::asio::awaitable<void> prepare();

    /// Runs every SYNC projection that has a handler for one of these events, streams and projections
    /// at the same time, within one time limit. Call it for every append, so that the rate is right.
    /// @param appended what one append wrote, already committed; read before this returns its awaitable.
    /// @returns done when all are done or none was needed; else pending with the first reason.
    /// @throws as `engine::project_sync`.
    [[nodiscard]] boost::asio::awaitable<sync_outcome>
    project_sync(const std::vector<events::recorded_event>& appended);

    /// Runs an ASYNC and a retry worker of every projection until `stop()`.
    /// @throws the first error of a worker, after the others were stopped.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// Every engine's `catch_up`, at the same time.
    [[nodiscard]] boost::asio::awaitable<void> catch_up();
    void stop() noexcept;

    /// @returns whether an event of this type makes the caller of its append wait.
    [[nodiscard]] bool waits_for(std::string_view event_type) const;
    [[nodiscard]] sync_rate rate() const noexcept;
    /// @returns the engines' figures added up; the lag is the greatest, the checkpoint the smallest.
    [[nodiscard]] engine_stats stats() const noexcept;
    [[nodiscard]] std::span<const std::unique_ptr<engine>> engines() const noexcept;

private:
    struct implementation;
    std::unique_ptr<implementation> self_;
};

} // namespace tradecore::projection
