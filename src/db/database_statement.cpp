// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/outside_work.hpp"
#include "db/pool_core.hpp"
#include "db/statement_watch.hpp"
#include "db/traced_calls.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

bool is_sent_away(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const sent_away&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

bool is_answer(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::server_error&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

/// A shared connection may show who uses it when that call is over already: the SQL lives on, a call's name need not.
usage user_of(const pg::statement& what, const share& wanted)
{
    if (wanted.time == nullptr)
        return usage_of(what);
    return {.kind = "statement", .label = what.sql.text, .keeps = what.sql.owner, .where = what.sql.where};
}

} // namespace

share database_core::share_for(const pg::statement& what, const attempt& by, known_statement& known) const noexcept
{
    // A write that is given up in line may be run all the same: who sets it a limit shall not be told before its end.
    const bool declared = what.options.only_reads || (what.options.idempotent && !what.options.timeout);
    const bool harmless = known.only_reads || (declared && known.leaves_session_alone);
    if (!harmless || what.options.alone || !what.before.empty() || by.is_probe())
        return {};
    return pool_->core_->weigh(known.time);
}

// Functions that stay such: what they need besides would be in the frame of whoever calls them, also where nothing of
// it happens. Asio keeps no frame above 1020 bytes for use again.

[[gnu::noinline]] asio::awaitable<pg::result>
database_core::run_inside(const asio::any_io_executor& executor, pg::statement& what)
{
    const auto around = scope_of(executor);
    if (!what.options.only_reads)
        note_statement(executor, &std::as_const(*around->transaction).root(), what.sql.text, options_.name);
    return transaction_core::run(around->transaction, std::move(what));
}

[[gnu::noinline]] database_core::clock::time_point
database_core::take_at_once(lease& into, pg::statement& what, const attempt& by)
{
    const auto now = clock::now();
    // Looked up for each attempt: while it was away its place may have become another statement's.
    known_statement& known = known_.find(what.sql);
    what.options.only_reads = what.options.only_reads || known.only_reads;
    const bool was_sent_away = into.share_.place != 0;
    const auto wanted = was_sent_away ? share{.place = into.share_.place} : share_for(what, by, known);
    into = pool_->core_->try_acquire(user_of(what, wanted), wanted, now);
    if (!into)
        into.share_ = wanted;
    return now;
}

[[gnu::noinline]] asio::awaitable<void> database_core::another_attempt(
    std::unique_ptr<repeated_call>& call, const own_policies& policies, pg::statement& what, resilience::deadline limit,
    const std::exception_ptr& error, const attempt_facts& facts, lease& on)
{
    if (!call) {
        call = std::make_unique<repeated_call>(
            *retries_, policies.get(), what.options.name.empty() ? what.verb : what.options.name, limit);
        call->facts.idempotent = what.options.idempotent;
        call->facts.only_reads = what.options.only_reads;
        call->facts.in_parts = pg::may_commit_in_parts(what.sql.text);
    }
    std::optional<bool>* together = nullptr;
    if (facts.session_ended) {
        what.options.alone = true; // what ends its session takes others with it once only
        if (on.share_.time != nullptr)
            together = &pool_->core_->granted_together(on.where_);
    }
    on.share_ = {};
    return call->another_attempt(error, facts, what.sql.text, together);
}

asio::awaitable<pg::result>
database_core::run(std::shared_ptr<database_core> self, pg::statement what, own_policies retries)
{
    self->require_available();
    if (self->is_in_transaction(co_await asio::this_coro::executor))
        co_return co_await self->run_inside(co_await asio::this_coro::executor, what);
    const auto limit = self->retries_->begin_call(what.options.timeout);
    std::unique_ptr<repeated_call> call; // from the first failure on
    lease connection;
    for (;;) {
        std::exception_ptr error;
        attempt_facts facts{.phase = attempt_phase::acquiring};
        {
            attempt by;
            clock::time_point began;
            try {
                by = self->begin_attempt();
                began = self->take_at_once(connection, what, by);
                if (!connection) {
                    connection = co_await wait_in_line(self, by, limit, what, connection.share_);
                    began = clock::now();
                }
            }
            catch (...) {
                error = std::current_exception();
                by.failed(error, facts);
            }
            if (connection) {
                if (!what.options.only_reads)
                    note_change(co_await asio::this_coro::executor, nullptr, "statement", self->options_.name);
                what.options.timeout = self->limit_of(by, limit);
                facts.unsent = !connection->is_open();
                statement_watch watch(self->monitor_, what, began);
                watch.runs_on(connection->backend_pid());
                try {
                    auto answer = co_await connection->run_kept(what);
                    const auto now = watch.ended(answer);
                    connection.share_.answered = true;
                    connection.give_back(now);
                    by.succeeded();
                    co_return answer;
                }
                catch (...) {
                    error = std::current_exception();
                }
                if (is_sent_away(error)) {
                    self->pool_->core_->count_sent_away();
                    connection.reset(); // and keeps its place in line
                    continue;
                }
                watch.ended(0, error);
                connection.share_.answered = is_answer(error);
                const bool unsent = facts.unsent;
                facts = self->end_attempt(by, connection, error, what.options.timeout.has_value());
                facts.unsent = unsent;
            }
        }
        co_await self->another_attempt(call, retries, what, limit, error, facts, connection);
    }
}

[[gnu::noinline]] asio::awaitable<lease> database_core::wait_in_line(
    const std::shared_ptr<database_core>& self, const attempt& by, resilience::deadline limit,
    const pg::statement& what, const share& wanted)
{
    return wait_for_connection(self, by, limit, user_of(what, wanted), wanted);
}

asio::awaitable<lease> database_core::wait_for_connection(
    std::shared_ptr<database_core> self, const attempt& by, resilience::deadline limit, usage user, share wanted)
{
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    self->require_another_connection(around.get());
    auto until = limit.is_never() ? std::nullopt : std::optional(limit.when());
    // What may take long is not cut short for being a probe, only the wait for its connection is.
    by.tighten(until);
    co_return co_await traced_calls::acquire(
        self, pool_core::acquire(self->pool_->core_, std::move(user), until, wanted));
}

std::optional<milliseconds> database_core::limit_of(const attempt& by, resilience::deadline call) const
{
    const auto limit = resilience::tightest(call, by.limit());
    if (limit.is_never())
        return client_limit(options_.command_timeout);
    const auto left = std::chrono::duration_cast<milliseconds>(limit.remaining(retries_->now()));
    return std::max(left, milliseconds(1));
}

} // namespace tradecore::detail
