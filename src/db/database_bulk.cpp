// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/outside_work.hpp"
#include "db/repeat_step.hpp"
#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

asio::awaitable<std::uint64_t>
run_many_on(physical_connection& on, statement_monitor& monitor, pg::repeated_statement what)
{
    statement_watch watch(monitor, what);
    watch.runs_on(on.backend_pid());
    std::uint64_t affected = 0;
    std::exception_ptr error;
    try {
        affected = co_await on.run_many(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(affected, error);
    if (error)
        std::rethrow_exception(error);
    co_return affected;
}

asio::awaitable<std::vector<pg::result>>
run_script_on(physical_connection& on, statement_monitor& monitor, sql_text text, pg::call_options options)
{
    statement_watch watch(monitor, "SCRIPT", text, options.name);
    watch.runs_on(on.backend_pid());
    std::vector<pg::result> answers;
    std::exception_ptr error;
    try {
        answers = co_await on.run_script(std::move(text), options);
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(0, error);
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

} // namespace

asio::awaitable<std::uint64_t>
database_core::run_many(std::shared_ptr<database_core> self, pg::repeated_statement what, own_policies retries)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_statement(executor, &std::as_const(*around->transaction).root(), what.sql.text, self->options_.name);
        co_return co_await transaction_core::run_many(around->transaction, std::move(what));
    }
    repeated_call call(*self->retries_, retries.get(), name_of("execute_many", what.options), what.options.timeout);
    call.facts.is_used_up = true;
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        note_statement(executor, nullptr, what.sql.text, self->options_.name);
        what.options.timeout = left;
        return run_many_on(*on, self->monitor_, std::move(what));
    };
    co_return co_await repeat<std::uint64_t>(self, call, user_of("statement", what.options, what.sql), {}, step);
}

asio::awaitable<std::vector<pg::result>>
database_core::run_script(std::shared_ptr<database_core> self, sql_text text, pg::call_options options)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_change(executor, &std::as_const(*around->transaction).root(), "script", self->options_.name);
        co_return co_await transaction_core::run_script(around->transaction, std::move(text), options);
    }
    repeated_call call(*self->retries_, nullptr, name_of("script", options), options.timeout);
    call.facts.idempotent = options.idempotent;
    call.facts.in_parts = true;
    const auto step = [&](lease& on, std::optional<milliseconds> left) {
        note_change(executor, nullptr, "script", self->options_.name);
        options.timeout = left;
        return run_script_on(*on, self->monitor_, text, options);
    };
    usage user{.kind = "script", .label = options.name, .keeps = {}, .where = text.where};
    co_return co_await repeat<std::vector<pg::result>>(self, call, std::move(user), {}, step);
}

} // namespace tradecore::detail
