// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace tradecore::pg::engine {

/// A place for one suspended coroutine.
///
/// Thread safety: none. Lifetimes: owns the suspended frames until they are resumed or abandoned.
class waiter {
public:
    using token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>;
    using handler_type = boost::asio::async_result<token, void(std::exception_ptr)>::handler_type;

    [[nodiscard]] bool waits() const noexcept { return handler_.has_value(); }
    void suspend(handler_type handler) { handler_.emplace(std::move(handler)); }

    /// Resumes the coroutine from inside a handler that runs on `here`: at once when it belongs there.
    void resume_now(const boost::asio::any_io_executor& here)
    {
        auto handler = take();
        if (!handler)
            return;
        // `dispatch` would find the same by asking a type-erased executor several questions: 250 instructions.
        if (auto executor = boost::asio::get_associated_executor(*handler); executor == here)
            std::move (*handler)(nullptr);
        else
            boost::asio::dispatch(executor, [resumed = std::move(*handler)]() mutable { std::move(resumed)(nullptr); });
    }

    /// Resumes the coroutine in a later turn of its event loop; it throws `why` unless that is null.
    void resume_later(std::exception_ptr why)
    {
        auto handler = take();
        if (!handler)
            return;
        auto executor = boost::asio::get_associated_executor(*handler);
        boost::asio::post(
            executor, [resumed = std::move(*handler), why = std::move(why)]() mutable { std::move(resumed)(why); });
    }

    /// Destroys the suspended frames without resuming them.
    void abandon() noexcept { (void)take(); }

private:
    std::optional<handler_type> take() noexcept { return std::exchange(handler_, std::nullopt); }

    std::optional<handler_type> handler_;
};

} // namespace tradecore::pg::engine
