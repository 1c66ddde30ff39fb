// SPDX-License-Identifier: Apache-2.0
#include "db/statement_watch.hpp"
#include "db/transaction_core.hpp"

#include <fmt/format.h>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

/// The transaction's turn for a command that is more than a statement, and what has to go before it.
struct transaction_core::command {
    std::shared_ptr<transaction_core> level;
    async_mutex::guard turn;
    std::vector<std::string> before;
    std::optional<milliseconds> limit;
    clock::time_point sent = clock::now();

    [[nodiscard]] physical_connection& connection() const { return *level->root().connection_; }
    /// Says what became of it. Lets the next one in.
    void ended(const std::exception_ptr& error)
    {
        if (!turn)
            return;
        auto& outermost = level->root();
        outermost.count_busy(sent);
        if (outermost.connection_)
            outermost.statement_ended(error);
        turn.unlock();
    }
};

asio::awaitable<transaction_core::command>
transaction_core::take_command(std::shared_ptr<transaction_core> self, pg::call_options options)
{
    command made{.level = self, .turn = {}, .before = {}, .limit = {}};
    made.turn = co_await self->take_turn(options.timeout);
    auto& outermost = self->root();
    outermost.require_not_failed();
    pg::statement limits{.sql = {}, .arguments = {}, .options = options};
    outermost.prepare(limits);
    made.before = std::move(limits.before);
    made.limit = limits.options.timeout;
    made.sent = clock::now();
    co_return made;
}

asio::awaitable<pg::batch_answers> transaction_core::run_batch(std::shared_ptr<transaction_core> self, pg::batch what)
{
    auto use = co_await take_command(self, what.options);
    what.before = std::move(use.before);
    what.options.timeout = use.limit;
    statement_watch watch(self->database_->monitor(), what, &self->root().trace_);
    auto& proof = self->root().proof_;
    for (const auto& entry : what.entries())
        proof.will_run(entry.sql.text);
    proof.will_run({});
    pg::batch_answers answers;
    std::exception_ptr error;
    try {
        answers = co_await use.connection().run_batch(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    auto said = error;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        proof.has_run(answers.tag(i));
        if (!said)
            said = answers.error(i);
    }
    watch.ended(answers, error);
    use.ended(said);
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

asio::awaitable<std::uint64_t>
transaction_core::run_many(std::shared_ptr<transaction_core> self, pg::repeated_statement what)
{
    auto use = co_await take_command(self, what.options);
    what.before = std::move(use.before);
    what.options.timeout = use.limit;
    statement_watch watch(self->database_->monitor(), what, &self->root().trace_);
    self->root().proof_.will_run(what.sql.text);
    std::uint64_t affected = 0;
    std::exception_ptr error;
    try {
        affected = co_await use.connection().run_many(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(affected, error);
    use.ended(error);
    if (error)
        std::rethrow_exception(error);
    co_return affected;
}

// --- cursors -------------------------------------------------------------------------------------------------------

/// A cursor of a transaction: takes a turn for each slice, as a statement does.
class transaction_core::cursor_stream final : public pg::detail::cursor_core,
                                              public std::enable_shared_from_this<cursor_stream> {
public:
    cursor_stream(std::shared_ptr<transaction_core> level, std::shared_ptr<cursor_core> inner)
        : level_(std::move(level)), inner_(std::move(inner))
    {}
    asio::awaitable<pg::result> next() override { return next_of(shared_from_this()); }
    asio::awaitable<void> close() override { return close_of(shared_from_this()); }
    void abandon() noexcept override { inner_->abandon(); }

private:
    static asio::awaitable<pg::result> next_of(std::shared_ptr<cursor_stream> self)
    {
        command use{.level = self->level_, .turn = co_await self->level_->take_turn({}), .before = {}, .limit = {}};
        pg::result rows;
        std::exception_ptr error;
        try {
            rows = co_await self->inner_->next();
        }
        catch (...) {
            error = std::current_exception();
        }
        use.ended(error);
        if (error)
            std::rethrow_exception(error);
        co_return rows;
    }
    static asio::awaitable<void> close_of(std::shared_ptr<cursor_stream> self)
    {
        const auto turn = co_await self->level_->take_turn({});
        co_await self->inner_->close();
    }

    std::shared_ptr<transaction_core> level_;
    std::shared_ptr<cursor_core> inner_;
};

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
transaction_core::open_cursor(std::shared_ptr<transaction_core> self, pg::statement what, pg::cursor_options how)
{
    auto use = co_await take_command(self, what.options);
    what.before = std::move(use.before);
    what.options.timeout = use.limit;
    self->root().proof_.will_run(what.sql.text);
    std::shared_ptr<pg::detail::cursor_core> opened;
    std::exception_ptr error;
    try {
        opened = co_await use.connection().open_cursor(std::move(what), how);
    }
    catch (...) {
        error = std::current_exception();
    }
    use.ended(error);
    if (error)
        std::rethrow_exception(error);
    co_return std::make_shared<cursor_stream>(self, std::move(opened));
}

// --- COPY ----------------------------------------------------------------------------------------------------------

/// A COPY has the transaction's turn until its end.
class transaction_core::open_stream {
public:
    explicit open_stream(command use) : use_(std::move(use)) {}

    template <class T>
    static asio::awaitable<T> watch(open_stream& of, asio::awaitable<T> step)
    {
        std::exception_ptr error;
        try {
            co_return co_await std::move(step);
        }
        catch (...) {
            error = std::current_exception();
        }
        of.use_.ended(error);
        std::rethrow_exception(error);
    }
    void ended() { use_.ended(nullptr); }

private:
    command use_;
};

class transaction_core::copy_in_stream final : public pg::detail::copy_in_core,
                                               public std::enable_shared_from_this<copy_in_stream> {
public:
    copy_in_stream(command use, std::shared_ptr<copy_in_core> inner) : use_(std::move(use)), inner_(std::move(inner)) {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    std::string& buffer() noexcept override { return inner_->buffer(); }
    asio::awaitable<void> send(std::uint64_t rows) override { return send_of(shared_from_this(), rows); }
    asio::awaitable<pg::command_tag> finish(std::uint64_t rows) override { return finish_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        inner_->abandon();
        use_.ended();
    }

private:
    static asio::awaitable<void> send_of(std::shared_ptr<copy_in_stream> self, std::uint64_t rows)
    {
        co_await open_stream::watch(self->use_, self->inner_->send(rows));
    }
    static asio::awaitable<pg::command_tag> finish_of(std::shared_ptr<copy_in_stream> self, std::uint64_t rows)
    {
        const auto tag = co_await open_stream::watch(self->use_, self->inner_->finish(rows));
        self->use_.ended();
        co_return tag;
    }

    open_stream use_;
    std::shared_ptr<copy_in_core> inner_;
};

class transaction_core::copy_out_stream final : public pg::detail::copy_out_core,
                                                public std::enable_shared_from_this<copy_out_stream> {
public:
    copy_out_stream(command use, std::shared_ptr<copy_out_core> inner) : use_(std::move(use)), inner_(std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    asio::awaitable<std::string> read(std::uint64_t rows) override { return read_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        inner_->abandon();
        use_.ended();
    }

private:
    static asio::awaitable<std::string> read_of(std::shared_ptr<copy_out_stream> self, std::uint64_t rows)
    {
        auto data = co_await open_stream::watch(self->use_, self->inner_->read(rows));
        if (data.empty())
            self->use_.ended();
        co_return data;
    }

    open_stream use_;
    std::shared_ptr<copy_out_core> inner_;
};

template <class Stream, class Core>
asio::awaitable<std::shared_ptr<Core>> transaction_core::open_copy(
    std::shared_ptr<transaction_core> self, pg::detail::copy_request what,
    asio::awaitable<std::shared_ptr<Core>> (pg::session::*open)(pg::detail::copy_request))
{
    auto use = co_await take_command(self, what.options.call);
    what.options.call.timeout = use.limit;
    std::exception_ptr error;
    std::shared_ptr<Core> opened;
    try {
        auto& on = use.connection();
        if (!use.before.empty())
            co_await on.run_script(runtime_sql(fmt::format("{}", fmt::join(use.before, "; "))).text(), {});
        opened = co_await (on.*open)(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    if (error) {
        use.ended(error);
        std::rethrow_exception(error);
    }
    self->root().begun_ = true;
    co_return std::make_shared<Stream>(std::move(use), std::move(opened));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
transaction_core::open_copy_in(std::shared_ptr<transaction_core> self, pg::detail::copy_request what)
{
    return open_copy<copy_in_stream>(std::move(self), std::move(what), &pg::session::open_copy_in);
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
transaction_core::open_copy_out(std::shared_ptr<transaction_core> self, pg::detail::copy_request what)
{
    return open_copy<copy_out_stream>(std::move(self), std::move(what), &pg::session::open_copy_out);
}

} // namespace tradecore::detail
