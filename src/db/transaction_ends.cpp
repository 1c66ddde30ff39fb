// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/learn_status.hpp"
#include "db/to_ms.hpp"
#include "db/traced_calls.hpp"
#include "db/transaction_core.hpp"
#include "db/warnings.hpp"

#include <tradecore/observe/log.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

/// How long a COMMIT is waited for at least: its answer is worth more than being in time.
constexpr std::chrono::milliseconds shortest_commit{250};

} // namespace

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
            connection_ = co_await traced_calls::acquire(database_, database_->pool().acquire(std::move(user), until));
        }
        catch (...) {
            failed_by(std::current_exception(), {.phase = attempt_phase::acquiring});
            attempt_.got_no_connection();
        }
        trace_.runs_on(database_->monitor().sessions(), connection_->backend_pid());
        if (database_->options().propagate_trace == trace_propagation::application_name)
            announcement_ = announcement_of_trace(co_await asio::this_coro::executor);
        opened_at_ = clock::now();
        proof_.begin(*connection_, options_.read_only);
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
    outermost.require_time();
    const auto turn = turns_.try_lock();
    auto command = "SAVEPOINT " + savepoint_;
    if (!outermost.begun_)
        command = outermost.begin_command() + "; " + command;
    const auto sent = clock::now();
    std::exception_ptr error;
    try {
        co_await outermost.connection_->run_script(runtime_sql(std::move(command)).text(), outermost.limited({}));
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
    if (self->proof_.may_have_been_ended())
        self->cause_.in_doubt = true;
    if (self->error_)
        std::rethrow_exception(self->error_);
}

std::optional<std::chrono::milliseconds> transaction_core::limit_of_end() const
{
    if (error_)
        return database_->options().rollback_timeout;
    auto limit = client_limit(database_->options().command_timeout);
    if (const auto& deadline = root().deadline_) {
        const auto left = std::max(to_ms(*deadline - clock::now()), shortest_commit);
        limit = limit ? std::min(*limit, left) : left;
    }
    return limit;
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
        const bool has_left_copy = deepest->leave_stream();
        std::optional<close_after> guard;
        if (const auto limit = limit_of_end())
            guard.emplace(database_->pool_executor(), *limit, on);
        // A statement in flight is brought to its end first; those that queue find the level finished.
        const auto turn = co_await kept->turns_.lock();
        if (has_left_copy)
            co_await learn_status(on);
        if (stage_ == stage::finishing) {
            std::string unfinished;
            if (nested && nested->opened_ && !nested->released_) {
                unfinished = "ROLLBACK TO SAVEPOINT " + nested->savepoint_ + "; ";
                root().statement_timeout_ = nested->timeout_before_; // the server takes back what was set since
            }
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
                transaction_rolled_back("the " + label() + " was rolled back: " + why_failed(), *failure_));
        }
    }
    else if (!error_) {
        co_await commit(on, std::move(unfinished));
    }
    else if (on.is_open()) {
        try {
            co_await on.run_script({"ROLLBACK", {}}, {});
        }
        catch (...) {
            tell_breaker(std::current_exception());
            on.close();
        }
    }
}

asio::awaitable<void> transaction_core::finish_savepoint(physical_connection& on, std::string unfinished)
{
    auto& outermost = root();
    const bool failed = on.status() == pg::transaction_status::failed && unfinished.empty();
    if (!error_ && failed) {
        error_ = std::make_exception_ptr(transaction_rolled_back(
            fmt::format(
                "a nested transaction in the {} was rolled back: {}", outermost.label(), outermost.why_failed()),
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
        auto answers = co_await on.run_script(runtime_sql(std::move(command)).text(), {});
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
    if (spoilt_)
        connection_.discard();
    connection_.reset();
}

} // namespace tradecore::detail
