// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace tradecore::test {

namespace asio = boost::asio;

/// Holds coroutines until it is opened: what tests wait with instead of sleeping.
class gate {
public:
    /// @returns whether the gate was opened; false when the wait was cancelled.
    asio::awaitable<bool> wait()
    {
        const auto state = state_;
        if (state->open)
            co_return true;
        asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        struct entry {
            std::shared_ptr<shared> state;
            asio::steady_timer* timer;
            entry(std::shared_ptr<shared> s, asio::steady_timer* t) : state(std::move(s)), timer(t)
            {
                state->waiting.push_back(timer);
            }
            entry(entry&&) = delete;
            entry& operator=(entry&&) = delete;
            ~entry() { std::erase(state->waiting, timer); }
        };
        const entry self(state, &timer);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        co_return state->open;
    }

    void open()
    {
        state_->open = true;
        for (auto* timer : state_->waiting)
            timer->cancel();
    }
    void close() { state_->open = false; }
    [[nodiscard]] std::size_t waiting() const { return state_->waiting.size(); }

private:
    struct shared {
        bool open = false;
        std::vector<asio::steady_timer*> waiting;
    };
    std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

/// Lets everything else that can run do so.
inline asio::awaitable<void> settle(int turns = 50)
{
    for (int i = 0; i < turns; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

} // namespace tradecore::test
