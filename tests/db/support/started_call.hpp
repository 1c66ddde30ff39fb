// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace tradecore::test {

namespace asio = boost::asio;

/// A call in a task of its own, which can be cancelled. Must outlive its task.
class started_call {
public:
    started_call(const asio::any_io_executor& on, asio::awaitable<void> work)
    {
        asio::co_spawn(
            on, std::move(work), asio::bind_cancellation_slot(cancel_.slot(), [this](std::exception_ptr thrown) {
                has_ended_ = true;
                error_ = std::move(thrown);
            }));
    }
    started_call(const started_call&) = delete;
    started_call& operator=(const started_call&) = delete;
    started_call(started_call&&) = delete;
    started_call& operator=(started_call&&) = delete;
    ~started_call() = default;

    void cancel() { cancel_.emit(asio::cancellation_type::terminal); }
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
    /// @returns what it ended with; null while it goes on, and when it succeeded.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

private:
    asio::cancellation_signal cancel_;
    bool has_ended_ = false;
    std::exception_ptr error_;
};

} // namespace tradecore::test
