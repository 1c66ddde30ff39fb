// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace tradecore::test {

/// A coroutine that runs beside the test, can be cancelled, and is waited for.
template <class T>
class task {
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    task(const boost::asio::any_io_executor& executor, boost::asio::awaitable<T> body)
        : state_(std::make_shared<state>(executor))
    {
        auto keep = [kept = state_](const std::exception_ptr& thrown, auto&&... value) {
            kept->error = thrown;
            if (!thrown)
                kept->value.emplace(std::forward<decltype(value)>(value)...);
            kept->ended.cancel();
        };
        boost::asio::co_spawn(
            executor, std::move(body), boost::asio::bind_cancellation_slot(state_->stop.slot(), std::move(keep)));
    }

    void cancel() { state_->stop.emit(boost::asio::cancellation_type::terminal); }
    [[nodiscard]] bool has_ended() const { return state_->error || state_->value; }

    /// Waits for its end.
    /// @returns or throws what it did.
    boost::asio::awaitable<T> result() { return wait(state_); }

private:
    struct state {
        explicit state(const boost::asio::any_io_executor& executor)
            : ended(executor, boost::asio::steady_timer::time_point::max())
        {}
        boost::asio::cancellation_signal stop;
        boost::asio::steady_timer ended;
        std::exception_ptr error;
        std::optional<stored> value;
    };

    static boost::asio::awaitable<T> wait(std::shared_ptr<state> of)
    {
        boost::system::error_code ignored;
        if (!of->error && !of->value)
            co_await of->ended.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        if (of->error)
            std::rethrow_exception(of->error);
        if constexpr (!std::is_void_v<T>)
            co_return std::move(*of->value);
    }

    std::shared_ptr<state> state_;
};

} // namespace tradecore::test
