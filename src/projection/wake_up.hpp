// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>

namespace tradecore::projection {

/// Rests that somebody can end. One thread; frames that wait must keep the object alive.
class wake_up {
public:
    wake_up() = default;
    wake_up(const wake_up&) = delete;
    wake_up& operator=(const wake_up&) = delete;
    wake_up(wake_up&&) = delete;
    wake_up& operator=(wake_up&&) = delete;
    ~wake_up() = default;

    /// Returns when `at_most` has passed or `notify` is called.
    /// Cancellation: ends the rest with operation_aborted.
    [[nodiscard]] boost::asio::awaitable<void> rest(std::chrono::milliseconds at_most);

    /// Ends the rests there are now; those that begin later are not affected.
    void notify() noexcept;

private:
    std::list<boost::asio::steady_timer*> resting_;
};

} // namespace tradecore::projection
