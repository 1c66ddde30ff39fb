// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"

#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

void validate(const database_options& options)
{
    const auto demand = [](bool holds, const char* problem) {
        if (!holds)
            throw std::invalid_argument(problem);
    };
    options.pool.validate();
    demand(!options.name.empty(), "database_options.name must not be empty");
    demand(options.command_timeout.count() >= 0, "database_options.command_timeout must not be negative");
    demand(options.rollback_timeout.count() > 0, "database_options.rollback_timeout must be positive");
    demand(options.slow_query.count() >= 0, "database_options.slow_query must not be negative");
    demand(options.long_transaction.count() >= 0, "database_options.long_transaction must not be negative");
}

/// What connections are made with: the server ends statements that take too long.
pg::connect_options with_statement_timeout(const database_options& options)
{
    auto connect = options.connect;
    connect.statement_timeout = options.command_timeout;
    return connect;
}

} // namespace

std::optional<milliseconds> client_limit(milliseconds server_limit)
{
    if (server_limit.count() == 0)
        return std::nullopt;
    return server_limit + std::clamp(server_limit / 10, milliseconds(100), milliseconds(1'000));
}

usage usage_of(const pg::statement& what)
{
    if (!what.options.name.empty())
        return {.kind = "statement", .label = what.options.name, .keeps = {}, .where = what.sql.where};
    return {.kind = "statement", .label = what.sql.text, .keeps = what.sql.owner, .where = what.sql.where};
}

database_core::database_core(std::string name, std::exception_ptr why)
{
    unavailable_ = std::move(why);
    options_.name = std::move(name);
}

database_core::database_core(asio::any_io_executor executor, database_options options, connector connect)
    : options_(std::move(options)), executor_(without_context(executor))
{
    validate(options_);
    if (!connect)
        connect = make_connector(executor_, with_statement_timeout(options_));
    pool_.emplace(executor_, options_.name, options_.pool, std::move(connect));
    if (options_.breaker_enabled)
        breaker_.emplace(options_.name, options_.breaker, [this] { watch_outage(); });
}

database_core::~database_core()
{
    end_probing();
}

attempt database_core::begin_attempt()
{
    // One that is closed says so, whatever its breaker thought at the end.
    if (!breaker_ || (breaker_->state() != resilience::breaker_state::closed && !pool_->is_open()))
        return {};
    return breaker_->begin();
}

void database_core::require_available() const
{
    if (unavailable_)
        std::rethrow_exception(unavailable_);
}

void database_core::require_another_connection(const scope* from) const
{
    std::size_t held = 0;
    for (; from != nullptr; from = from->enclosing.get()) {
        if (from->transaction && from->transaction->holds_connection())
            ++held;
    }
    if (held < options_.pool.maximum)
        return;
    throw waits_for_itself(fmt::format(
        "pool '{}': all {} connections are held by the transactions this call is inside of, so waiting for another "
        "one would never end",
        options_.name, options_.pool.maximum));
}

asio::any_io_executor database_core::enter(const asio::any_io_executor& executor, std::shared_ptr<scope> inner) const
{
    return with_context(executor, ambient_.set(context_of(executor), std::move(inner)));
}

asio::awaitable<void> database_core::open(std::shared_ptr<database_core> self)
{
    self->require_available();
    co_await self->pool_->open();
    self->watch_outage();
}

asio::awaitable<void> database_core::close(std::shared_ptr<database_core> self, milliseconds limit)
{
    self->end_probing();
    if (self->pool_)
        co_await self->pool_->close(limit);
}

asio::awaitable<pg::result> database_core::run(std::shared_ptr<database_core> self, pg::statement what)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction)
        co_return co_await transaction_core::run(around->transaction, std::move(what));

    auto attempt = self->begin_attempt();
    std::optional<clock::time_point> deadline;
    if (what.options.timeout)
        deadline = clock::now() + *what.options.timeout;
    attempt.tighten(deadline);
    lease connection = self->pool_->try_acquire(usage_of(what));
    if (!connection) {
        self->require_another_connection(around.get());
        try {
            connection = co_await self->pool_->acquire(usage_of(what), deadline);
        }
        catch (...) {
            attempt.got_no_connection();
        }
    }
    if (deadline)
        what.options.timeout =
            std::max(std::chrono::duration_cast<milliseconds>(*deadline - clock::now()), milliseconds(1));
    else
        what.options.timeout = client_limit(self->options_.command_timeout);
    const bool limited = what.options.timeout.has_value();

    statement_watch watch(self->monitor_, what);
    pg::result answer;
    std::exception_ptr error;
    try {
        answer = co_await connection->run(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(answer, error);
    if (error)
        attempt.failed(error, facts_of(*connection, limited));
    else
        attempt.succeeded();
    if (error)
        std::rethrow_exception(error);
    co_return answer;
}

asio::awaitable<std::vector<pg::result>>
database_core::run_script(std::shared_ptr<database_core> self, sql_text text, pg::call_options options)
{
    self->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = self->scope_of(executor);
    if (around && around->transaction)
        co_return co_await transaction_core::run_script(around->transaction, std::move(text), options);

    auto attempt = self->begin_attempt();
    usage user{.kind = "script", .label = options.name, .keeps = {}, .where = text.where};
    const lease connection = co_await take_connection(self, attempt, std::move(user), options);
    const bool limited = self->has_limit(options);
    statement_watch watch(self->monitor_, "SCRIPT", text, options.name);
    std::vector<pg::result> answers;
    try {
        answers = co_await connection->run_script(std::move(text), options);
    }
    catch (...) {
        watch.ended(0, std::current_exception());
        attempt.was_ended(*connection, limited);
    }
    watch.ended(0, nullptr);
    attempt.succeeded();
    co_return answers;
}

namespace {

asio::awaitable<void> probe(tradecore::pool& pool, std::shared_ptr<database_health> found, milliseconds limit)
{
    usage user{.kind = "health check", .label = {}, .keeps = {}};
    const auto connection = co_await pool.acquire(std::move(user), std::chrono::steady_clock::now() + limit);
    pg::statement question{.sql = {"SELECT pg_catalog.pg_is_in_recovery()", nullptr}, .arguments = {}};
    question.options.timeout = limit;
    const auto answer = co_await connection->run(std::move(question));
    found->role = answer.at(0, 0).as<bool>() ? "standby" : "primary";
    found->server_version = connection->parameter("server_version");
    found->reachable = true;
}

} // namespace

asio::awaitable<database_health> database_core::health_check(std::shared_ptr<database_core> self, milliseconds limit)
{
    const auto found = std::make_shared<database_health>();
    found->name = self->options_.name;
    const auto began = clock::now();
    std::exception_ptr cancelled;
    try {
        self->require_available();
        co_await with_timeout(limit, probe(*self->pool_, found, limit));
    }
    catch (const pg::error& e) {
        found->error = e.what();
    }
    catch (...) {
        cancelled = std::current_exception(); // or out of memory: nothing the database said
    }
    if (cancelled)
        std::rethrow_exception(cancelled);
    found->latency = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - began);
    found->breaker = self->breaker_state();
    if (self->pool_)
        found->pool_info = self->pool_->stats();
    co_return std::move(*found);
}

// --- transactions ----------------------------------------------------------------------------------

namespace {

constexpr milliseconds first_pause{10};
constexpr milliseconds longest_pause{250};
/// How long after its deadline a body is cancelled: the server ends a statement that runs at the deadline
/// itself, and then the connection can be kept.
constexpr milliseconds cancel_grace{100};

void require_sense(const transaction_options& options)
{
    if (options.max_attempts < 1)
        throw std::invalid_argument("transaction_options.max_attempts must be at least 1");
    if (options.timeout && options.timeout->count() <= 0)
        throw std::invalid_argument("transaction_options.timeout must be positive");
}

void require_same_mode(const transaction_options& nested, const transaction_options& outermost)
{
    if (nested.isolation && nested.isolation != outermost.isolation)
        throw std::invalid_argument("a nested transaction cannot have another isolation level than the outermost");
    if (nested.read_only && !outermost.read_only)
        throw std::invalid_argument("a nested transaction cannot be read-only in one that is not");
    if (nested.deferrable && !outermost.deferrable)
        throw std::invalid_argument("a nested transaction cannot be deferrable in one that is not");
}

/// Whether a failure goes away by running the transaction again.
bool is_worth_repeating(const transaction_failure& failure)
{
    if (!failure.cause || failure.in_doubt)
        return false;
    try {
        std::rethrow_exception(failure.cause);
    }
    catch (const pg::server_error& e) {
        return e.state() == pg::sqlstate("40001") || e.state() == pg::sqlstate("40P01");
    }
    catch (...) {
        return false;
    }
}

/// The pause before attempt `next`, counted from 1: the second is made at once, because the other side of a
/// conflict has got what it wanted; then U(0, 10 ms · 2ⁿ), at most 250 ms.
milliseconds pause_before(int next)
{
    if (next <= 2)
        return milliseconds(0);
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto limit = std::min(longest_pause, first_pause * (1 << std::min(next - 3, 10)));
    return milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, limit.count())(random));
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

[[noreturn]] void
throw_timeout(const transaction_options& options, const std::string& database, const std::exception_ptr& why)
{
    try {
        std::rethrow_exception(why);
    }
    catch (...) {
        std::throw_with_nested(pg::timeout_error(fmt::format(
            "transaction '{}' of '{}' was not finished within {} ms and was rolled back", options.name, database,
            options.timeout->count())));
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

} // namespace

asio::awaitable<void>
run_transaction(std::shared_ptr<database_core> core, erased_body body, transaction_options options)
{
    using clock = database_core::clock;
    core->require_available();
    require_sense(options);
    const auto executor = co_await asio::this_coro::executor;
    const auto around = core->scope_of(executor);
    const auto outer = around ? around->transaction : nullptr;
    if (outer)
        require_same_mode(options, std::as_const(*outer).root().options());
    else
        core->require_another_connection(around.get());
    std::optional<clock::time_point> deadline;
    if (options.timeout)
        deadline = clock::now() + *options.timeout;

    for (int attempt = 1;; ++attempt) {
        const auto current = std::make_shared<transaction_core>(core, outer, options, deadline);
        const auto inside = core->enter(executor, std::make_shared<scope>(scope{current, around, core}));
        std::exception_ptr error;
        try {
            auto work = spawn_on(inside, transaction_core::drive(current, body));
            if (deadline)
                co_await run_with_limit(*deadline - clock::now() + cancel_grace, std::move(work));
            else
                co_await std::move(work);
            co_return;
        }
        catch (...) {
            error = std::current_exception();
        }
        if (current->error())
            error = current->error(); // without the wrapping of the limit
        const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
        if (cancelled != asio::cancellation_type::none)
            std::rethrow_exception(error);
        const bool late = deadline && clock::now() >= *deadline;
        if (late && is_caused_by_deadline(error))
            throw_timeout(options, core->options().name, error);
        if (late || outer || attempt >= options.max_attempts || !is_worth_repeating(current->failure()))
            std::rethrow_exception(error);
        if (const auto pause = pause_before(attempt + 1); pause.count() > 0) {
            asio::steady_timer timer(core->pool_executor(), pause);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }
}

asio::awaitable<void> run_outside(std::shared_ptr<database_core> core, erased_body body)
{
    core->require_available();
    const auto executor = co_await asio::this_coro::executor;
    const auto around = core->scope_of(executor);
    core->require_another_connection(around.get());
    const auto inside = core->enter(executor, std::make_shared<scope>(scope{nullptr, around, core}));
    co_await asio::co_spawn(inside, call(std::move(body)), asio::use_awaitable);
}

} // namespace tradecore::detail
