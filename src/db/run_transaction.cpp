// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/home.hpp"
#include "db/outside_work.hpp"
#include "db/traced_calls.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// How long after its deadline a body is cancelled: the server ends a statement that runs at the deadline
/// itself, and then the connection can be kept.
constexpr milliseconds cancel_grace{100};

void require_sense(const transaction_options& options)
{
    if (options.max_attempts && *options.max_attempts < 1)
        throw std::invalid_argument("transaction_options.max_attempts must be at least 1");
    if (options.retries)
        options.retries->validate();
    if (options.timeout && options.timeout->count() <= 0)
        throw std::invalid_argument("transaction_options.timeout must be positive");
}

void require_same_mode(
    const transaction_options& nested, const transaction_options& outermost, const std::string& database)
{
    const auto demand = [&](bool holds, const char* problem) {
        if (!holds)
            throw std::invalid_argument(fmt::format(
                "transaction '{}' of '{}', nested in '{}', cannot {}", nested.name, database, outermost.name, problem));
    };
    demand(!nested.isolation || nested.isolation == outermost.isolation, "have an isolation level of its own");
    demand(!nested.read_only || outermost.read_only, "be read-only in one that is not");
    demand(!nested.deferrable || outermost.deferrable, "be deferrable in one that is not");
}

/// @returns the policies of a transaction.
resilience::retry_policies policies_for(const transaction_options& options, const database_options& defaults)
{
    auto policies = options.retries.value_or(defaults.retries);
    if (options.max_attempts) {
        policies.conflict.max_attempts = *options.max_attempts;
        policies.outage.max_attempts = std::min(policies.outage.max_attempts, *options.max_attempts);
    }
    return policies;
}

asio::awaitable<void> spawn_on(asio::any_io_executor executor, asio::awaitable<void> work)
{
    co_await asio::co_spawn(executor, std::move(work), asio::use_awaitable);
}

asio::awaitable<void> call(erased_body body)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await body();
}

[[noreturn]] void throw_timeout(
    const transaction_options& options, const std::string& database, const std::exception_ptr& why, bool was_ended)
{
    try {
        std::rethrow_exception(why);
    }
    catch (...) {
        std::throw_with_nested(pg::timeout_error(fmt::format(
            "transaction '{}' of '{}' was not finished within {} ms and {}", options.name, database,
            options.timeout->count(),
            was_ended ? "had been ended by a statement in its body before" : "was rolled back")));
    }
}

/// Whether an error is what passing a deadline looks like from below.
bool is_caused_by_deadline(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& e) {
        return e.code() == pg::disposition::canceled || e.code() == pg::disposition::timeout;
    }
    catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    }
    catch (...) {
        return false;
    }
}

asio::awaitable<void> run_attempts(std::shared_ptr<database_core> core, erased_body body, transaction_options options)
{
    using clock = database_core::clock;
    core->require_available();
    require_sense(options);
    const auto executor = co_await asio::this_coro::executor;
    const auto around = core->scope_of(executor);
    const auto outer = around ? around->transaction : nullptr;
    if (outer)
        require_same_mode(options, std::as_const(*outer).root().options(), core->options().name);
    else
        core->require_another_connection(around.get());
    std::optional<clock::time_point> deadline;
    if (options.timeout)
        deadline = resilience::deadline::after(clock::now(), *options.timeout).when();
    const auto policies = policies_for(options, core->options());
    std::optional<repeated_call> call; // a nested level is not repeated by itself
    if (!outer) {
        call.emplace(core->retries(), &policies, options.name, options.timeout);
        call->facts = {
            .is_transaction = true,
            .idempotent = options.idempotent,
            .repeats_lock_timeouts = options.repeat_lock_timeouts};
    }
    const auto enclosing = body_around(executor);

    for (;;) {
        const auto current = make_for<transaction_core>(*core, core, outer, options, deadline);
        auto inside = core->enter(executor, std::make_shared<scope>(scope{current, around, core}));
        const auto running = std::make_shared<running_body>(current.get(), enclosing);
        if (call)
            inside = enter_body(inside, running);
        std::exception_ptr error;
        try {
            auto work = spawn_on(inside, transaction_core::drive(current, body));
            if (deadline)
                co_await run_with_limit(
                    resilience::saturating_sum(*deadline - clock::now(), cancel_grace), std::move(work));
            else
                co_await std::move(work);
        }
        catch (...) {
            error = std::current_exception();
        }
        const auto& failure = current->failure();
        const bool has_changed = error ? failure.in_doubt : !current->wrote_nothing();
        if (call && !options.read_only && has_changed)
            note_change(enclosing.get(), nullptr, "transaction", core->options().name);
        if (!error)
            co_return;
        if (current->error())
            error = current->error(); // without the wrapping of the limit
        const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
        if (cancelled != asio::cancellation_type::none)
            std::rethrow_exception(error);
        const bool late = deadline && clock::now() >= *deadline;
        if (late && is_caused_by_deadline(error))
            throw_timeout(options, core->options().name, error, failure.in_doubt);
        if (late || !call || !failure.cause)
            std::rethrow_exception(error);
        core->leave_standbys(failure.cause, failure.facts);
        call->facts.in_doubt = failure.in_doubt;
        call->set_outside_work(running->changed_outside());
        const auto wait = call->failed(failure.cause, failure.facts);
        if (!wait)
            std::rethrow_exception(call->last_error(error));
        call->note_repetition(executor, failure.cause, *wait);
        co_await call->pause(*wait);
    }
}

asio::awaitable<void> leave_transaction(std::shared_ptr<database_core> core, erased_body body)
{
    core->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = core->scope_of(executor);
    core->require_another_connection(around.get());
    const auto inside = core->enter(executor, std::make_shared<scope>(scope{nullptr, around, core}));
    co_await asio::co_spawn(inside, call(std::move(body)), asio::use_awaitable);
}

// --- from elsewhere: what is the database's is done at its home, the body where it is called ------------------------

/// @returns `body` as it can be called at home.
erased_body carry_back(erased_body body, const asio::any_io_executor& caller)
{
    // On a strand, since the transaction cancels it: at its deadline, or when the caller is cancelled.
    return [body = std::move(body), where = serial_on(caller)] { return run_on(where, call(body)); };
}

asio::awaitable<void>
run_transaction_at_home(std::shared_ptr<database_core> core, erased_body body, transaction_options options)
{
    const auto caller = co_await asio::this_coro::executor;
    if (!is_home(caller, *core))
        body = carry_back(std::move(body), caller);
    auto attempts = run_attempts(core, std::move(body), options);
    co_await at_home(core, traced_calls::transaction(core, options.name, std::move(attempts)));
}

asio::awaitable<void> leave_transaction_at_home(std::shared_ptr<database_core> core, erased_body body)
{
    const auto caller = co_await asio::this_coro::executor;
    if (!is_home(caller, *core))
        body = carry_back(std::move(body), caller);
    co_await at_home(core, leave_transaction(core, std::move(body)));
}

} // namespace

asio::awaitable<void>
run_transaction(std::shared_ptr<database_core> core, erased_body body, transaction_options options)
{
    if (has_home(*core)) [[unlikely]]
        return run_transaction_at_home(std::move(core), std::move(body), options);
    return traced_calls::transaction(core, options.name, run_attempts(core, std::move(body), options));
}

asio::awaitable<void> run_outside(std::shared_ptr<database_core> core, erased_body body)
{
    if (has_home(*core)) [[unlikely]]
        return leave_transaction_at_home(std::move(core), std::move(body));
    return leave_transaction(std::move(core), std::move(body));
}

} // namespace tradecore::detail
