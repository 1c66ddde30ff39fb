// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace tradecore::pg::engine {

/// Limits the operations of a scope in time: when the deadline passes, `cancel` is called once.
///
/// Everything runs on one executor. What `cancel` captures is kept until the scope has ended and the
/// timer has said so: it must own what it uses.
template <class Cancel>
class time_limit {
public:
    time_limit(
        const boost::asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline, Cancel cancel)
        : state_(std::make_shared<state>(executor))
    {
        state_->timer.expires_at(deadline);
        state_->timer.async_wait(
            [kept = state_, cancel = std::move(cancel)](const boost::system::error_code& error) mutable {
                if (error || kept->over)
                    return;
                kept->passed = true;
                cancel();
            });
    }
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;
    time_limit(time_limit&&) = delete;
    time_limit& operator=(time_limit&&) = delete;
    ~time_limit()
    {
        state_->over = true;
        state_->timer.cancel();
    }

    [[nodiscard]] bool passed() const noexcept { return state_->passed; }

private:
    struct state {
        explicit state(const boost::asio::any_io_executor& executor) : timer(executor) {}
        boost::asio::steady_timer timer;
        bool over = false;
        bool passed = false;
    };

    std::shared_ptr<state> state_;
};

} // namespace tradecore::pg::engine
