// SPDX-License-Identifier: Apache-2.0
#include "db/trace_scope.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/trace.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tradecore {
namespace asio = boost::asio;

namespace {

const context_var<detail::trace_scope> trace_variable;

asio::awaitable<void> call(detail::erased_body body)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await body();
}

} // namespace

std::shared_ptr<detail::trace_scope> detail::trace_around(const asio::any_io_executor& executor)
{
    return trace_variable.get(executor);
}

asio::any_io_executor detail::enter_trace(const asio::any_io_executor& executor, std::shared_ptr<trace_scope> scope)
{
    return with_context(executor, trace_variable.set(context_of(executor), std::move(scope)));
}

asio::any_io_executor with_trace(const asio::any_io_executor& executor, const observe::trace_context& trace)
{
    return detail::enter_trace(executor, std::make_shared<detail::trace_scope>(detail::trace_scope{trace, nullptr}));
}

std::optional<observe::trace_context> trace_of(const asio::any_io_executor& executor)
{
    const auto around = detail::trace_around(executor);
    return around && around->context.is_valid() ? std::optional(around->context) : std::nullopt;
}

asio::awaitable<void> detail::run_in_trace(observe::trace_context trace, erased_body body)
{
    const auto inside = with_trace(co_await asio::this_coro::executor, trace);
    co_await asio::co_spawn(inside, call(std::move(body)), asio::use_awaitable);
}

} // namespace tradecore
