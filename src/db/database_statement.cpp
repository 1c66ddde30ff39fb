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

// Functions that stay such: what they need besides would be in the frame of whoever calls them, also where nothing of
// it happens. Asio keeps no frame above 1020 bytes for use again.

[[gnu::noinline]] asio::awaitable<pg::result> run_in(const scope& around, pg::statement& what)
{
    return transaction_core::run(around.transaction, std::move(what));
}

[[gnu::noinline]] std::unique_ptr<repeated_call> begin_repeating(
    retry_surroundings& around, const own_policies& policies, const pg::statement& what, resilience::deadline limit)
{
    auto call = std::make_unique<repeated_call>(
        around, policies.get(), what.options.name.empty() ? what.verb : what.options.name, limit);
    call->facts.idempotent = what.options.idempotent;
    call->facts.only_reads = what.changes_nothing;
    call->facts.in_parts = pg::may_commit_in_parts(what.sql.text);
    return call;
}

} // namespace

share database_core::share_for(const pg::statement& what, const attempt& by, known_statement& known) const noexcept
{
    const bool harmless = known.only_reads || (what.options.idempotent && known.leaves_session_alone);
    if (!harmless || what.options.alone || !what.before.empty() || by.is_probe())
        return {};
    return pool_->core_->weigh(known.time);
}

asio::awaitable<pg::result>
database_core::run(std::shared_ptr<database_core> self, pg::statement what, own_policies retries)
{
    self->require_available();
    if (const auto around = self->scope_of(co_await asio::this_coro::executor); around && around->transaction) {
        note_statement(
            co_await asio::this_coro::executor, &std::as_const(*around->transaction).root(), what.sql.text,
            self->options_.name);
        co_return co_await run_in(*around, what);
    }
    const auto limit = self->retries_->begin_call(what.options.timeout);
    std::unique_ptr<repeated_call> call; // from the first failure on
    pool_state::ticket place = 0;        // in the pool's line, of one that was sent away from others
    for (;;) {
        // Looked up for each attempt: while it was away its place may have become another statement's.
        known_statement& known = self->known_.find(what.sql);
        what.changes_nothing = known.only_reads;
        std::exception_ptr error;
        attempt_facts facts{.phase = attempt_phase::acquiring};
        {
            attempt by;
            lease connection;
            try {
                by = self->begin_attempt();
                const auto wanted = place == 0 ? self->share_for(what, by, known) : share{.place = place};
                connection = self->pool_->core_->try_acquire(usage_of(what), wanted);
                if (!connection)
                    connection = co_await wait_for_connection(self, by, limit, usage_of(what), wanted);
            }
            catch (...) {
                error = std::current_exception();
                by.failed(error, facts);
            }
            if (connection) {
                note_statement(co_await asio::this_coro::executor, nullptr, what.sql.text, self->options_.name);
                what.options.timeout = self->limit_of(by, limit);
                const bool unsent = !connection->is_open();
                statement_watch watch(self->monitor_, what);
                watch.runs_on(connection->backend_pid());
                pg::result answer;
                try {
                    answer = co_await connection->run_kept(what);
                }
                catch (...) {
                    error = std::current_exception();
                }
                if (!error) {
                    watch.ended(answer, error);
                    connection.share_.answered = true;
                    by.succeeded();
                    co_return answer;
                }
                if (is_sent_away(error)) {
                    self->pool_->core_->count_sent_away();
                    place = connection.share_.place;
                    continue;
                }
                watch.ended(answer, error);
                connection.share_.answered = is_answer(error);
                facts = self->end_attempt(by, connection, error, what.options.timeout.has_value());
                facts.unsent = unsent;
            }
        }
        place = 0;
        if (!call)
            call = begin_repeating(*self->retries_, retries, what, limit);
        co_await call->another_attempt(error, facts, what.sql.text);
    }
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
