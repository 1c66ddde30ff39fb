// SPDX-License-Identifier: Apache-2.0
#include "simulate/locks.hpp"

#include "service/repeat.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tradecore::app::simulate {

namespace asio = boost::asio;

namespace {

template <class Result>
asio::awaitable<bool> granted(asio::awaitable<Result> asked)
{
    try {
        co_await std::move(asked);
    }
    catch (const pg::lock_not_available&) {
        co_return false;
    }
    co_return true;
}

} // namespace

asio::awaitable<bool> lock_simulation(pg::connection& on)
{
    return granted(on.execute("SELECT pg_advisory_lock(hashtextextended('tradecore_simulation', 0))"));
}

asio::awaitable<bool> lock_as_worker(pg::connection& on)
{
    return granted(on.execute("SELECT pg_advisory_lock_shared(hashtextextended('tradecore_simulation_worker', 0))"));
}

asio::awaitable<bool> workers_are_gone(pg::connection& on)
{
    if (!co_await granted(on.execute("SELECT pg_advisory_lock(hashtextextended('tradecore_simulation_worker', 0))")))
        co_return false;
    co_await on.execute("SELECT pg_advisory_unlock(hashtextextended('tradecore_simulation_worker', 0))");
    co_return true;
}

asio::awaitable<void> held_lock::connect(pg::connect_options to)
{
    to_ = std::move(to);
    session_ = co_await pg::connection::connect(co_await asio::this_coro::executor, to_);
    co_await session_->execute("SET lock_timeout = '5s'");
}

asio::awaitable<bool> held_lock::take_again()
{
    co_await connect(to_);
    co_return co_await take();
}

asio::awaitable<bool> held_lock::is_lost()
{
    if (stopping_)
        co_return false;
    try {
        feed_.emplace(co_await session_->listen("tradecore_simulation"));
        while (!stopping_)
            static_cast<void>(co_await feed_->next());
    }
    catch (const pg::error&) {
        if (!stopping_ && session_->is_open())
            throw;
    }
    feed_.reset();
    co_return !stopping_;
}

asio::awaitable<void> held_lock::keep()
{
    while (co_await is_lost()) {
        observe::log(
            observe::level::warn,
            "[LOCK LOST] the session that keeps other simulations out is lost, another takes over",
            {{"database", database_}});
        service::repeater by("the lock of " + database_);
        const auto again = [this] { return take_again(); };
        const bool taken = co_await service::until_answered(by, again);
        if (!taken)
            throw std::runtime_error(fmt::format(
                "another program has begun a simulation in the database {} while the session that kept it out was lost",
                database_));
    }
}

void held_lock::stop_keeping() noexcept
{
    stopping_ = true;
    feed_.reset();
}

} // namespace tradecore::app::simulate
