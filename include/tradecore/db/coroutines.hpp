// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/detail/invoke.hpp>
#include <tradecore/resilience/time.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tradecore {

namespace detail {
[[nodiscard]] boost::asio::awaitable<void>
run_with_limit(std::chrono::steady_clock::duration limit, boost::asio::awaitable<void> work);
[[nodiscard]] boost::asio::awaitable<void> run_all(std::vector<boost::asio::awaitable<void>> children);
[[nodiscard]] boost::asio::awaitable<void>
run_elsewhere(boost::asio::any_io_executor where, boost::asio::awaitable<void> work);

/// The first thing that runs on the other executor. The caller has decided already which cancellation it takes.
template <class T>
boost::asio::awaitable<void> arrive(boost::asio::awaitable<T> work, std::shared_ptr<result_slot<T>> out)
{
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::enable_total_cancellation());
    if constexpr (std::is_void_v<T>)
        co_await std::move(work);
    else
        out->value.emplace(co_await std::move(work));
}

/// What a child that returns nothing leaves in the tuple.
template <class T>
using regular_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
regular_t<T> take_regular(result_slot<T>& from)
{
    if constexpr (std::is_void_v<T>)
        return {};
    else
        return from.take();
}
} // namespace detail

// On an executor that several threads run, `with_timeout` and `when_all` work on a strand of it as soon as there is a
// database with `threads::several` in the program, so that cancelling meets nobody in the middle of something. What is
// on a strand already stays there.

/// Runs `work` on another executor and brings its answer back to the caller's, also from one thread to another. The
/// work is in the caller's transactions.
///
///     co_await tradecore::run_on(db.pool_executor(), lend_and_use(db));
///
/// @param where a strand, or an executor that is run by one thread.
/// @returns what the work returned. @throws what it threw; `operation_aborted` when the executor ended before the work.
/// Cancellation: handed to the work, on its executor. Thread safety: safe. Lifetimes: the event loops of both
/// executors must live as long as the work.
template <class T>
[[nodiscard]] boost::asio::awaitable<T> run_on(boost::asio::any_io_executor where, boost::asio::awaitable<T> work)
{
    const auto out = std::make_shared<detail::result_slot<T>>();
    co_await detail::run_elsewhere(std::move(where), detail::arrive<T>(std::move(work), out));
    co_return out->take();
}

/// Runs `work` and cancels it when `limit` has passed.
///
/// The work is always awaited to its end, so nothing of it runs on afterwards; when it finished although
/// the limit passed, its result is what counts. Its own error ends the wait at once and is what is thrown.
/// @param limit in any unit; one beyond the clock's range never passes.
/// @throws pg::timeout_error when the limit passed and the work ended without a result, with the work's own
///         error nested in it.
/// Cancellation: handed to the work.
template <class Rep, class Period, class T>
[[nodiscard]] boost::asio::awaitable<T>
with_timeout(std::chrono::duration<Rep, Period> limit, boost::asio::awaitable<T> work)
{
    const auto out = std::make_shared<detail::result_slot<T>>();
    co_await detail::run_with_limit(resilience::saturate(limit), detail::store_result<T>(std::move(work), out));
    co_return out->take();
}

/// Runs all children at once on the caller's executor and awaits every one of them.
///
/// When one fails the others are cancelled, and the error that came first in time is thrown after all
/// have ended.
/// @returns a tuple of their results; `std::monostate` for those that have none.
/// Cancellation: handed to all children.
template <class... T>
[[nodiscard]] boost::asio::awaitable<std::tuple<detail::regular_t<T>...>>
when_all(boost::asio::awaitable<T>... children)
{
    const auto out = std::make_tuple(std::make_shared<detail::result_slot<T>>()...);
    std::vector<boost::asio::awaitable<void>> running;
    running.reserve(sizeof...(T));
    std::apply(
        [&](const auto&... slot) { (running.push_back(detail::store_result<T>(std::move(children), slot)), ...); },
        out);
    co_await detail::run_all(std::move(running));
    co_return std::apply(
        [](const auto&... slot) { return std::tuple<detail::regular_t<T>...>(detail::take_regular(*slot)...); }, out);
}

/// The same for any number of children without results.
[[nodiscard]] boost::asio::awaitable<void> when_all(std::vector<boost::asio::awaitable<void>> children);

/// The same for any number of children of one type.
/// @returns their results in the order of the children.
template <class T>
    requires(!std::is_void_v<T>)
[[nodiscard]] boost::asio::awaitable<std::vector<T>> when_all(std::vector<boost::asio::awaitable<T>> children)
{
    std::vector<std::shared_ptr<detail::result_slot<T>>> out;
    std::vector<boost::asio::awaitable<void>> running;
    out.reserve(children.size());
    running.reserve(children.size());
    for (auto& child : children) {
        out.push_back(std::make_shared<detail::result_slot<T>>());
        running.push_back(detail::store_result<T>(std::move(child), out.back()));
    }
    co_await detail::run_all(std::move(running));
    std::vector<T> results;
    results.reserve(out.size());
    for (auto& slot : out)
        results.push_back(slot->take());
    co_return results;
}

} // namespace tradecore
