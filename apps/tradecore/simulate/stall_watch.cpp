// SPDX-License-Identifier: Apache-2.0
#include "simulate/stall_watch.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace tradecore::app::simulate {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

asio::awaitable<void> stall_watch::run()
{
    pause_.emplace(co_await asio::this_coro::executor);
    auto last = with_.moved();
    auto since = clock::now();
    while (!stopping_) {
        boost::system::error_code stopped;
        pause_->expires_after(with_.look_every);
        co_await pause_->async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        with_.check();
        const auto now = with_.moved();
        if (now != last) {
            last = now;
            since = clock::now();
        }
        else if (!stopping_ && clock::now() - since >= with_.limit) {
            throw stalled(fmt::format(
                "nothing has moved for {:.0f} s, no command, no delivery and no projection",
                std::chrono::duration<double>(with_.limit).count()));
        }
    }
}

void stall_watch::stop() noexcept
{
    stopping_ = true;
    if (pause_)
        pause_->cancel();
}

} // namespace tradecore::app::simulate
