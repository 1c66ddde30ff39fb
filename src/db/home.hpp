// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/database_core.hpp"
#include "db/serial_executor.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/this_coro.hpp>

#include <memory>
#include <utility>

/// A database with `threads::several` lives on a strand of its own, its home: its pool, its breaker, its connections
/// and the ends of its transactions run there, one after the other. What callers on other executors ask of it is
/// carried there, and the answer back. A database with `threads::one` has no home, and everything runs where it is
/// called.
namespace tradecore::detail {

[[nodiscard]] inline bool has_home(const database_core& core) noexcept
{
    return core.options().used_by == threads::several;
}

/// @returns the home; null when there is none.
[[nodiscard]] inline const serial_executor* home_of(const database_core& core) noexcept
{
    return has_home(core) ? core.pool_executor().target<serial_executor>() : nullptr;
}

/// @param executor what the user gave.
/// @returns where a database with these options lives.
[[nodiscard]] boost::asio::any_io_executor
home_on(const boost::asio::any_io_executor& executor, const database_options& options);

[[nodiscard]] bool is_home(const boost::asio::any_io_executor& executor, const database_core& core) noexcept;

/// Does `work` at the home of a database that has one. It sees the caller's transactions there.
template <class T>
boost::asio::awaitable<T> at_home(std::shared_ptr<database_core> core, boost::asio::awaitable<T> work)
{
    if (is_home(co_await boost::asio::this_coro::executor, *core))
        co_return co_await std::move(work);
    co_return co_await run_on(core->pool_executor(), std::move(work));
}

/// Reads what the database keeps while nothing changes it.
template <class Read>
auto read_at(const database_core& core, Read what)
{
    if (const auto* const home = home_of(core)) [[unlikely]]
        return home->alone(what);
    return what();
}

/// Ends what belongs to the home there.
struct end_at_home {
    serial_executor home;

    template <class T>
    void operator()(T* what) const noexcept
    {
        const auto at = home; // it may be the last thing that keeps the executor
        at.leave([what] { delete what; });
    }
};

/// @returns a shared object of a database, which ends at its home.
template <class T, class... Args>
std::shared_ptr<T> make_for(const database_core& core, Args&&... args)
{
    if (const auto* const home = home_of(core)) [[unlikely]]
        return std::shared_ptr<T>(new T(std::forward<Args>(args)...), end_at_home{*home});
    return std::make_shared<T>(std::forward<Args>(args)...);
}

// What stays open after a call: its steps are carried home, and it ends there (carried_streams.cpp).
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
carry(std::shared_ptr<database_core> core, boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> opening);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
carry(std::shared_ptr<database_core> core, boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> opening);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
carry(std::shared_ptr<database_core> core, boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> opening);
[[nodiscard]] boost::asio::awaitable<pg::listener>
carry(std::shared_ptr<database_core> core, boost::asio::awaitable<pg::listener> opening);
/// What does not.
template <class T>
boost::asio::awaitable<T> carry(std::shared_ptr<database_core> core, boost::asio::awaitable<T> work)
{
    return at_home(std::move(core), std::move(work));
}

/// @returns what a call gives that is made here: the work itself, or the same by way of the home.
template <class T>
boost::asio::awaitable<T> from_here(const std::shared_ptr<database_core>& core, boost::asio::awaitable<T> work)
{
    if (has_home(*core)) [[unlikely]]
        return carry(core, std::move(work));
    return work;
}

} // namespace tradecore::detail
