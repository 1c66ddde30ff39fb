// SPDX-License-Identifier: Apache-2.0
#include "db/wake_up.hpp"

#include <tradecore/db/async_mutex.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <list>
#include <mutex>

namespace tradecore {
namespace asio = boost::asio;

struct async_mutex::waiter {
    enum class stage { queued, granted, ended };
    stage where = stage::queued;
    const std::shared_ptr<detail::wake_up> wake_up = std::make_shared<detail::wake_up>();
};

/// Without contenders one exchange of an atomic to lock, one to unlock; the queue has a lock.
struct async_mutex::state {
    enum class possession { nobodys, taken, contended };
    std::atomic<possession> now = possession::nobodys;
    std::mutex mutex; // of what follows
    std::list<std::shared_ptr<waiter>> queue;

    bool try_take() noexcept
    {
        auto expected = possession::nobodys;
        return now.compare_exchange_strong(expected, possession::taken);
    }
    /// @returns whether the lock could be had; else the waiter is in the queue, and whoever unlocks looks there.
    bool take_or_queue(const std::shared_ptr<waiter>& who)
    {
        const std::lock_guard lock(mutex);
        queue.push_back(who);
        if (now.exchange(possession::contended) != possession::nobodys)
            return false;
        queue.pop_back();
        return true;
    }
    void unlock() noexcept
    {
        auto expected = possession::taken;
        if (now.compare_exchange_strong(expected, possession::nobodys))
            return;
        std::shared_ptr<waiter> next;
        {
            const std::lock_guard lock(mutex);
            if (queue.empty()) {
                now = possession::nobodys;
                return;
            }
            next = std::move(queue.front());
            queue.pop_front();
            next->where = waiter::stage::granted;
        }
        next->wake_up->wake();
    }

    /// @returns whether the waiter was still in the queue.
    bool remove(const std::shared_ptr<waiter>& who)
    {
        const std::lock_guard lock(mutex);
        if (who->where != waiter::stage::queued)
            return false;
        queue.remove(who);
        who->where = waiter::stage::ended;
        return true;
    }
};

void async_mutex::guard::unlock() noexcept
{
    if (const auto owned = std::exchange(state_, nullptr))
        owned->unlock();
}

async_mutex::async_mutex() : state_(std::make_shared<state>()) {}

async_mutex::~async_mutex() = default;

async_mutex::guard async_mutex::try_lock()
{
    return state_->try_take() ? guard(state_) : guard();
}

asio::awaitable<async_mutex::guard> async_mutex::lock()
{
    return wait(state_);
}

asio::awaitable<async_mutex::guard> async_mutex::wait(std::shared_ptr<state> shared)
{
    if (shared->try_take())
        co_return guard(shared);
    // On the frame, so that a lock granted to a coroutine that is destroyed before it runs goes on.
    struct claim {
        std::shared_ptr<state> shared;
        std::shared_ptr<waiter> self = std::make_shared<waiter>();

        explicit claim(std::shared_ptr<state> of) : shared(std::move(of)) {}
        claim(claim&&) = delete;
        claim& operator=(claim&&) = delete;
        ~claim()
        {
            if (!shared->remove(self) && self->where == waiter::stage::granted)
                shared->unlock();
        }
        guard take()
        {
            const std::lock_guard lock(shared->mutex);
            if (self->where != waiter::stage::granted)
                return {};
            self->where = waiter::stage::ended;
            return guard(shared);
        }
    };

    claim place(shared);
    if (shared->take_or_queue(place.self)) {
        place.self->where = waiter::stage::ended;
        co_return guard(shared);
    }
    auto on_cancel = [weak = std::weak_ptr(shared), self = std::weak_ptr(place.self)](asio::cancellation_type) {
        const auto of = weak.lock();
        const auto who = self.lock();
        if (of && who && of->remove(who))
            who->wake_up->wake();
    };
    co_await detail::wake_up::wait(place.self->wake_up, std::move(on_cancel));
    guard owned = place.take();
    if (!owned)
        throw boost::system::system_error(asio::error::operation_aborted);
    co_return owned;
}

std::size_t async_mutex::waiting() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->queue.size();
}

} // namespace tradecore
