// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tradecore::test {

namespace asio = boost::asio;
using connection_ptr = std::shared_ptr<pg::connection>;

inline asio::awaitable<connection_ptr> connect()
{
    co_return co_await pg::connection::connect(
        co_await asio::this_coro::executor, pg::connect_options::parse(test::dsn()));
}

/// Runs a coroutine and returns the message of the `Error` it must throw.
template <class Error, class T>
asio::awaitable<std::string> message_of(asio::awaitable<T> attempt)
{
    try {
        co_await std::move(attempt);
    }
    catch (const Error& error) {
        co_return error.what();
    }
    ADD_FAILURE() << "no error of the expected type";
    co_return "";
}

/// A coroutine that runs beside the test and can be cancelled.
class beside {
public:
    template <class T>
    beside(asio::any_io_executor executor, asio::awaitable<T> work) : state_(std::make_shared<state>(executor))
    {
        asio::co_spawn(
            executor, drop(std::move(work)),
            asio::bind_cancellation_slot(state_->stop.slot(), [kept = state_](std::exception_ptr thrown) {
                kept->outcome = std::move(thrown);
                kept->over = true;
                kept->ended.cancel();
            }));
    }

    void cancel() { state_->stop.emit(asio::cancellation_type::terminal); }
    [[nodiscard]] bool is_over() const noexcept { return state_->over; }
    /// Waits for its end and throws what it threw.
    asio::awaitable<void> join() { return join(state_); }

private:
    struct state {
        explicit state(const asio::any_io_executor& executor) : ended(executor, asio::steady_timer::time_point::max())
        {}
        asio::cancellation_signal stop;
        asio::steady_timer ended;
        std::exception_ptr outcome;
        bool over = false;
    };

    template <class T>
    static asio::awaitable<void> drop(asio::awaitable<T> work)
    {
        (void)co_await std::move(work);
    }
    static asio::awaitable<void> drop(asio::awaitable<void> work) { co_await std::move(work); }
    static asio::awaitable<void> join(std::shared_ptr<state> of)
    {
        boost::system::error_code ignored;
        while (!of->over)
            co_await of->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (of->outcome)
            std::rethrow_exception(of->outcome);
    }

    std::shared_ptr<state> state_;
};

/// Gives the loop a turn, until something is so.
inline asio::awaitable<void> until(std::function<bool()> holds)
{
    while (!holds())
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

/// The connection answers, is in no transaction, and is as it should be.
inline asio::awaitable<void> expect_usable(connection_ptr on)
{
    EXPECT_EQ(co_await on->fetchval<int>("SELECT 6 * 7"), 42);
    EXPECT_EQ(on->status(), pg::transaction_status::idle);
}

} // namespace tradecore::test
