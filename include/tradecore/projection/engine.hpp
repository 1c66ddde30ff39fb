// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event_store.hpp>
#include <tradecore/projection/errors.hpp>
#include <tradecore/projection/options.hpp>
#include <tradecore/projection/outcome.hpp>
#include <tradecore/projection/projector.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tradecore::projection {

class engine_state;

/// Keeps one projector's read model up to date with one event store.
///
/// Each stream has one cursor, in the read model's database, moved in the transaction that applies the
/// events: whoever applies an event - the caller of `project_sync`, a worker, a retry - each event
/// counts once and the events of a stream count in order. A stream whose event fails is parked: its
/// later events wait, other streams go on. Tables: `database/projection.sql`.
///
/// No operation holds a connection of a database while it acquires another of the same database, so a
/// pool of one connection is enough, also when store and read model share it.
///
/// Errors: see the operations. Cancellation: rolls back what is open; everything may be called again.
/// Thread safety: none; all calls from one thread or strand, any number of them at a time.
/// Lifetimes: store, database and projector must outlive the engine, the engine its calls.
class engine {
public:
    using clock = std::chrono::steady_clock;

    /// @throws std::invalid_argument when the projector has no name, its version is below 1, or an
    ///         option makes no sense.
    engine(events::event_store& store, database& read, projector& what, options how = {});
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    engine(engine&&) = delete;
    engine& operator=(engine&&) = delete;

    /// Makes the checkpoint if there is none and compares it with the store. The other operations do
    /// this by themselves the first time.
    /// @throws store_changed; what the databases throw.
    [[nodiscard]] boost::asio::awaitable<void> prepare();

    /// Brings one stream up to its last event before returning, within `options::sync_budget`: all its
    /// handled events, those of ASYNC types too.
    /// @param stream its new events must be committed.
    /// @returns done, or pending with the reason; errors of projector and databases are pending, too.
    /// @throws store_changed; std::logic_error inside an ambient transaction of the read database.
    [[nodiscard]] boost::asio::awaitable<sync_outcome> project_sync(std::string stream);
    /// The same with a deadline of the caller's.
    [[nodiscard]] boost::asio::awaitable<sync_outcome> project_sync(std::string stream, clock::time_point deadline);

    /// Applies the log from the checkpoint on, in batches, until `stop()`. Several may run, here or in
    /// other processes: a compare-and-set on the checkpoint lets one of them win each batch.
    /// @throws store_changed, too_many_failures; outages are waited out.
    [[nodiscard]] boost::asio::awaitable<void> run_async();
    /// Tries parked streams again when they are due, until `stop()`. Several may run.
    /// @throws store_changed; outages are waited out.
    [[nodiscard]] boost::asio::awaitable<void> run_retry();

    /// Applies everything up to the store's head at the time of the call, then retries parked streams
    /// when they are due until none is left; dead ones stay.
    /// @throws store_changed, too_many_failures; what the databases throw.
    [[nodiscard]] boost::asio::awaitable<void> catch_up();

    /// Ends `run_async`, `run_retry` and `catch_up` after the batch they are at; later calls of them
    /// return at once.
    void stop() noexcept;

    /// Makes a stream that was given up due for another round of tries.
    /// @returns whether it was dead.
    [[nodiscard]] boost::asio::awaitable<bool> retry_dead(std::string stream);
    /// The same, and passes over the event that failed.
    /// @returns whether it was dead and the failed event known.
    [[nodiscard]] boost::asio::awaitable<bool> skip_dead(std::string stream);

    [[nodiscard]] engine_stats stats() const noexcept;
    [[nodiscard]] const projector& projected() const noexcept;

private:
    std::shared_ptr<engine_state> state_;
};

} // namespace tradecore::projection
