// SPDX-License-Identifier: Apache-2.0
#include "db/wake_up.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <type_traits>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

template <class Handler>
struct wake_up::suspended_handler final : suspended {
    using executor_type = asio::associated_executor_t<Handler, asio::system_executor>;
    using tracked_type =
        std::decay_t<decltype(asio::prefer(std::declval<executor_type>(), asio::execution::outstanding_work.tracked))>;

    explicit suspended_handler(Handler&& given)
        : handler(std::move(given)), work(asio::prefer(
                                         asio::get_associated_executor(handler, asio::system_executor()),
                                         asio::execution::outstanding_work.tracked))
    {}

    void resume() override
    {
        auto executor = work;
        asio::post(executor, [resumed = std::move(handler)]() mutable { std::move(resumed)(); });
    }

    Handler handler;
    tracked_type work; // run() must not return while somebody waits
};

asio::awaitable<void> wake_up::wait(std::shared_ptr<wake_up> self, cancel_handler on_cancel)
{
    auto start = [given = std::move(self), on_cancel = std::move(on_cancel)](auto handler) mutable {
        using handler_type = decltype(handler);
        // Once it can be woken the coroutine may go on, on another thread, to its end: this function is part of it.
        const auto self = std::move(given);
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto waiting = std::make_unique<suspended_handler<handler_type>>(std::move(handler));
        {
            const std::lock_guard lock(self->mutex_);
            if (!self->woken_) {
                // Before anybody can wake it: from then on the slot may belong to what the coroutine does next.
                if (slot.is_connected() && on_cancel) {
                    slot.assign([on_cancel = std::move(on_cancel)](asio::cancellation_type type) {
                        if (type != asio::cancellation_type::none)
                            on_cancel(type);
                    });
                }
                self->waiting_ = std::move(waiting);
                return;
            }
        }
        waiting->resume();
    };
    return asio::async_initiate<const asio::use_awaitable_t<>&, void()>(std::move(start), asio::use_awaitable);
}

void wake_up::wake() noexcept
{
    std::unique_ptr<suspended> waiting;
    {
        const std::lock_guard lock(mutex_);
        if (woken_)
            return;
        woken_ = true;
        waiting = std::move(waiting_);
    }
    if (waiting)
        waiting->resume();
}

} // namespace tradecore::detail
