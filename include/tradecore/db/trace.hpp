// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/detail/invoke.hpp>
#include <tradecore/observe/trace_context.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace tradecore {

/// The trace that a coroutine's work belongs to travels like the transaction it is in: in its executor, to everything
/// that is called below or started there.

/// @returns `executor` in a trace, for a request that came with a `traceparent`; one that is not valid is none.
[[nodiscard]] boost::asio::any_io_executor
with_trace(const boost::asio::any_io_executor& executor, const observe::trace_context& trace);

/// @returns which span work on `executor` is part of: the innermost of a database's tracer, else what `with_trace`
/// said;
///          nothing outside of every trace. This is what a request to another service has to carry.
[[nodiscard]] std::optional<observe::trace_context> trace_of(const boost::asio::any_io_executor& executor);

namespace detail {
[[nodiscard]] boost::asio::awaitable<void> run_in_trace(observe::trace_context trace, erased_body body);

template <class T, class F>
boost::asio::awaitable<T> trace_body(observe::trace_context trace, F body)
{
    const auto state = std::make_shared<body_state<F, T>>(std::move(body));
    co_await run_in_trace(trace, erase<T>(state));
    co_return state->take();
}
} // namespace detail

/// Runs `body` in a trace.
///
///     if (const auto trace = observe::parse_traceparent(header))
///         co_await in_trace(*trace, handle);
///
/// @param body callable without arguments that returns `awaitable<T>`.
/// @returns what the body returned. @throws what it threw. Cancellation: handed to the body.
template <class F>
[[nodiscard]] boost::asio::awaitable<detail::awaited_t<F>> in_trace(observe::trace_context trace, F body)
{
    return detail::trace_body<detail::awaited_t<F>, F>(trace, std::move(body));
}

} // namespace tradecore
