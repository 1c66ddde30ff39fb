// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tradecore {

/// A mutex for coroutines: a waiting coroutine is suspended, its thread goes on.
///
/// Waiters get it in the order they asked. Unlocking resumes nobody on the spot: the next owner is posted to
/// its executor, so `unlock` is safe in destructors and never runs foreign code.
/// Cancellation: any kind ends the wait with `operation_aborted`, unless the lock is already on its way; a
/// lock that was on its way to a coroutine that is destroyed goes to the next.
/// Thread safety: all members may be called from any thread.
/// Lifetimes: guards and waiting calls keep the state they need.
class async_mutex {
    struct state;
    struct waiter;

public:
    /// Owns the lock until it ends.
    class [[nodiscard]] guard {
    public:
        guard() = default;
        guard(guard&& other) noexcept : state_(std::move(other.state_)) {}
        guard& operator=(guard&& other) noexcept
        {
            unlock();
            state_ = std::move(other.state_);
            return *this;
        }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() { unlock(); }

        void unlock() noexcept;
        explicit operator bool() const noexcept { return state_ != nullptr; }

    private:
        friend class async_mutex;
        explicit guard(std::shared_ptr<state> owned) noexcept : state_(std::move(owned)) {}
        std::shared_ptr<state> state_;
    };

    async_mutex();
    async_mutex(async_mutex&&) = delete;
    async_mutex& operator=(async_mutex&&) = delete;
    ~async_mutex();

    /// @returns the lock, or an empty guard when it is taken.
    guard try_lock();
    /// Waits for the lock.
    boost::asio::awaitable<guard> lock();
    /// @returns how many coroutines wait.
    [[nodiscard]] std::size_t waiting() const;

private:
    static boost::asio::awaitable<guard> wait(std::shared_ptr<state> shared);

    std::shared_ptr<state> state_;
};

} // namespace tradecore
