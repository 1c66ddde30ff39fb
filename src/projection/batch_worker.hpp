// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/engine_state.hpp"

#include <tradecore/events/event_store.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tradecore::projection {

/// Applies the log batch by batch from the checkpoint on.
class batch_worker {
public:
    enum class step_result {
        /// A batch was committed.
        moved,
        /// Somebody else moved the checkpoint; nothing was done.
        lost,
        /// There is no safe event after the checkpoint.
        idle
    };

    explicit batch_worker(std::shared_ptr<engine_state> self);

    /// One batch.
    /// @throws too_many_failures; what is not the events' fault. The next step begins at the checkpoint
    ///         as it then is, so a step whose COMMIT is in doubt is found out about.
    [[nodiscard]] boost::asio::awaitable<step_result> step();

    /// @returns whether the last batch that was committed was not worth its transaction: more will have come soon.
    [[nodiscard]] bool last_batch_was_small() const noexcept { return small_; }
    /// @returns where the checkpoint was when last seen.
    [[nodiscard]] std::int64_t position() const noexcept { return position_; }

    /// Batches until `stop`.
    [[nodiscard]] static boost::asio::awaitable<void> run(std::shared_ptr<engine_state> self, std::uint64_t generation);
    /// Batches until the checkpoint has reached the store's present head.
    /// @throws the error of an outage that does not end.
    [[nodiscard]] static boost::asio::awaitable<void> catch_up(std::shared_ptr<engine_state> self);

private:
    [[nodiscard]] boost::asio::awaitable<step_result> next_batch();
    [[nodiscard]] boost::asio::awaitable<void> rest();
    [[nodiscard]] boost::asio::awaitable<void> look_at_head(bool more_waiting);

    std::shared_ptr<engine_state> self_;
    std::unique_ptr<events::log_reader> reader_;
    std::int64_t position_ = 0;
    std::size_t limit_;
    int quick_returns_ = 0;
    bool small_ = false;
    std::chrono::steady_clock::time_point head_seen_{};
};

} // namespace tradecore::projection
