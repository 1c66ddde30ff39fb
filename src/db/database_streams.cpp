// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/leased_copy.hpp"
#include "db/leased_cursor.hpp"
#include "db/leased_listener.hpp"
#include "db/outside_work.hpp"
#include "db/repeat_step.hpp"
#include "db/transaction_core.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

// What keeps its connection when the call is over: cursors, COPY, listeners.

namespace {

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
open_cursor_on(lease& on, pg::statement what, pg::cursor_options how)
{
    auto opened = co_await on->open_cursor(std::move(what), how);
    co_return std::make_shared<leased_cursor>(std::move(on), std::move(opened));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> open_copy_in_on(lease& on, pg::detail::copy_request what)
{
    auto opened = co_await on->open_copy_in(std::move(what));
    co_return std::make_shared<leased_copy_in>(std::move(on), std::move(opened));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> open_copy_out_on(lease& on, pg::detail::copy_request what)
{
    auto opened = co_await on->open_copy_out(std::move(what));
    co_return std::make_shared<leased_copy_out>(std::move(on), std::move(opened));
}

asio::awaitable<pg::listener> listen_on(lease& on, std::string channel, pg::listen_options options)
{
    auto opened = co_await on->listen(std::move(channel), options);
    co_return pg::listener(std::make_shared<leased_listener>(std::move(on), std::move(opened)));
}

} // namespace

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> database_core::open_cursor(
    std::shared_ptr<database_core> self, pg::statement what, pg::cursor_options how, own_policies retries)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_statement(executor, &std::as_const(*around->transaction).root(), what.sql.text, self->options_.name);
        co_return co_await transaction_core::open_cursor(around->transaction, std::move(what), how);
    }
    repeated_call call(*self->retries_, retries.get(), name_of("cursor", what.options), what.options.timeout);
    call.facts.idempotent = what.options.idempotent;
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        note_statement(executor, nullptr, what.sql.text, self->options_.name);
        auto once = what;
        once.options.timeout = left;
        return open_cursor_on(on, std::move(once), how);
    };
    co_return co_await repeat<std::shared_ptr<pg::detail::cursor_core>>(
        self, call, keeper_of("cursor", what.options, what.sql), what.sql.text, step);
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
database_core::open_copy_in(std::shared_ptr<database_core> self, pg::detail::copy_request what, own_policies retries)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_change(executor, &std::as_const(*around->transaction).root(), "COPY", self->options_.name);
        co_return co_await transaction_core::open_copy_in(around->transaction, std::move(what));
    }
    repeated_call call(*self->retries_, retries.get(), name_of("COPY", what.options.call), what.options.call.timeout);
    call.facts.idempotent = what.options.call.idempotent;
    call.facts.only_reads = true; // nothing is stored before rows come and the end is told
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        note_change(executor, nullptr, "COPY", self->options_.name);
        auto once = what;
        once.options.call.timeout = left;
        return open_copy_in_on(on, std::move(once));
    };
    co_return co_await repeat<std::shared_ptr<pg::detail::copy_in_core>>(
        self, call, keeper_of("COPY", what.options.call, what.copy), {}, step);
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
database_core::open_copy_out(std::shared_ptr<database_core> self, pg::detail::copy_request what, own_policies retries)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_change(executor, &std::as_const(*around->transaction).root(), "COPY", self->options_.name);
        co_return co_await transaction_core::open_copy_out(around->transaction, std::move(what));
    }
    repeated_call call(*self->retries_, retries.get(), name_of("COPY", what.options.call), what.options.call.timeout);
    call.facts.idempotent = what.options.call.idempotent;
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        note_change(executor, nullptr, "COPY", self->options_.name); // its query may write
        auto once = what;
        once.options.call.timeout = left;
        return open_copy_out_on(on, std::move(once));
    };
    co_return co_await repeat<std::shared_ptr<pg::detail::copy_out_core>>(
        self, call, keeper_of("COPY", what.options.call, what.copy), {}, step);
}

asio::awaitable<pg::listener>
database_core::listen(std::shared_ptr<database_core> self, std::string channel, pg::listen_options options)
{
    self->require_available();
    if (self->options_.connect.prepared_statements == pg::prepared_statements::unnamed)
        throw pg::argument_error(fmt::format(
            "database '{}' cannot listen to '{}': with prepared_statements=unnamed a pooler may be between, which "
            "gives a listener no session of its own; listen on a database with a DSN that leads to the server itself",
            self->options_.name, channel));
    auto user = keeper_of("listener", options.call, {});
    repeated_call call(*self->retries_, nullptr, name_of("listen", options.call), options.call.timeout);
    call.facts.only_reads = true;
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        auto once = options;
        once.call.timeout = left ? left : client_limit(self->options_.command_timeout);
        return listen_on(on, channel, once);
    };
    co_return co_await repeat<pg::listener>(self, call, std::move(user), {}, step);
}

} // namespace tradecore::detail
