// SPDX-License-Identifier: Apache-2.0
#include "simulate/locks.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

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

asio::awaitable<std::unique_ptr<pg::connection>> connect_for_locks(pg::connect_options to)
{
    auto made = co_await pg::connection::connect(co_await asio::this_coro::executor, std::move(to));
    co_await made->execute("SET lock_timeout = '5s'");
    co_return made;
}

asio::awaitable<bool> lock_simulation(pg::connection& on)
{
    return granted(on.execute("SELECT pg_advisory_lock(hashtextextended('tradecore_simulation', 0))"));
}

asio::awaitable<void> lock_as_worker(pg::connection& on)
{
    co_await on.execute("SELECT pg_advisory_lock_shared(hashtextextended('tradecore_simulation_worker', 0))");
}

asio::awaitable<bool> workers_are_gone(pg::connection& on)
{
    if (!co_await granted(on.execute("SELECT pg_advisory_lock(hashtextextended('tradecore_simulation_worker', 0))")))
        co_return false;
    co_await on.execute("SELECT pg_advisory_unlock(hashtextextended('tradecore_simulation_worker', 0))");
    co_return true;
}

} // namespace tradecore::app::simulate
