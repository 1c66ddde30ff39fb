// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace tradecore::detail {

/// One coroutine waits, somebody wakes it, once. The woken coroutine is posted to its executor, never
/// resumed on the spot.
///
/// Cancelling the wait does not end it: `on_cancel` is told and decides, usually by calling `wake()`.
/// Thread safety: `wake()` may be called from any thread. Lifetimes: owned by shared pointers; who holds one
/// must make sure that `wake()` is called even when everything is being destroyed, since the wake-up keeps
/// the suspended coroutine alive.
class wake_up {
public:
    using cancel_handler = std::function<void(boost::asio::cancellation_type)>;

    /// Suspends until `wake()`; does not suspend for long when that has been called already.
    [[nodiscard]] static boost::asio::awaitable<void> wait(std::shared_ptr<wake_up> self, cancel_handler on_cancel);

    void wake() noexcept;

private:
    struct suspended {
        virtual ~suspended() = default;
        virtual void resume() = 0;
    };
    template <class Handler>
    struct suspended_handler;

    std::mutex mutex_;
    bool woken_ = false;
    std::unique_ptr<suspended> waiting_;
};

} // namespace tradecore::detail
