// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>

namespace tradecore::events {

/// Tells those who wait for events that this process has appended some.
///
/// Thread safety: none. Lifetimes: waits must not outlive it.
class wake_up {
public:
    /// Wakes everybody; they resume later, not inside the call.
    void appended(std::int64_t position);

    /// Notes an append of another process; wakes nobody.
    void seen(std::int64_t position) noexcept { latest_ = std::max(latest_, position); }

    /// @returns the greatest position known to be appended; 0 when none is.
    [[nodiscard]] std::int64_t latest() const noexcept { return latest_; }

    /// Waits for the next append of this process.
    /// @returns whether there was one; otherwise `at_most` has passed.
    /// Cancellation: ends the wait with `operation_aborted`.
    [[nodiscard]] boost::asio::awaitable<bool> next(std::chrono::steady_clock::duration at_most);

private:
    struct waiter {
        boost::asio::steady_timer timer;
        bool woken = false;
    };

    std::int64_t latest_ = 0;
    std::list<waiter> waiting_;
};

/// How long to pause before looking again when looking found nothing although there is something:
/// an earlier position is still under way. Grows from 2 ms to 1 s as long as the place stays the same;
/// remembers the places of a few readers.
class stall {
public:
    [[nodiscard]] std::chrono::milliseconds pause_at(std::int64_t position) noexcept;

private:
    struct place {
        std::int64_t position = -1;
        std::chrono::milliseconds pause{0};
    };
    std::array<place, 8> places_{};
    std::size_t oldest_ = 0;
};

} // namespace tradecore::events
