// SPDX-License-Identifier: Apache-2.0
#include "events/wake_up.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace tradecore::events {

namespace asio = boost::asio;

void wake_up::appended(std::int64_t position)
{
    seen(position);
    for (auto& each : waiting_) {
        each.woken = true;
        each.timer.cancel();
    }
}

asio::awaitable<bool> wake_up::next(std::chrono::steady_clock::duration at_most)
{
    // Takes the waiter out of the list however the frame ends.
    struct place {
        explicit place(std::list<waiter>& of, const asio::any_io_executor& executor)
            : list(of), here(of.insert(of.end(), waiter{asio::steady_timer(executor)}))
        {}
        place(const place&) = delete;
        place& operator=(const place&) = delete;
        place(place&&) = delete;
        place& operator=(place&&) = delete;
        ~place() { list.erase(here); }
        std::list<waiter>& list;
        std::list<waiter>::iterator here;
    };

    place mine(waiting_, co_await asio::this_coro::executor);
    mine.here->timer.expires_after(at_most);
    boost::system::error_code ended;
    co_await mine.here->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (ended && !mine.here->woken) {
        throw boost::system::system_error(ended);
    }
    co_return mine.here->woken;
}

std::chrono::milliseconds stall::pause_at(std::int64_t position) noexcept
{
    using namespace std::chrono_literals;
    const auto known = std::ranges::find(places_, position, &place::position);
    if (known != places_.end()) {
        known->pause = std::min<std::chrono::milliseconds>(known->pause * 2, 1s);
        return known->pause;
    }
    auto& fresh = places_[oldest_];
    oldest_ = (oldest_ + 1) % places_.size();
    fresh = {position, 2ms};
    return fresh.pause;
}

} // namespace tradecore::events
