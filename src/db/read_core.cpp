// SPDX-License-Identifier: Apache-2.0
#include "db/read_core.hpp"

#include "db/home.hpp"
#include "db/read_meaning.hpp"
#include "db/read_position.hpp"

#include <tradecore/observe/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <stdexcept>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// How long the primary may take to say where it is; the answer is worth less the longer it takes.
constexpr milliseconds limit_of_question{5'000};

void demand(bool holds, const char* problem)
{
    if (!holds)
        throw std::invalid_argument(problem);
}

void validate(const database_options& options)
{
    using enum pg::target_session_attributes;
    const auto& wanted = options.standbys;
    const auto target = options.connect.target_session;
    wanted.pool.validate();
    demand(wanted.pool.minimum == 0, "standby_options.pool.minimum must be 0: reads make the connections they want");
    demand(wanted.patience.count() > 0, "standby_options.patience must be positive");
    demand(
        !wanted.hosts.empty() || target == read_write || target == primary,
        "database_options.standbys needs target_session_attrs to be read-write or primary, so that the database itself "
        "is the primary, or hosts of their own");
    demand(
        options.connect.prepared_statements == pg::prepared_statements::named,
        "database_options.standbys cannot be used through a pooler that gives each transaction another server: what "
        "was asked of one would be believed of another");
}

database_options options_for_standbys(const database_options& of)
{
    auto options = of;
    options.name += "/standby";
    if (!of.standbys.hosts.empty())
        options.connect.hosts = of.standbys.hosts;
    options.connect.target_session = pg::target_session_attributes::standby;
    options.connect.load_balancing = pg::load_balance::random;
    options.pool = of.standbys.pool;
    options.commit_resolution = milliseconds(0);
    options.standbys = {};
    // What a standby does not do the primary does, at once.
    options.retries.outage.max_attempts = 1;
    options.retries.conflict.max_attempts = 1;
    return options;
}

bool is_no_standby(const physical_connection& on)
{
    return on.parameter("in_hot_standby") == "off";
}

/// Counts why a read goes to the primary.
void go_to_primary(read_call& of, std::uint64_t& counter, const char* why, std::exception_ptr error = {}) noexcept
{
    ++counter;
    of.why = why;
    of.error = std::move(error);
}

} // namespace

std::shared_ptr<read_core>
read_core::make(const std::shared_ptr<database_core>& primary, connector to_standbys, time_source time)
{
    const auto& options = primary->options();
    if (!options.standbys.enabled)
        return nullptr;
    validate(options);
    auto standbys = make_for<database_core>(
        *primary, primary->pool_executor(), options_for_standbys(options), std::move(to_standbys), std::move(time));
    return make_for<read_core>(*primary, primary, std::move(standbys));
}

asio::awaitable<void> read_core::open(std::shared_ptr<read_core> self)
{
    co_await database_core::open(self->primary_);
    co_await database_core::open(self->standbys_); // makes no connection
}

asio::awaitable<void> read_core::close(std::shared_ptr<read_core> self, milliseconds limit)
{
    const auto end = resilience::saturating_sum(resilience::clock::now(), resilience::saturate(limit));
    co_await database_core::close(self->standbys_, limit);
    const auto left = std::chrono::duration_cast<milliseconds>(end - resilience::clock::now());
    co_await database_core::close(self->primary_, std::max(left, milliseconds(0)));
}

// --- what is known of the primary ----------------------------------------------------------------------------------

void read_core::keep_asking_primary(duration bound)
{
    if (freshness_.begin_question(now(), bound))
        asio::co_spawn(primary_->pool_executor(), ask_primary(shared_from_this()), asio::detached);
}

asio::awaitable<void> read_core::ask_primary(std::shared_ptr<read_core> self)
{
    static const auto once = [] {
        resilience::retry_policies policies;
        policies.outage.max_attempts = 1;
        policies.conflict.max_attempts = 1;
        return std::make_shared<const resilience::retry_policies>(policies);
    }();
    std::optional<log_position> found;
    const auto asked = self->now();
    try {
        pg::statement question{.sql = {question_to_primary, nullptr}, .arguments = {}};
        question.options = {.timeout = limit_of_question, .idempotent = false, .name = "position of the primary"};
        found = position_in(co_await database_core::run(self->primary_, std::move(question), once));
    }
    catch (const std::exception& failed) { // reads go to the primary then, and are told themselves
        observe::log(observe::level::debug, "the primary does not say where it is", {{"error", failed.what()}});
    }
    if (found)
        self->freshness_.primary_was(asked, *found);
    else
        self->freshness_.question_failed();
}

// --- what is known of standbys -------------------------------------------------------------------------------------

asio::awaitable<void>
read_core::ask_standby(physical_connection& on, std::optional<milliseconds> limit, found_position found)
{
    pg::call_options options;
    options.timeout = limit.value_or(limit_of_question);
    try {
        // In one message, so that what is sent behind it runs behind it, prepared or not; and a transaction of its own,
        // so that what is sent behind it sees what this has seen replayed, whatever the isolation.
        const auto answers = co_await on.run_script({question_to_standby, nullptr}, options);
        if (answers.size() == 1)
            *found = position_in(answers.front());
    }
    catch (const pg::error& failed) {
        observe::log(observe::level::debug, "a standby does not say where it is", {{"error", failed.what()}});
    }
}

bool read_core::is_new_enough(const visit& at) noexcept
{
    const auto& since = at.at->has_all_before;
    return !at.bound || (since && resilience::saturating_sum(*since, *at.bound) >= at.sent);
}

bool read_core::learn(visit& at, const std::optional<log_position>& replayed)
{
    const auto since = replayed ? freshness_.has_all_before(*replayed) : std::nullopt;
    auto& known = at.at->has_all_before;
    if (since && (!known || *known < *since))
        known = since;
    const bool is_new = is_new_enough(at);
    if (is_new)
        freshness_.found_new(at.server, *at.bound);
    else if (at.at->is_open())
        freshness_.found_old(at.server, at.sent, *at.bound);
    return is_new;
}

// --- one read ------------------------------------------------------------------------------------------------------

std::optional<milliseconds> read_core::time_left(const visit& of) const
{
    if (of.limit.is_never())
        return client_limit(primary_->options().command_timeout);
    return std::max(std::chrono::duration_cast<milliseconds>(of.limit.remaining(now())), milliseconds(1));
}

asio::awaitable<lease>
read_core::take_connection(std::shared_ptr<read_core> self, resilience::deadline limit, usage user)
{
    auto& pool = self->standbys_->pool();
    auto found = pool.try_acquire(user);
    const auto stats = pool.stats();
    if (found || stats.active >= stats.maximum)
        co_return found;
    const auto patience = resilience::saturate(self->primary_->options().standbys.patience);
    const auto until = resilience::saturating_sum(resilience::clock::now(), patience);
    co_return co_await pool.acquire(std::move(user), std::min(until, limit.when()));
}

asio::awaitable<bool> read_core::begin(std::shared_ptr<read_core> self, read_call& of, visit& at, usage user)
{
    auto& counted = self->counted_;
    if (of.how.max_staleness) {
        at.bound = resilience::saturate(*of.how.max_staleness);
        if (*at.bound <= duration(0)) {
            of.why = "nothing may be old at all";
            co_return false;
        }
        self->keep_asking_primary(*at.bound);
        // Then no connection can be new enough either: what is known of them is no newer.
        if (!self->freshness_.can_prove(self->now(), *at.bound)) {
            go_to_primary(of, counted.not_known, "the primary has not said lately where it is");
            co_return false;
        }
    }
    std::exception_ptr error;
    try {
        at.by = self->standbys_->begin_attempt();
        at.limit = resilience::tightest(of.limit, at.by.limit());
        at.connection = co_await take_connection(self, at.limit, std::move(user));
    }
    catch (...) {
        error = std::current_exception();
        at.by.failed(error, {.phase = attempt_phase::acquiring});
    }
    if (error && !is_of_database(error))
        std::rethrow_exception(error); // the caller has been cancelled
    if (error)
        go_to_primary(of, counted.unavailable, "no standby can be reached", error);
    else if (!at.connection)
        go_to_primary(of, counted.busy, "all connections to standbys are in use");
    if (!at.connection)
        co_return false;
    at.at = &*at.connection;
    at.server = at.at->host();
    at.sent = self->now();
    if (is_new_enough(at))
        co_return true;
    co_return co_await prove(self, of, at);
}

asio::awaitable<bool> read_core::prove(std::shared_ptr<read_core> self, read_call& of, visit& at)
{
    using approach = read_freshness::approach;
    auto& counted = self->counted_;
    const auto how = self->freshness_.approach_to(at.server, at.sent, *at.bound);
    if (how == approach::not_now) {
        go_to_primary(of, counted.too_old, "the standby was too far behind a moment ago");
        co_return false;
    }
    at.replayed = std::make_shared<std::optional<log_position>>();
    at.asks = how == approach::together && of.may_be_dropped;
    if (at.asks)
        co_return true;
    co_await ask_standby(*at.at, self->time_left(at), at.replayed);
    if (self->learn(at, *at.replayed))
        co_return true;
    if (is_no_standby(*at.at))
        at.connection.discard();
    go_to_primary(of, counted.too_old, "the standby is too far behind");
    co_return false;
}

bool read_core::end(read_call& of, visit& at, const std::exception_ptr& error)
{
    const bool is_proven = !at.asks || learn(at, *at.replayed);
    const bool was_probe = at.by.is_probe();
    auto facts = facts_of(*at.at, time_left(at).has_value());
    facts.declared_read_only = true;
    if (error)
        at.by.failed(error, facts);
    else
        at.by.succeeded();
    // One that was promoted is left; what it has said is as good as ever.
    const bool is_promoted = is_no_standby(*at.at);
    if (error && meaning_of(error, facts).spoils_session)
        at.connection.discard();
    at.connection.reset();
    if (is_promoted)
        standbys_->pool().evict(&is_no_standby);

    if (error && !is_of_database(error))
        std::rethrow_exception(error);
    // A probe's time may be shorter than the caller's.
    if (error && (is_worth_the_primary(error) || (was_probe && is_timeout(error)))) {
        go_to_primary(of, counted_.failed, "the standby failed", error);
        return false;
    }
    if (!is_proven) {
        ++counted_.dropped;
        go_to_primary(of, counted_.too_old, "the standby is too far behind");
        return false;
    }
    if (error)
        std::rethrow_exception(with_reason(error));
    ++counted_.at_standby;
    return true;
}

} // namespace tradecore::detail
