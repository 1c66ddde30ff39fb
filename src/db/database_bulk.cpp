// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// A cursor, a COPY or a listener with the connection it keeps; gives it back at its end.

class leased_cursor final : public pg::detail::cursor_core, public std::enable_shared_from_this<leased_cursor> {
public:
    leased_cursor(lease connection, std::shared_ptr<cursor_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    asio::awaitable<pg::result> next() override { return next_of(shared_from_this()); }
    asio::awaitable<void> close() override { return close_of(shared_from_this()); }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static asio::awaitable<pg::result> next_of(std::shared_ptr<leased_cursor> self)
    {
        std::exception_ptr error;
        pg::result rows;
        try {
            rows = co_await self->inner_->next();
        }
        catch (...) {
            error = std::current_exception();
        }
        if (error || rows.empty())
            self->connection_.reset();
        if (error)
            std::rethrow_exception(error);
        co_return rows;
    }
    static asio::awaitable<void> close_of(std::shared_ptr<leased_cursor> self)
    {
        const auto connection = std::move(self->connection_);
        co_await self->inner_->close();
    }

    lease connection_;
    std::shared_ptr<cursor_core> inner_;
};

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

} // namespace

asio::awaitable<lease>
database_core::take_connection(std::shared_ptr<database_core> self, attempt& by, usage user, pg::call_options& options)
{
    std::optional<clock::time_point> deadline;
    if (options.timeout)
        deadline = clock::now() + *options.timeout;
    // What may take long is not cut short for being a probe, only the wait for its connection is.
    auto until = deadline;
    by.tighten(until);
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    self->require_another_connection(around.get());
    lease connection;
    try {
        connection = co_await self->pool_->acquire(std::move(user), until);
    }
    catch (...) {
        by.got_no_connection();
    }
    if (deadline)
        options.timeout = std::max(std::chrono::duration_cast<milliseconds>(*deadline - clock::now()), milliseconds(1));
    co_return connection;
}

asio::awaitable<pg::batch_answers> database_core::run_batch(std::shared_ptr<database_core> self, pg::batch what)
{
    self->require_available();
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    if (around && around->transaction)
        co_return co_await transaction_core::run_batch(around->transaction, std::move(what));
    auto attempt = self->begin_attempt();
    const auto connection = co_await take_connection(self, attempt, user_of("batch", what.options, {}), what.options);
    const bool limited = self->has_limit(what.options);
    statement_watch watch(self->monitor_, what);
    pg::batch_answers answers;
    std::exception_ptr error;
    try {
        answers = co_await connection->run_batch(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(answers, error);
    // One entry's failure is the attempt's, when it is the database's.
    const auto facts = facts_of(*connection, limited);
    attempt.observed(error, facts);
    for (std::size_t i = 0; !error && i < answers.size(); ++i)
        attempt.observed(answers.error(i), facts);
    attempt.is_over();
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

asio::awaitable<std::uint64_t> database_core::run_many(std::shared_ptr<database_core> self, pg::repeated_statement what)
{
    self->require_available();
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    if (around && around->transaction)
        co_return co_await transaction_core::run_many(around->transaction, std::move(what));
    auto attempt = self->begin_attempt();
    const auto connection =
        co_await take_connection(self, attempt, user_of("statement", what.options, what.sql), what.options);
    const bool limited = self->has_limit(what.options);
    statement_watch watch(self->monitor_, what);
    std::uint64_t affected = 0;
    try {
        affected = co_await connection->run_many(std::move(what));
    }
    catch (...) {
        watch.ended(0, std::current_exception());
        attempt.was_ended(*connection, limited);
    }
    watch.ended(affected, nullptr);
    attempt.succeeded();
    co_return affected;
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
database_core::open_cursor(std::shared_ptr<database_core> self, pg::statement what, pg::cursor_options how)
{
    self->require_available();
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    if (around && around->transaction)
        co_return co_await transaction_core::open_cursor(around->transaction, std::move(what), how);
    auto attempt = self->begin_attempt();
    auto connection = co_await take_connection(self, attempt, user_of("cursor", what.options, what.sql), what.options);
    const bool limited = self->has_limit(what.options);
    std::shared_ptr<pg::detail::cursor_core> opened;
    try {
        opened = co_await connection->open_cursor(std::move(what), how);
    }
    catch (...) {
        attempt.was_ended(*connection, limited);
    }
    attempt.succeeded();
    co_return std::make_shared<leased_cursor>(std::move(connection), std::move(opened));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
database_core::open_copy_in(std::shared_ptr<database_core> self, pg::detail::copy_request what)
{
    self->require_available();
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    if (around && around->transaction)
        co_return co_await transaction_core::open_copy_in(around->transaction, std::move(what));
    auto attempt = self->begin_attempt();
    auto connection =
        co_await take_connection(self, attempt, user_of("COPY", what.options.call, what.copy), what.options.call);
    const bool limited = self->has_limit(what.options.call);
    std::shared_ptr<pg::detail::copy_in_core> opened;
    try {
        opened = co_await connection->open_copy_in(std::move(what));
    }
    catch (...) {
        attempt.was_ended(*connection, limited);
    }
    attempt.succeeded();
    co_return std::make_shared<leased_copy_in>(std::move(connection), std::move(opened));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
database_core::open_copy_out(std::shared_ptr<database_core> self, pg::detail::copy_request what)
{
    self->require_available();
    const auto around = self->scope_of(co_await asio::this_coro::executor);
    if (around && around->transaction)
        co_return co_await transaction_core::open_copy_out(around->transaction, std::move(what));
    auto attempt = self->begin_attempt();
    auto connection =
        co_await take_connection(self, attempt, user_of("COPY", what.options.call, what.copy), what.options.call);
    const bool limited = self->has_limit(what.options.call);
    std::shared_ptr<pg::detail::copy_out_core> opened;
    try {
        opened = co_await connection->open_copy_out(std::move(what));
    }
    catch (...) {
        attempt.was_ended(*connection, limited);
    }
    attempt.succeeded();
    co_return std::make_shared<leased_copy_out>(std::move(connection), std::move(opened));
}

asio::awaitable<pg::listener>
database_core::listen(std::shared_ptr<database_core> self, std::string channel, pg::listen_options options)
{
    self->require_available();
    usage user{.kind = "listener", .label = options.call.name, .keeps = {}};
    auto attempt = self->begin_attempt();
    auto connection = co_await take_connection(self, attempt, std::move(user), options.call);
    if (!options.call.timeout)
        options.call.timeout = client_limit(self->options_.command_timeout);
    const bool limited = self->has_limit(options.call);
    pg::listener opened;
    try {
        opened = co_await connection->listen(std::move(channel), options);
    }
    catch (...) {
        attempt.was_ended(*connection, limited);
    }
    attempt.succeeded();
    co_return pg::listener(std::make_shared<leased_listener>(std::move(connection), std::move(opened)));
}

} // namespace tradecore::detail
