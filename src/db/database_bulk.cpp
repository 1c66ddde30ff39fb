// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/leased_cursor.hpp"
#include "db/outside_work.hpp"
#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// A COPY or a listener with the connection it keeps; gives it back at its end.

class leased_copy_in final : public pg::detail::copy_in_core, public std::enable_shared_from_this<leased_copy_in> {
public:
    leased_copy_in(lease connection, std::shared_ptr<copy_in_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    std::string& buffer() noexcept override { return inner_->buffer(); }
    asio::awaitable<void> send(std::uint64_t rows) override { return inner_->send(rows); }
    asio::awaitable<pg::command_tag> finish(std::uint64_t rows) override { return finish_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static asio::awaitable<pg::command_tag> finish_of(std::shared_ptr<leased_copy_in> self, std::uint64_t rows)
    {
        const auto tag = co_await self->inner_->finish(rows);
        self->connection_.reset();
        co_return tag;
    }

    lease connection_;
    std::shared_ptr<copy_in_core> inner_;
};

class leased_copy_out final : public pg::detail::copy_out_core, public std::enable_shared_from_this<leased_copy_out> {
public:
    leased_copy_out(lease connection, std::shared_ptr<copy_out_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    asio::awaitable<std::string> read(std::uint64_t rows) override { return read_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static asio::awaitable<std::string> read_of(std::shared_ptr<leased_copy_out> self, std::uint64_t rows)
    {
        auto data = co_await self->inner_->read(rows);
        if (data.empty())
            self->connection_.reset();
        co_return data;
    }

    lease connection_;
    std::shared_ptr<copy_out_core> inner_;
};

class leased_listener final : public pg::detail::listener_core, public std::enable_shared_from_this<leased_listener> {
public:
    leased_listener(lease connection, pg::listener inner)
        : connection_(std::move(connection)), inner_(std::move(inner)), channel_(inner_.channel())
    {}
    asio::awaitable<pg::notification> next() override { return next_of(shared_from_this()); }
    std::optional<pg::notification> try_next() override { return inner_.try_next(); }
    const std::string& channel() const noexcept override { return channel_; }
    std::uint64_t missed() const noexcept override { return inner_.missed(); }
    // Closed rather than given back: what a session listens to is nothing for the pool's next user.
    void abandon() noexcept override { connection_.discard(); }

private:
    static asio::awaitable<pg::notification> next_of(std::shared_ptr<leased_listener> self)
    {
        co_return co_await self->inner_.next();
    }

    lease connection_;
    pg::listener inner_;
    std::string channel_;
};

usage user_of(std::string_view kind, const pg::call_options& options, const sql_text& sql)
{
    if (!options.name.empty())
        return {.kind = kind, .label = options.name, .keeps = {}, .where = sql.where};
    return {.kind = kind, .label = sql.text, .keeps = sql.owner, .where = sql.where};
}

/// The same for what keeps its connection when the call is over, which a name need not outlive.
usage keeper_of(std::string_view kind, const pg::call_options& options, const sql_text& sql)
{
    auto user = user_of(kind, options, sql);
    if (options.name.empty())
        return user;
    const auto name = std::make_shared<const std::string>(options.name);
    user.label = *name;
    user.keeps = name;
    return user;
}

/// What the log of repetitions calls it.
std::string_view name_of(std::string_view kind, const pg::call_options& options)
{
    return options.name.empty() ? kind : options.name;
}

} // namespace

template <class Answer, class Step>
asio::awaitable<Answer> database_core::repeat(
    std::shared_ptr<database_core> self, repeated_call& call, usage user, std::string_view sql, const Step& step)
{
    for (;;) {
        std::exception_ptr error;
        attempt_facts facts{.phase = attempt_phase::acquiring};
        {
            attempt by;
            lease connection;
            try {
                by = self->begin_attempt();
                connection = co_await wait_for_connection(self, by, call.limit(), user, {});
            }
            catch (...) {
                error = std::current_exception();
                by.failed(error, facts);
            }
            if (connection) {
                const auto left = self->limit_of(call);
                const bool unsent = !connection->is_open();
                try {
                    auto answer = co_await step(connection, left);
                    by.succeeded();
                    co_return answer;
                }
                catch (...) {
                    error = std::current_exception();
                }
                facts = self->end_attempt(by, connection, error, self->has_limit(left));
                facts.unsent = unsent;
            }
        }
        co_await call.another_attempt(error, facts, sql);
    }
}

// --- batches -------------------------------------------------------------------------------------------------------

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
    call.facts.in_parts = what.mode() == pg::batch_mode::each_alone;
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

// --- commands of which what was sent is gone -----------------------------------------------------------------------

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

// --- what keeps its connection -------------------------------------------------------------------------------------

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
