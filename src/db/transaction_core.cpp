// SPDX-License-Identifier: Apache-2.0
#include "db/transaction_core.hpp"

#include "db/statement_watch.hpp"
#include "db/to_ms.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using namespace pg::literals;

namespace {

using std::chrono::milliseconds;

/// Telling the server of a limit that has hardly changed is not worth it.
constexpr milliseconds timeout_tolerance{10};

/// @returns the less of two limits, at least 1 ms. @param limit 0 for none.
milliseconds tighter(milliseconds limit, milliseconds other)
{
    other = std::max(other, milliseconds(1));
    return limit.count() == 0 ? other : std::min(limit, other);
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

std::string transaction_core::why_failed() const
{
    if (!failure_)
        return "an earlier statement had failed";
    return fmt::format("an earlier statement had failed with {} ({})", failure_->text(), pg::condition_name(*failure_));
}

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

void transaction_core::spend(pg::call_options& of, clock::time_point since)
{
    if (of.timeout)
        *of.timeout = std::max(*of.timeout - to_ms(clock::now() - since), milliseconds(1));
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

milliseconds transaction_core::within_own_limits(milliseconds limit) const
{
    if (deadline_)
        limit = tighter(limit, to_ms(*deadline_ - clock::now()));
    if (attempt_.is_probe())
        limit = tighter(limit, to_ms(attempt_.limit().when() - clock::now()));
    return limit;
}

milliseconds transaction_core::server_limit(const pg::call_options& options) const
{
    auto limit = database_->options().command_timeout;
    if (options.timeout)
        limit = tighter(limit, *options.timeout);
    return std::min(within_own_limits(limit), pg::longest_statement_timeout);
}

std::optional<milliseconds> transaction_core::limit_of_all(const pg::call_options& options) const
{
    const auto own =
        options.timeout ? tighter(milliseconds(0), *options.timeout) : database_->options().command_timeout;
    return client_limit(within_own_limits(own));
}

pg::call_options transaction_core::limited(pg::call_options options) const
{
    options.timeout = limit_of_all(options);
    return options;
}

void transaction_core::require_time() const
{
    if (deadline_ && clock::now() >= *deadline_)
        throw pg::timeout_error(
            fmt::format("the {} has used up its {} ms", label(), options_.timeout.value_or(milliseconds(0)).count()));
}

void transaction_core::prepare(pg::statement& what)
{
    require_time();
    if (!begun_)
        what.before.push_back(begin_command());
    if (!announcement_.empty())
        what.before.push_back(std::exchange(announcement_, {}));
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
    proof_.look_at(*connection_, begun_, error != nullptr);
    if (!error)
        return;
    spoilt_ = spoilt_ || meaning_of(error, facts()).spoils_session;
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
    spend(what.options, began);
    outermost.prepare(what);
    outermost.proof_.will_run(what.sql.text, what.options.only_reads);

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
    const auto began = clock::now();
    const auto turn = co_await self->take_turn(options.timeout);
    auto& outermost = self->root();
    outermost.require_not_failed();
    outermost.require_time();
    spend(options, began);
    const auto given = text; // what is sent is gone then
    statement_watch watch(self->database_->monitor(), "SCRIPT", given, options.name, &outermost.trace_);
    auto& proof = outermost.proof_;
    proof.will_run_script(text.text);
    const bool asks = proof.asks_scripts();
    if (asks) {
        // On a line of its own: the script may end in a comment.
        text = runtime_sql(fmt::format("{}\n; {}", text.text, commit_proof::script_question), text.where).text();
    }
    const auto sent = clock::now();
    std::vector<pg::result> answers;
    std::exception_ptr error;
    try {
        if (!outermost.begun_) {
            co_await outermost.connection_->run_script(
                runtime_sql(outermost.begin_command()).text(), outermost.limited(options));
            outermost.begun_ = true; // the script may end it
            spend(options, sent);
        }
        answers = co_await outermost.connection_->run_script(std::move(text), outermost.limited(options));
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

} // namespace tradecore::detail
