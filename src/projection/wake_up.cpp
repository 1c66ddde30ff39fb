// SPDX-License-Identifier: Apache-2.0
#include "projection/wake_up.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace tradecore::projection {

namespace {

// Takes a timer off the list however its frame ends.
class enlisted {
public:
    enlisted(std::list<boost::asio::steady_timer*>& list, boost::asio::steady_timer& timer)
        : list_(list), place_(list.insert(list.end(), &timer))
    {}
    enlisted(const enlisted&) = delete;
    enlisted& operator=(const enlisted&) = delete;
    ~enlisted() { list_.erase(place_); }

private:
    std::list<boost::asio::steady_timer*>& list_;
    std::list<boost::asio::steady_timer*>::iterator place_;
};

} // namespace

boost::asio::awaitable<void> wake_up::rest(std::chrono::milliseconds at_most)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, at_most);
    const enlisted place(resting_, timer);
    boost::system::error_code ended;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    // Both a notification and the caller's cancellation end the wait early; only the latter is an error.
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
        throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
}

void wake_up::notify() noexcept
{
    for (auto* timer : resting_) {
        timer->cancel();
    }
}

} // namespace tradecore::projection
