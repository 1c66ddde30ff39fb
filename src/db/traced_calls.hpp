// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/call_span.hpp"
#include "db/commit_resolution.hpp"
#include "db/database_core.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace tradecore::detail {

/// The first thing on the inner executor. The caller has decided already which cancellation it takes.
[[nodiscard]] boost::asio::awaitable<void> let_cancel(boost::asio::awaitable<void> work);

/// Does `work` in a span. @param core has a tracer.
template <class T>
boost::asio::awaitable<T> traced(std::shared_ptr<database_core> core, span_of_call what, boost::asio::awaitable<T> work)
{
    call_span span(core->options(), co_await boost::asio::this_coro::executor, what);
    const auto out = std::make_shared<result_slot<T>>();
    std::exception_ptr error;
    try {
        co_await boost::asio::co_spawn(
            span.inside(), let_cancel(store_result<T>(std::move(work), out)), boost::asio::use_awaitable);
    }
    catch (...) {
        error = std::current_exception();
    }
    span.end(error);
    if (error)
        std::rethrow_exception(error);
    co_return out->take();
}

/// The same for a database that may have no tracer.
template <class T>
boost::asio::awaitable<T>
with_span(std::shared_ptr<database_core> core, span_of_call what, boost::asio::awaitable<T> work)
{
    if (core->options().tracer == nullptr) [[likely]]
        return work;
    return traced(std::move(core), std::move(what), std::move(work));
}

/// The doors of a database with the tracer in front of them: without one, they are the database's own for the price of
/// a branch.
struct traced_calls {
    static boost::asio::awaitable<pg::result>
    run(std::shared_ptr<database_core> core, pg::statement&& what, own_policies retries = {});
    static boost::asio::awaitable<pg::batch_answers>
    run_batch(std::shared_ptr<database_core> core, pg::batch what, own_policies retries = {});
    static boost::asio::awaitable<std::uint64_t>
    run_many(std::shared_ptr<database_core> core, pg::repeated_statement what, own_policies retries = {});
    /// Of cursors and COPY the span is that of the opening.
    static boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> open_cursor(
        std::shared_ptr<database_core> core, pg::statement what, pg::cursor_options how, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<std::vector<pg::result>>
    run_script(std::shared_ptr<database_core> core, sql_text text, pg::call_options options);

    /// @param work the transaction with all its attempts.
    static boost::asio::awaitable<void>
    transaction(std::shared_ptr<database_core> core, std::string_view name, boost::asio::awaitable<void> work);
    /// A wait for a connection.
    static boost::asio::awaitable<lease>
    acquire(std::shared_ptr<database_core> core, boost::asio::awaitable<lease> work);
    /// Finding out about a COMMIT.
    static boost::asio::awaitable<commit_finding>
    resolution(std::shared_ptr<database_core> core, boost::asio::awaitable<commit_finding> work);
};

} // namespace tradecore::detail
