// SPDX-License-Identifier: Apache-2.0
#include "db/transaction_core.hpp"

#include "db/close_after.hpp"
#include "db/statement_watch.hpp"
#include "db/warnings.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using namespace pg::literals;

namespace {

using std::chrono::milliseconds;

milliseconds to_ms(std::chrono::steady_clock::duration time)
{
    return std::chrono::duration_cast<milliseconds>(time);
}

/// How long the fate of a COMMIT is looked for at least, whatever the transaction's own limit says.
constexpr milliseconds shortest_resolution{250};
/// Telling the server of a limit that has hardly changed is not worth it.
constexpr milliseconds timeout_tolerance{10};

std::shared_ptr<const std::string> shared_text(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

/// Runs SQL that we made.
asio::awaitable<std::vector<pg::result>> run_command(physical_connection& on, std::string sql)
{
    const auto text = shared_text(std::move(sql));
    return on.run_script({*text, text}, {});
}

std::optional<pg::sqlstate> state_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::server_error& e) {
        return e.state();
    }
    catch (const pg::timeout_error&) {
        return "57014"_sqlstate; // stopped at our request: for the transaction the same as by the server's own limit
    }
    catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted)
            return "57014"_sqlstate;
        return std::nullopt;
    }
    catch (...) {
        return std::nullopt;
    }
}

std::string why_failed(const std::optional<pg::sqlstate>& state)
{
    if (!state)
        return "an earlier statement had failed";
    return fmt::format("an earlier statement had failed with {} ({})", state->text(), pg::condition_name(*state));
}

} // namespace

transaction_core::transaction_core(
    std::shared_ptr<database_core> database, std::shared_ptr<transaction_core> parent, transaction_options options,
    std::optional<clock::time_point> deadline)
    : database_(std::move(database)), parent_(std::move(parent)), options_(options), deadline_(deadline),
      savepoint_([this] {
          std::size_t depth = 0;
          for (const auto* level = parent_.get(); level != nullptr; level = level->parent_.get())
              ++depth;
          return depth == 0 ? std::string() : fmt::format("tradecore_{}", depth);
      }()),
      trace_(database_->options(), options_.name, options_.where)
{}

transaction_core::~transaction_core()
{
    if (parent_ && parent_->child_ == this)
        parent_->child_ = nullptr;
}

transaction_core& transaction_core::root() noexcept
{
    auto* level = this;
    while (level->parent_)
        level = level->parent_.get();
    return *level;
}

const transaction_core& transaction_core::root() const noexcept
{
    const auto* level = this;
    while (level->parent_)
        level = level->parent_.get();
    return *level;
}

std::string transaction_core::label() const
{
    if (options_.name.empty())
        return fmt::format("transaction of '{}'", database_->options().name);
    return fmt::format("transaction '{}' of '{}'", options_.name, database_->options().name);
}

// --- statements ------------------------------------------------------------------------------------

void transaction_core::require_active() const
{
    for (const auto* level = this; level != nullptr; level = level->parent_.get()) {
        if (level->stage_ != stage::active)
            throw transaction_closed("the " + level->label() + " is finished");
    }
}

asio::awaitable<async_mutex::guard> transaction_core::take_turn(std::optional<milliseconds> limit)
{
    require_active();
    auto turn = turns_.try_lock();
    if (!turn) {
        // Somebody who waits for a level that waits for him would wait for ever.
        const auto at_most = limit ? limit : client_limit(database_->options().command_timeout);
        if (at_most)
            turn = co_await with_timeout(*at_most, turns_.lock());
        else
            turn = co_await turns_.lock();
        require_active();
    }
    co_return turn;
}

void transaction_core::require_not_failed() const
{
    // The first statement failed together with its BEGIN, so the server knows of no transaction; the caller
    // must not notice a difference.
    if (begun_ || !failure_)
        return;
    pg::diagnostics said;
    said.severity = "ERROR";
    said.code = "25P02"_sqlstate;
    said.message = "current transaction is aborted, commands ignored until end of transaction block";
    pg::throw_server_error(std::move(said), options_.name);
}

milliseconds transaction_core::server_limit(const pg::call_options& options) const
{
    auto limit = database_->options().command_timeout;
    const auto tighten = [&limit](milliseconds other) {
        other = std::max(other, milliseconds(1)); // 0 would be no limit
        if (limit.count() == 0 || other < limit)
            limit = other;
    };
    if (options.timeout)
        tighten(*options.timeout);
    if (deadline_)
        tighten(to_ms(*deadline_ - clock::now()));
    if (attempt_.is_probe())
        tighten(to_ms(attempt_.limit().when() - clock::now()));
    return std::min(limit, pg::longest_statement_timeout);
}

void transaction_core::prepare(pg::statement& what)
{
    if (deadline_ && clock::now() >= *deadline_)
        throw pg::timeout_error("the " + label() + " has used up its time");
    if (!begun_)
        what.before.push_back(begin_command());
    const auto limit = server_limit(what.options);
    const bool differs =
        !statement_timeout_ || limit > *statement_timeout_ || limit + timeout_tolerance < *statement_timeout_;
    if (differs) {
        what.before.push_back(fmt::format("SET LOCAL statement_timeout = {}", limit.count()));
        statement_timeout_ = limit;
    }
    what.options.timeout = client_limit(limit);
}

void transaction_core::statement_ended(const std::exception_ptr& error)
{
    const auto status = connection_->status();
    // Not the lack of an error: what needed nothing from the server has not begun anything there either.
    if (status != pg::transaction_status::idle || !connection_->is_open())
        begun_ = true;
    // A SET LOCAL before the statement may or may not have been reached.
    if (error || !begun_)
        statement_timeout_.reset();
    if (error || begun_)
        tell_breaker(error);
    proof_.look_at(*connection_);
    if (!error)
        return;
    const bool fails = status == pg::transaction_status::failed || !begun_;
    if (!failure_ && fails)
        failure_ = state_of(error);
    if (fails || !connection_->is_open())
        failed_by(error, facts());
}

attempt_facts transaction_core::facts() const
{
    auto facts = facts_of(*connection_, deadline_ || database_->options().command_timeout.count() > 0);
    facts.declared_read_only = options_.read_only || database_->wants_standby();
    return facts;
}

void transaction_core::failed_by(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    if (!cause_.cause)
        cause_ = {.cause = error, .facts = facts};
}

void transaction_core::tell_breaker(const std::exception_ptr& error) noexcept
{
    if (!attempt_)
        return;
    attempt_.observed(error, error ? facts() : attempt_facts());
}

void transaction_core::count_busy(clock::time_point since)
{
    busy_ += clock::now() - since;
    ++statements_;
}

asio::awaitable<pg::result> transaction_core::run(std::shared_ptr<transaction_core> self, pg::statement what)
{
    const auto began = clock::now();
    const auto turn = co_await self->take_turn(what.options.timeout);
    auto& outermost = self->root();
    outermost.require_not_failed();
    if (what.options.timeout)
        *what.options.timeout -= to_ms(clock::now() - began);
    outermost.prepare(what);
    outermost.proof_.will_run(what.sql.text);

    statement_watch watch(self->database_->monitor(), what, &outermost.trace_);
    const auto sent = clock::now();
    pg::result answer;
    std::exception_ptr error;
    try {
        answer = co_await outermost.connection_->run_kept(what);
    }
    catch (...) {
        error = std::current_exception();
    }
    outermost.count_busy(sent);
    outermost.statement_ended(error);
    outermost.proof_.has_run(answer.tag().text());
    watch.ended(answer, error);
    if (error)
        std::rethrow_exception(error);
    co_return answer;
}

asio::awaitable<std::vector<pg::result>>
transaction_core::run_script(std::shared_ptr<transaction_core> self, sql_text text, pg::call_options options)
{
    const auto turn = co_await self->take_turn(options.timeout);
    auto& outermost = self->root();
    outermost.require_not_failed();
    statement_watch watch(self->database_->monitor(), "SCRIPT", text, options.name, &outermost.trace_);
    auto& proof = outermost.proof_;
    proof.will_run(text.text);
    const bool asks = proof.asks_scripts();
    if (asks) {
        // On a line of its own: the script may end in a comment.
        const auto longer = shared_text(fmt::format("{}\n; {}", text.text, commit_proof::script_question));
        text.text = *longer;
        text.owner = longer;
    }
    const auto sent = clock::now();
    std::vector<pg::result> answers;
    std::exception_ptr error;
    try {
        if (!outermost.begun_)
            co_await run_command(*outermost.connection_, outermost.begin_command());
        answers = co_await outermost.connection_->run_script(std::move(text), options);
    }
    catch (...) {
        error = std::current_exception();
    }
    outermost.count_busy(sent);
    outermost.statement_timeout_.reset(); // the script may have set it
    outermost.statement_ended(error);
    if (asks && !error)
        proof.take_script_answer(*outermost.connection_, answers);
    for (const auto& each : answers)
        proof.has_run(each.tag().text());
    watch.ended(0, error);
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

// --- begin and end ---------------------------------------------------------------------------------

std::string transaction_core::begin_command() const
{
    std::string command = "BEGIN";
    if (options_.isolation) {
        switch (*options_.isolation) {
        case isolation_level::read_committed:
            command += " ISOLATION LEVEL READ COMMITTED";
            break;
        case isolation_level::repeatable_read:
            command += " ISOLATION LEVEL REPEATABLE READ";
            break;
        case isolation_level::serializable:
            command += " ISOLATION LEVEL SERIALIZABLE";
            break;
        }
    }
    if (options_.read_only)
        command += " READ ONLY";
    if (options_.deferrable)
        command += " DEFERRABLE";
    return command;
}

asio::awaitable<void> transaction_core::open()
{
    if (parent_) {
        co_await open_savepoint();
    }
    else {
        usage user{.kind = "transaction", .label = options_.name, .keeps = {}, .where = options_.where};
        try {
            attempt_ = database_->begin_attempt();
            auto until = deadline_;
            attempt_.tighten(until);
            connection_ = co_await database_->pool().acquire(std::move(user), until);
        }
        catch (...) {
            failed_by(std::current_exception(), {.phase = attempt_phase::acquiring});
            attempt_.got_no_connection();
        }
        trace_.runs_on(database_->monitor().sessions(), connection_->backend_pid());
        opened_at_ = clock::now();
        if (!options_.read_only)
            proof_.begin(*connection_);
        if (sessions_have_limit(database_->options()))
            statement_timeout_ = database_->options().command_timeout;
    }
    opened_ = true;
}

asio::awaitable<void> transaction_core::open_savepoint()
{
    parents_turn_ = co_await parent_->take_turn({});
    parent_->child_ = this;
    auto& outermost = root();
    outermost.require_not_failed();
    const auto turn = turns_.try_lock();
    auto command = "SAVEPOINT " + savepoint_;
    if (!outermost.begun_)
        command = outermost.begin_command() + "; " + command;
    const auto sent = clock::now();
    std::exception_ptr error;
    try {
        co_await run_command(*outermost.connection_, std::move(command));
    }
    catch (...) {
        error = std::current_exception();
    }
    outermost.count_busy(sent);
    outermost.statement_ended(error);
    if (error)
        std::rethrow_exception(error);
    timeout_before_ = outermost.statement_timeout_;
}

asio::awaitable<void> transaction_core::drive(std::shared_ptr<transaction_core> self, erased_body body)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    try {
        co_await self->open();
        co_await body();
    }
    catch (...) {
        self->error_ = std::current_exception();
    }
    // From here on nobody interrupts: what has been begun is brought to an end, each step within a limit.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await self->finish();
    // What a savepoint undid is the cause nevertheless when the body let it pass.
    if (self->undone_.cause && self->error_ == self->undone_.cause && !self->cause_.cause)
        self->cause_ = self->undone_;
    if (self->error_)
        std::rethrow_exception(self->error_);
}

asio::awaitable<void> transaction_core::finish()
{
    if (opened_ && stage_ == stage::active) {
        stage_ = stage::finishing;
        auto& on = *root().connection_;
        const auto nested = child_ != nullptr ? child_->shared_from_this() : nullptr;
        auto* deepest = this;
        while (deepest->child_ != nullptr) {
            deepest = deepest->child_;
            if (deepest->stage_ == stage::active)
                deepest->stage_ = stage::abandoned;
        }
        const auto kept = deepest->shared_from_this();
        const auto rollback = database_->options().rollback_timeout;
        const auto limit = error_ ? std::optional(rollback) : client_limit(database_->options().command_timeout);
        std::optional<close_after> guard;
        if (limit)
            guard.emplace(database_->pool_executor(), *limit, on);
        // A statement in flight is brought to its end first; those that queue find the level finished.
        const auto turn = co_await kept->turns_.lock();
        if (stage_ == stage::finishing) {
            std::string unfinished;
            if (nested && nested->opened_ && !nested->released_)
                unfinished = "ROLLBACK TO SAVEPOINT " + nested->savepoint_ + "; ";
            if (parent_)
                co_await finish_savepoint(on, std::move(unfinished));
            else
                co_await finish_outermost(on, std::move(unfinished));
            guard.reset();
            if (unanswered_)
                co_await resolve();
            if (!parent_) {
                log_long_transaction();
                trace_.ended();
            }
        }
    }
    if (stage_ == stage::abandoned && !error_) {
        error_ = std::make_exception_ptr(
            transaction_closed("the " + root().label() + " was finished before the nested transaction in it"));
    }
    close();
}

asio::awaitable<void> transaction_core::finish_outermost(physical_connection& on, std::string unfinished)
{
    if (!begun_) {
        if (!error_ && failure_) {
            error_ = std::make_exception_ptr(
                transaction_rolled_back("the " + label() + " was rolled back: " + why_failed(failure_), *failure_));
        }
    }
    else if (!error_) {
        co_await commit(on, std::move(unfinished));
    }
    else if (on.is_open()) {
        try {
            co_await run_command(on, "ROLLBACK");
        }
        catch (...) {
            tell_breaker(std::current_exception());
            on.close();
        }
    }
}

asio::awaitable<void> transaction_core::commit(physical_connection& on, std::string unfinished)
{
    const bool may_be_sent = on.is_open();
    const auto pid = on.backend_pid();
    try {
        const auto answers = co_await run_command(on, unfinished + "COMMIT");
        if (answers.empty() || answers.back().tag().text() != "COMMIT") {
            error_ = std::make_exception_ptr(transaction_rolled_back(
                "COMMIT of the " + label() + " was answered with ROLLBACK: " + why_failed(failure_),
                failure_.value_or(pg::sqlstate())));
        }
    }
    catch (...) {
        error_ = std::current_exception();
        tell_breaker(error_);
        failed_by(error_, facts());
    }
    if (!error_ || !may_be_sent)
        co_return;
    // An error after which the session goes on was answered before anything was committed.
    bool in_doubt = !on.is_open();
    std::string reason = "unknown error";
    try {
        std::rethrow_exception(error_);
    }
    catch (const pg::error& e) {
        in_doubt = in_doubt || e.code() == pg::disposition::in_doubt;
        reason = e.what();
    }
    catch (const std::exception& e) {
        reason = e.what();
    }
    catch (...) {
        in_doubt = true;
    }
    if (!in_doubt)
        co_return;
    cause_.in_doubt = true;
    unanswered_ = unanswered_commit{
        .doubt = proof_.doubt(options_.read_only),
        .what = {.xid = proof_.id().value_or(0), .incarnation = std::string(on.incarnation())},
        .backend_pid = pid,
        .reason = std::move(reason)};
}

transaction_core::clock::time_point transaction_core::end_of_resolution() const
{
    const auto now = database_->retries().now();
    const auto limit = now + database_->options().commit_resolution;
    // It is asked at least once: the answer is worth more than being in time.
    return deadline_ ? std::min(limit, std::max(*deadline_, now + shortest_resolution)) : limit;
}

asio::awaitable<void> transaction_core::resolve()
{
    const auto lost = std::move(*std::exchange(unanswered_, std::nullopt));
    const auto began = clock::now();
    connection_.discard(); // its place in the pool is for the connection that asks
    commit_finding found;
    if (lost.doubt == commit_doubt::none)
        found.fate = commit_fate::rolled_back;
    else if (lost.doubt == commit_doubt::has_id)
        found = co_await resolve_commit(database_->pool(), database_->retries().time(), lost.what, end_of_resolution());
    else
        found.why = reason_of(lost.doubt);

    const auto cause = std::exchange(error_, nullptr);
    std::string_view outcome = "had taken effect";
    if (found.fate == commit_fate::rolled_back) {
        cause_.in_doubt = false;
        outcome = lost.doubt == commit_doubt::none ? "had nothing to commit" : "was rolled back";
        error_ = std::make_exception_ptr(pg::connection_error(
            pg::client_errc::connection_closed,
            fmt::format(
                "the connection was lost while the {} was committed, without effect: {}", label(), lost.reason)));
    }
    else if (found.fate == commit_fate::unknown) {
        outcome = "may have taken effect or not";
        error_ = std::make_exception_ptr(commit_unknown(
            fmt::format(
                "whether the {} was committed is not known: the connection was lost after COMMIT was sent (server "
                "process {}, transaction id {}): {}; {}",
                label(), lost.backend_pid, proof_.id() ? std::to_string(lost.what.xid) : "not known", lost.reason,
                found.why),
            lost.backend_pid, cause, proof_.id()));
    }
    observe::log(
        observe::level::warn, lost_commit_line(database_->options().name, outcome),
        {{"database", database_->options().name},
         {"transaction", options_.name},
         {"location", place_of(options_.where)},
         {"xid", lost.what.xid},
         {"backend_pid", lost.backend_pid},
         {"took_ms", to_ms(clock::now() - began).count()},
         {"reason", lost.reason},
         {"why", found.why}});
}

asio::awaitable<void> transaction_core::finish_savepoint(physical_connection& on, std::string unfinished)
{
    auto& outermost = root();
    const bool failed = on.status() == pg::transaction_status::failed && unfinished.empty();
    if (!error_ && failed) {
        error_ = std::make_exception_ptr(transaction_rolled_back(
            fmt::format(
                "a nested transaction in the {} was rolled back: {}", outermost.label(),
                why_failed(outermost.failure_)),
            outermost.failure_.value_or(pg::sqlstate())));
    }
    const bool rolls_back = error_ != nullptr;
    auto command = rolls_back ? "ROLLBACK TO SAVEPOINT " + savepoint_ + "; " : unfinished;
    command += "RELEASE SAVEPOINT " + savepoint_;
    // What has failed may have given the transaction an id, and has not told it.
    const bool asks = rolls_back && outermost.proof_.asks_scripts() && !outermost.proof_.id();
    if (asks)
        command += "; " + std::string(commit_proof::script_question);
    const auto sent = clock::now();
    try {
        auto answers = co_await run_command(on, std::move(command));
        released_ = true;
        if (asks)
            outermost.proof_.take_script_answer(on, answers);
    }
    catch (...) {
        // The state of the outer levels is no longer what they think.
        if (!error_)
            error_ = std::current_exception();
        outermost.tell_breaker(std::current_exception());
        on.close();
        outermost.failed_by(std::current_exception(), outermost.facts());
    }
    outermost.count_busy(sent);
    if (rolls_back)
        outermost.statement_timeout_ = timeout_before_; // the server takes back what was set since
    if (on.status() == pg::transaction_status::in_transaction) {
        outermost.failure_.reset();
        if (outermost.cause_.cause)
            outermost.undone_ = std::exchange(outermost.cause_, {});
    }
}

void transaction_core::log_long_transaction() const
{
    const auto threshold = database_->options().long_transaction;
    const auto took = clock::now() - opened_at_;
    if (threshold.count() == 0 || took <= threshold)
        return;
    observe::log(
        observe::level::warn, long_transaction_line(database_->options().name, to_ms(took), threshold),
        {{"database", database_->options().name},
         {"transaction", options_.name},
         {"location", place_of(options_.where)},
         {"took_ms", to_ms(took).count()},
         {"threshold_ms", threshold.count()},
         {"idle_ms", to_ms(took - busy_).count()},
         {"statements", statements_},
         {"committed", error_ == nullptr}});
}

void transaction_core::close() noexcept
{
    stage_ = stage::closed;
    if (parent_ && parent_->child_ == this)
        parent_->child_ = nullptr;
    parents_turn_.unlock();
    attempt_.is_over();
    if (connection_)
        proof_.end(*connection_);
    connection_.reset();
}

} // namespace tradecore::detail
