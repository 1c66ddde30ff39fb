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
    const auto began = clock::now();
    made.turn = co_await self->take_turn(options.timeout);
    spend(options, began);
    auto& outermost = self->root();
    outermost.require_not_failed();
    pg::statement limits{.sql = {}, .arguments = {}, .options = options};
    outermost.prepare(limits);
    made.before = std::move(limits.before);
    made.limit = outermost.limit_of_all(options);
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
    bool is_first = true;
    for (const auto& entry : what.entries()) {
        if (std::exchange(is_first, false))
            proof.will_run(entry.sql.text, what.options.only_reads);
        else
            proof.will_also_run(entry.sql.text, what.options.only_reads);
    }
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
    self->root().proof_.will_run(what.sql.text, what.options.only_reads);
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
    explicit open_stream(command use) : use_(std::move(use)) { use_.level->stream_ = this; }
    open_stream(const open_stream&) = delete;
    open_stream& operator=(const open_stream&) = delete;
    open_stream(open_stream&&) = delete;
    open_stream& operator=(open_stream&&) = delete;
    virtual ~open_stream()
    {
        if (use_.level->stream_ == this)
            use_.level->stream_ = nullptr;
    }

    virtual void abandon() noexcept = 0;
    /// Its level ends, which would wait for a turn that nobody may give back: a step under way is the last.
    /// @returns whether it was not over.
    bool leave() noexcept
    {
        const bool was_open = static_cast<bool>(use_.turn);
        is_left_ = true;
        if (!is_stepping_)
            abandon();
        return was_open;
    }

protected:
    template <class T>
    static asio::awaitable<T> do_step(open_stream& of, asio::awaitable<T> step)
    {
        struct stepping {
            open_stream& of;
            explicit stepping(open_stream& what) : of(what) { of.is_stepping_ = true; }
            stepping(stepping&&) = delete;
            stepping& operator=(stepping&&) = delete;
            ~stepping()
            {
                of.is_stepping_ = false;
                if (of.is_left_)
                    of.abandon();
            }
        };
        const stepping now(of);
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
    void require_kept() const
    {
        if (is_left_)
            throw transaction_closed("the " + use_.level->label() + " is finished, and its COPY was given up");
    }

private:
    command use_;
    bool is_stepping_ = false;
    bool is_left_ = false;
};

class transaction_core::copy_in_stream final : public pg::detail::copy_in_core,
                                               public open_stream,
                                               public std::enable_shared_from_this<copy_in_stream> {
public:
    copy_in_stream(command use, std::shared_ptr<copy_in_core> inner)
        : open_stream(std::move(use)), inner_(std::move(inner)), columns_(inner_->columns())
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return columns_; }
    std::string& buffer() noexcept override { return inner_ ? inner_->buffer() : unsent_; }
    asio::awaitable<void> send(std::uint64_t rows) override { return send_of(shared_from_this(), rows); }
    asio::awaitable<pg::command_tag> finish(std::uint64_t rows) override { return finish_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        // The connection serves nobody else as long as somebody has it.
        if (const auto gone = std::exchange(inner_, nullptr))
            gone->abandon();
        ended();
    }

private:
    static asio::awaitable<void> send_of(std::shared_ptr<copy_in_stream> self, std::uint64_t rows)
    {
        self->require_kept();
        co_await do_step(*self, self->inner_->send(rows));
    }
    static asio::awaitable<pg::command_tag> finish_of(std::shared_ptr<copy_in_stream> self, std::uint64_t rows)
    {
        self->require_kept();
        const auto tag = co_await do_step(*self, self->inner_->finish(rows));
        self->ended();
        co_return tag;
    }

    std::shared_ptr<copy_in_core> inner_; // null when it was given up
    std::shared_ptr<const pg::row_description> columns_;
    std::string unsent_;
};

class transaction_core::copy_out_stream final : public pg::detail::copy_out_core,
                                                public open_stream,
                                                public std::enable_shared_from_this<copy_out_stream> {
public:
    copy_out_stream(command use, std::shared_ptr<copy_out_core> inner)
        : open_stream(std::move(use)), inner_(std::move(inner)), columns_(inner_->columns())
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return columns_; }
    asio::awaitable<std::string> read(std::uint64_t rows) override { return read_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        if (const auto gone = std::exchange(inner_, nullptr))
            gone->abandon();
        ended();
    }

private:
    static asio::awaitable<std::string> read_of(std::shared_ptr<copy_out_stream> self, std::uint64_t rows)
    {
        self->require_kept();
        auto data = co_await do_step(*self, self->inner_->read(rows));
        if (data.empty())
            self->ended();
        co_return data;
    }

    std::shared_ptr<copy_out_core> inner_; // null when it was given up
    std::shared_ptr<const pg::row_description> columns_;
};

bool transaction_core::leave_stream() noexcept
{
    return stream_ != nullptr && stream_->leave();
}

template <class Stream, class Core>
asio::awaitable<std::shared_ptr<Core>> transaction_core::open_copy(
    std::shared_ptr<transaction_core> self, pg::detail::copy_request what,
    asio::awaitable<std::shared_ptr<Core>> (pg::session::*open)(pg::detail::copy_request))
{
    auto use = co_await take_command(self, what.options.call);
    what.options.call.timeout = use.limit;
    self->root().proof_.will_run(what.copy.text, what.options.call.only_reads);
    std::exception_ptr error;
    std::shared_ptr<Core> opened;
    try {
        auto& on = use.connection();
        if (!use.before.empty())
            co_await on.run_script(
                runtime_sql(fmt::format("{}", fmt::join(use.before, "; "))).text(), {.timeout = use.limit});
        spend(what.options.call, use.sent);
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
