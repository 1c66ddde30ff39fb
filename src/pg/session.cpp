// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/session.hpp>

namespace tradecore::pg {

namespace asio = boost::asio;

namespace detail {

asio::awaitable<command_tag> only_tag(asio::awaitable<result> answer)
{
    const result rows = co_await std::move(answer);
    co_return rows.tag();
}

asio::awaitable<void> only_end(asio::awaitable<result> answer)
{
    const result ignored = co_await std::move(answer);
}

namespace {

template <class T>
asio::awaitable<T> refuse(std::string_view what)
{
    throw argument_error("this session offers no " + std::string(what));
    co_return T(); // makes it a coroutine: the error comes when it is awaited, as all others
}

} // namespace

} // namespace detail

asio::awaitable<batch_answers> session::run_batch(batch)
{
    return detail::refuse<batch_answers>("batches");
}

asio::awaitable<std::uint64_t> session::run_many(repeated_statement)
{
    return detail::refuse<std::uint64_t>("execution of many rows");
}

asio::awaitable<std::shared_ptr<detail::cursor_core>> session::open_cursor(statement, cursor_options)
{
    return detail::refuse<std::shared_ptr<detail::cursor_core>>("cursors");
}

asio::awaitable<std::shared_ptr<detail::copy_in_core>> session::open_copy_in(detail::copy_request)
{
    return detail::refuse<std::shared_ptr<detail::copy_in_core>>("COPY");
}

asio::awaitable<std::shared_ptr<detail::copy_out_core>> session::open_copy_out(detail::copy_request)
{
    return detail::refuse<std::shared_ptr<detail::copy_out_core>>("COPY");
}

} // namespace tradecore::pg
