// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/breaker_guard.hpp"
#include "db/known_statements.hpp"
#include "db/repeated_call.hpp"
#include "db/statement_monitor.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/database.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::detail {

class transaction_core;

/// What the ambient context has for one database: the transaction the verbs use.
struct scope {
    /// Null: outside of every transaction.
    std::shared_ptr<transaction_core> transaction;
    std::shared_ptr<const scope> enclosing;
    /// The context's key is a member of the database, so it lives as long as any context does.
    std::shared_ptr<database_core> database;
};

/// A call's own policies; null for the database's.
using own_policies = std::shared_ptr<const resilience::retry_policies>;

/// The database behind its handles.
class database_core final : public std::enable_shared_from_this<database_core> {
public:
    using clock = std::chrono::steady_clock;

    /// Not there: every use throws `why`.
    database_core(std::string name, std::exception_ptr why);
    database_core(boost::asio::any_io_executor executor, database_options options, connector connect, time_source time);
    database_core(const database_core&) = delete;
    database_core& operator=(const database_core&) = delete;
    database_core(database_core&&) = delete;
    database_core& operator=(database_core&&) = delete;
    ~database_core();

    // Coroutines take the core by value: their frames keep it.
    static boost::asio::awaitable<void> open(std::shared_ptr<database_core> self);
    static boost::asio::awaitable<void> close(std::shared_ptr<database_core> self, std::chrono::milliseconds limit);
    static boost::asio::awaitable<pg::result>
    run(std::shared_ptr<database_core> self, pg::statement what, own_policies retries = {});
    // database_bulk.cpp
    static boost::asio::awaitable<pg::batch_answers>
    run_batch(std::shared_ptr<database_core> self, pg::batch what, own_policies retries = {});
    static boost::asio::awaitable<std::uint64_t>
    run_many(std::shared_ptr<database_core> self, pg::repeated_statement what, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> open_cursor(
        std::shared_ptr<database_core> self, pg::statement what, pg::cursor_options how, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(std::shared_ptr<database_core> self, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(std::shared_ptr<database_core> self, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<pg::listener>
    listen(std::shared_ptr<database_core> self, std::string channel, pg::listen_options options);
    static boost::asio::awaitable<std::vector<pg::result>>
    run_script(std::shared_ptr<database_core> self, sql_text text, pg::call_options options);
    static boost::asio::awaitable<database_health>
    health_check(std::shared_ptr<database_core> self, std::chrono::milliseconds limit);

    /// Asks the breaker; once for each attempt, before anything of it is done.
    /// @returns an attempt; an empty one when there is no breaker, or no database.
    /// @throws circuit_open.
    [[nodiscard]] attempt begin_attempt();
    /// @returns what the calls of this database share for their repetitions; there is none without a database.
    [[nodiscard]] retry_surroundings& retries() noexcept { return *retries_; }
    /// Lets go of the connections to servers that are no primary any more, when an error says that there are such.
    void leave_standbys(const std::exception_ptr& error, const attempt_facts& facts);
    /// @returns whether servers are wanted that take no writes.
    [[nodiscard]] bool wants_standby() const noexcept;
    [[nodiscard]] std::optional<resilience::breaker_state> breaker_state() const noexcept
    {
        return breaker_ ? std::optional(breaker_->state()) : std::nullopt;
    }

    [[nodiscard]] retry_statistics counted_retries() const noexcept
    {
        return retries_ ? retries_->statistics() : retry_statistics();
    }
    [[nodiscard]] std::optional<breaker_statistics> counted_by_breaker() const noexcept
    {
        return breaker_ ? std::optional(breaker_->statistics()) : std::nullopt;
    }

    /// @throws what makes the database unusable.
    void require_available() const;
    /// @throws waits_for_itself when the transactions around `from` hold every connection there may be.
    void require_another_connection(const scope* from) const;
    [[nodiscard]] std::shared_ptr<scope> scope_of(const boost::asio::any_io_executor& executor) const
    {
        return ambient_.get(executor);
    }
    /// @returns `executor` with `inner` as what the verbs see.
    [[nodiscard]] boost::asio::any_io_executor
    enter(const boost::asio::any_io_executor& executor, std::shared_ptr<scope> inner) const;

    [[nodiscard]] const database_options& options() const noexcept { return options_; }
    [[nodiscard]] statement_monitor& monitor() noexcept { return monitor_; }
    [[nodiscard]] tradecore::pool& pool()
    {
        require_available();
        return *pool_;
    }
    [[nodiscard]] const tradecore::pool* existing_pool() const noexcept { return pool_ ? &*pool_ : nullptr; }

    /// Where connections and time limits live; carries no transaction.
    [[nodiscard]] const boost::asio::any_io_executor& pool_executor() const noexcept { return executor_; }

private:
    // database_bulk.cpp
    /// Does `step` on a connection, again and again as long as the call may be repeated.
    /// @param step callable with a `lease&` and the time that is left; returns `awaitable<Answer>`. May keep the
    ///        connection when it succeeds.
    /// @param sql of a single statement, else empty.
    template <class Answer, class Step>
    [[nodiscard]] static boost::asio::awaitable<Answer> repeat(
        std::shared_ptr<database_core> self, repeated_call& call, usage user, std::string_view sql, const Step& step);
    // database_statement.cpp
    /// @returns what a statement may have of a connection that others use, too.
    [[nodiscard]] share share_for(const pg::statement& what, const attempt& by, known_statement& known) const noexcept;
    [[nodiscard]] bool is_in_transaction(const boost::asio::any_io_executor& executor) const
    {
        const auto* const inner = ambient_.find(executor);
        return inner != nullptr && inner->transaction;
    }
    [[nodiscard]] boost::asio::awaitable<pg::result>
    run_inside(const boost::asio::any_io_executor& executor, pg::statement& what);
    /// Takes a connection for a statement if there is one for it now; else `into` has what to wait for. What was sent
    /// away from others has its place in line there before.
    /// @returns the time.
    clock::time_point take_at_once(lease& into, pg::statement& what, const attempt& by);
    /// An attempt has failed: waits until there is to be another.
    /// @param call made when it is null: at the first failure.
    /// @param on what the attempt was on, given back. @throws the error when there is no other attempt.
    [[nodiscard]] boost::asio::awaitable<void> another_attempt(
        std::unique_ptr<repeated_call>& call, const own_policies& policies, pg::statement& what,
        resilience::deadline limit, const std::exception_ptr& error, const attempt_facts& facts, lease& on);
    [[nodiscard]] static boost::asio::awaitable<lease> wait_in_line(
        const std::shared_ptr<database_core>& self, const attempt& by, resilience::deadline limit,
        const pg::statement& what, const share& wanted);
    [[nodiscard]] static boost::asio::awaitable<lease> wait_for_connection(
        std::shared_ptr<database_core> self, const attempt& by, resilience::deadline limit, usage user, share wanted);
    /// @returns what is left for a statement of an attempt.
    [[nodiscard]] std::optional<std::chrono::milliseconds> limit_of(const attempt& by, resilience::deadline call) const;
    /// The same of a command that may take long, which is not cut short for being a probe.
    [[nodiscard]] std::optional<std::chrono::milliseconds> limit_of(const repeated_call& call) const;
    /// Tells the breaker what ended an attempt on an established connection.
    attempt_facts end_attempt(attempt& by, lease& on, const std::exception_ptr& error, bool limited);
    /// The same of a batch, where `error` may be null and an entry's counts.
    attempt_facts
    end_batch(attempt& by, lease& on, const std::exception_ptr& error, const pg::batch_answers& answers, bool limited);
    /// @returns whether the server or the client ends a call that takes too long.
    [[nodiscard]] bool has_limit(std::optional<std::chrono::milliseconds> timeout) const noexcept
    {
        return timeout.has_value() || options_.command_timeout.count() > 0;
    }

    // database_probe.cpp
    class outage_watch;
    class probing;
    void watch_outage();
    void end_probing() noexcept;
    [[nodiscard]] static boost::asio::awaitable<void> run_probes(std::weak_ptr<database_core> of);
    [[nodiscard]] static boost::asio::awaitable<void> probe_once(std::shared_ptr<database_core> self);

    database_options options_;
    boost::asio::any_io_executor executor_;
    statement_monitor monitor_{options_, executor_};
    std::optional<tradecore::pool> pool_;
    std::exception_ptr unavailable_;
    context_var<scope> ambient_;
    std::optional<retry_surroundings> retries_;
    known_statements known_;
    std::optional<breaker_guard> breaker_;
    // Of the coroutine that probes while callers are refused, when there is one.
    boost::asio::steady_timer* next_probe_ = nullptr;
    physical_connection* probing_ = nullptr;
};

/// @returns whether sessions begin with the command timeout as their `statement_timeout`. A pooler that gives each
/// transaction another server connection cannot promise that, and refuses the start-up that asks for it.
[[nodiscard]] bool sessions_have_limit(const database_options& options) noexcept;

/// The client's limit for a statement the server ends after `server_limit`: a little later, so that the
/// server's answer comes first. @returns nothing for no limit (0).
[[nodiscard]] std::optional<std::chrono::milliseconds> client_limit(std::chrono::milliseconds server_limit);

/// @returns the name of a statement, else its SQL, for messages.
[[nodiscard]] usage usage_of(const pg::statement& what);

} // namespace tradecore::detail
