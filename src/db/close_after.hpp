// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

namespace tradecore::detail {

/// Closes a connection when its owner has not finished in time; whatever waits on the connection then ends
/// with a `connection_error`. Lifetimes: must end before the connection does.
class close_after {
public:
    close_after(
        const boost::asio::any_io_executor& executor, std::chrono::steady_clock::duration limit,
        physical_connection& connection)
        : timer_(executor, limit)
    {
        timer_.async_wait([state = std::weak_ptr(armed_), &connection](boost::system::error_code failed) {
            // The state is gone when the owner finished, even if the timer had fired by then.
            const auto armed = state.lock();
            if (failed || !armed)
                return;
            *armed = true;
            connection.close();
        });
    }

    /// @returns whether the limit passed and the connection was closed for it.
    [[nodiscard]] bool closed() const noexcept { return *armed_; }

private:
    std::shared_ptr<bool> armed_ = std::make_shared<bool>(false);
    boost::asio::steady_timer timer_;
};

} // namespace tradecore::detail
