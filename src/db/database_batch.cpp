// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/outside_work.hpp"
#include "db/repeat_step.hpp"
#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

bool is_aborted(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::batch_aborted&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

/// @returns the first error of an entry of a batch, null when there is none; of those that failed by themselves.
std::exception_ptr first_error(const pg::batch_answers& answers)
{
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers.error(i) && !is_aborted(answers.error(i)))
            return answers.error(i);
    }
    return nullptr;
}

/// Outside of a transaction a procedure commits what came before it in the batch, too.
bool may_commit_in_parts(const pg::batch& what)
{
    return std::ranges::any_of(
        what.entries(), [](const pg::statement& entry) { return pg::may_commit_in_parts(entry.sql.text); });
}

bool only_reads(const pg::batch& what)
{
    return std::ranges::all_of(
        what.entries(), [](const pg::statement& entry) { return pg::only_reads(entry.sql.text); });
}

} // namespace

asio::awaitable<pg::batch_answers>
database_core::run_batch(std::shared_ptr<database_core> self, pg::batch what, own_policies retries)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction) {
        note_change(executor, &std::as_const(*around->transaction).root(), "batch", self->options_.name);
        co_return co_await transaction_core::run_batch(around->transaction, std::move(what));
    }
    repeated_call call(*self->retries_, retries.get(), name_of("batch", what.options), what.options.timeout);
    call.facts.idempotent = what.options.idempotent;
    call.facts.in_parts = what.mode() == pg::batch_mode::each_alone || may_commit_in_parts(what);
    for (;;) {
        std::exception_ptr error; // of the batch as a whole
        std::exception_ptr said;  // or of its first entry that failed
        attempt_facts facts{.phase = attempt_phase::acquiring};
        pg::batch_answers answers;
        {
            attempt by;
            lease connection;
            try {
                by = self->begin_attempt();
                connection =
                    co_await wait_for_connection(self, by, call.limit(), user_of("batch", what.options, {}), {});
            }
            catch (...) {
                error = std::current_exception();
                by.failed(error, facts);
            }
            if (connection) {
                note_change(executor, nullptr, "batch", self->options_.name);
                auto once = what;
                once.options.timeout = self->limit_of(call);
                facts.unsent = !connection->is_open();
                const bool limited = self->has_limit(once.options.timeout);
                statement_watch watch(self->monitor_, once);
                watch.runs_on(connection->backend_pid());
                try {
                    answers = co_await connection->run_batch(std::move(once));
                }
                catch (...) {
                    error = std::current_exception();
                }
                watch.ended(answers, error);
                said = error ? error : first_error(answers);
                if (!said) {
                    by.succeeded();
                    co_return answers;
                }
                const bool unsent = facts.unsent;
                // One entry's failure is the attempt's, when it is the database's.
                facts = self->end_batch(by, connection, error, answers, limited);
                facts.unsent = unsent;
            }
        }
        said = said ? said : error;
        call.facts.only_reads = call.facts.only_reads || what.options.only_reads || only_reads(what);
        const auto wait = call.failed(said, facts);
        if (!wait && error)
            std::rethrow_exception(call.last_error(error));
        if (!wait)
            co_return answers;
        co_await call.pause(*wait);
    }
}

attempt_facts database_core::end_batch(
    attempt& by, lease& on, const std::exception_ptr& error, const pg::batch_answers& answers, bool limited)
{
    auto facts = facts_of(*on, limited);
    facts.declared_read_only = wants_standby();
    by.observed(error, facts);
    for (std::size_t i = 0; !error && i < answers.size(); ++i)
        by.observed(answers.error(i), facts);
    by.is_over();
    if (meaning_of(error ? error : first_error(answers), facts).spoils_session)
        on.discard();
    on.reset();
    leave_standbys(error ? error : first_error(answers), facts);
    return facts;
}

} // namespace tradecore::detail
