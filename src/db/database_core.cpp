// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"

#include "db/commenting_connection.hpp"
#include "db/pool_core.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
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
    options.retries.validate();
    demand(!options.name.empty(), "database_options.name must not be empty");
    demand(options.command_timeout.count() >= 0, "database_options.command_timeout must not be negative");
    demand(
        options.command_timeout <= pg::longest_statement_timeout,
        "database_options.command_timeout must not be above 2147483647 ms, PostgreSQL's longest; 0 is no limit");
    constexpr milliseconds longest = std::chrono::hours(24 * 365 * 100); // the clock can hold no more than 292 years
    demand(options.rollback_timeout <= longest, "database_options.rollback_timeout must not be above 100 years");
    demand(options.commit_resolution <= longest, "database_options.commit_resolution must not be above 100 years");
    demand(options.rollback_timeout.count() > 0, "database_options.rollback_timeout must be positive");
    demand(options.commit_resolution.count() >= 0, "database_options.commit_resolution must not be negative");
    demand(options.slow_query.count() >= 0, "database_options.slow_query must not be negative");
    demand(options.long_transaction.count() >= 0, "database_options.long_transaction must not be negative");
}

/// What connections are made with: the server ends statements that take too long.
pg::connect_options with_statement_timeout(const database_options& options)
{
    auto connect = options.connect;
    if (sessions_have_limit(options))
        connect.statement_timeout = options.command_timeout;
    return connect;
}

} // namespace

bool sessions_have_limit(const database_options& options) noexcept
{
    return options.connect.prepared_statements == pg::prepared_statements::named;
}

std::optional<milliseconds> client_limit(milliseconds server_limit)
{
    if (server_limit.count() == 0)
        return std::nullopt;
    const auto more = std::clamp(server_limit / 10, milliseconds(100), milliseconds(1'000));
    return std::min(server_limit, milliseconds::max() - more) + more;
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

database_core::database_core(
    asio::any_io_executor executor, database_options options, connector connect, time_source time)
    : options_(std::move(options)), executor_(without_context(executor))
{
    validate(options_);
    if (!connect)
        connect = make_connector(
            executor_, with_statement_timeout(options_),
            options_.commit_resolution.count() > 0 ? first_question::incarnation : first_question::nothing);
    if (options_.tracer && options_.propagate_trace == trace_propagation::sql_comment)
        connect = commenting(std::move(connect));
    pool_.emplace(executor_, options_.name, options_.pool, std::move(connect));
    monitor_.ask_with(*pool_);
    retries_.emplace(executor_, options_, std::move(time));
    if (options_.breaker_enabled)
        breaker_.emplace(options_.name, options_.breaker, retries_->time().now, [this] { watch_outage(); });
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

std::optional<milliseconds> database_core::limit_of(const repeated_call& call) const
{
    return call.limit().is_never() ? client_limit(options_.command_timeout) : call.time_left();
}

attempt_facts database_core::end_attempt(attempt& by, lease& on, const std::exception_ptr& error, bool limited)
{
    auto facts = facts_of(*on, limited);
    facts.declared_read_only = wants_standby();
    by.failed(error, facts);
    if (meaning_of(error, facts).spoils_session)
        on.discard();
    on.reset();
    leave_standbys(error, facts);
    return facts;
}

void database_core::leave_standbys(const std::exception_ptr& error, const attempt_facts& facts)
{
    if (meaning_of(error, facts).has_lost_primary)
        pool_->evict([](const physical_connection& each) { return each.parameter("in_hot_standby") == "on"; });
}

bool database_core::wants_standby() const noexcept
{
    using enum pg::target_session_attributes;
    const auto wanted = options_.connect.target_session;
    return wanted == standby || wanted == prefer_standby || wanted == read_only;
}

namespace {

struct check_up {
    database_health found{};
    /// Whether it is the server that is waited for.
    bool asked = false;
};

asio::awaitable<void> probe(tradecore::pool& pool, std::shared_ptr<check_up> state, milliseconds limit)
{
    usage user{.kind = "health check", .label = {}, .keeps = {}};
    // The pool gets to say why there is no connection before all the time is over.
    const auto until = resilience::deadline::after(std::chrono::steady_clock::now(), limit - limit / 8).when();
    const auto connection = co_await pool.acquire(std::move(user), until);
    state->asked = true;
    pg::statement question{.sql = {"SELECT pg_catalog.pg_is_in_recovery()", nullptr}, .arguments = {}};
    question.options.timeout = limit;
    const auto answer = co_await connection->run(std::move(question));
    auto* const found = &state->found;
    found->role = answer.at(0, 0).as<bool>() ? "standby" : "primary";
    found->server_version = connection->parameter("server_version");
    found->reachable = true;
}

} // namespace

asio::awaitable<database_health> database_core::health_check(std::shared_ptr<database_core> self, milliseconds limit)
{
    const auto state = std::make_shared<check_up>();
    auto* const found = &state->found;
    found->name = self->options_.name;
    const auto began = clock::now();
    std::exception_ptr cancelled;
    try {
        self->require_available();
        co_await with_timeout(limit, probe(*self->pool_, state, limit));
    }
    catch (const pg::timeout_error& e) {
        found->error = state->asked ? fmt::format("the server has not answered within {} ms", limit.count())
                                    : std::string(e.what());
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

} // namespace tradecore::detail
