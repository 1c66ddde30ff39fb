// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace tradecore::pg::engine {

/// One operation on its way: the machine, its time limit, and the coroutine that waits for its end.
///
/// Shared by the queue and the coroutine: either may go first.
class exchange {
public:
    using clock = std::chrono::steady_clock;
    using handler_type =
        boost::asio::async_result<boost::asio::use_awaitable_t<boost::asio::any_io_executor>, void()>::handler_type;

    static constexpr clock::time_point no_deadline = clock::time_point::max();

    exchange() = default;
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;
    exchange(exchange&&) = delete;
    exchange& operator=(exchange&&) = delete;
    virtual ~exchange() = default;

    [[nodiscard]] virtual fsm::operation& machine() noexcept = 0;

    clock::time_point deadline = no_deadline;

    /// Keeps the coroutine that waits; to be called once.
    void wait_with(handler_type handler) { handler_.emplace(std::move(handler)); }
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    /// Why the exchange did not come to its end; null when it did.
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

    /// Ends the exchange and resumes who waits, at once when on its thread.
    void finish()
    {
        finished_ = true;
        if (auto handler = std::exchange(handler_, std::nullopt)) {
            auto executor = boost::asio::get_associated_executor(*handler);
            boost::asio::dispatch(executor, std::move(*handler));
        }
    }

    /// Ends the exchange with an error; who waits is resumed later, never from inside this call.
    /// Does nothing when the exchange has ended.
    void fail(const std::exception_ptr& why)
    {
        if (finished_)
            return;
        finished_ = true;
        failure_ = why;
        if (auto handler = std::exchange(handler_, std::nullopt)) {
            auto executor = boost::asio::get_associated_executor(*handler);
            boost::asio::post(executor, std::move(*handler));
        }
    }

    /// Gives up who waits without resuming it; destroys its frames.
    void abandon() noexcept { handler_.reset(); }

private:
    std::optional<handler_type> handler_;
    std::exception_ptr failure_;
    bool finished_ = false;
};

/// An exchange around a machine of type `Machine`.
template <class Machine>
class exchange_of final : public exchange {
public:
    template <class... Args>
    explicit exchange_of(Args&&... args) : machine_(std::forward<Args>(args)...)
    {}

    [[nodiscard]] Machine& machine() noexcept override { return machine_; }

private:
    Machine machine_;
};

} // namespace tradecore::pg::engine
