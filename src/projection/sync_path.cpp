// SPDX-License-Identifier: Apache-2.0
#include "projection/sync_path.hpp"

#include "projection/failure.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/projection/errors.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <utility>

namespace tradecore::projection {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t page = 500;

// How far the transaction got; what a time limit means depends on it.
enum class phase { connecting, locking, working };

struct sync_job {
    std::shared_ptr<engine_state> self;
    std::string stream;
    clock::time_point deadline;
    phase reached = phase::connecting;
    std::int64_t seen = 0;
    std::uint64_t applied = 0;
    stream_state state = stream_state::ok;
};

std::chrono::milliseconds left_until(clock::time_point deadline)
{
    return std::chrono::floor<std::chrono::milliseconds>(deadline - clock::now());
}

// The server ends a statement a little before we would have to close the connection.
std::chrono::milliseconds server_share(std::chrono::milliseconds left)
{
    const auto margin = std::min(std::chrono::milliseconds{50}, left / 10);
    return std::max(std::chrono::milliseconds{1}, left - margin);
}

boost::asio::awaitable<void> bring_up_to_head(std::shared_ptr<sync_job> job)
{
    const auto& self = job->self;
    job->reached = phase::locking;
    job->applied = 0;
    std::vector<std::string> only{job->stream};
    const auto cursors = co_await self->cursors.lock(std::move(only), server_share(left_until(job->deadline)));
    const auto& cursor = cursors.at(0);
    job->state = cursor.state;
    job->seen = cursor.applied;
    if (cursor.state != stream_state::ok) {
        co_return;
    }
    job->reached = phase::working;
    // Only now, under the lock, is it certain that nobody else applies what is read.
    auto applied = cursor.applied;
    for (;;) {
        auto events = co_await self->store.read_stream(job->stream, applied, page);
        const bool last = events.size() < page;
        if (!events.empty()) {
            applied = events.back().version;
        }
        self->keep_handled(events);
        if (!events.empty()) {
            co_await self->what.apply(self->read, events);
            job->applied += events.size();
        }
        if (last) {
            break;
        }
    }
    if (applied != cursor.applied) {
        co_await self->cursors.set_applied(job->stream, applied);
    }
}

boost::asio::awaitable<void> run(std::shared_ptr<sync_job> job)
{
    co_await job->self->prepare();
    const auto body = [job] { return bring_up_to_head(job); };
    transaction_options how{.name = "projection sync"};
    // Our own limit ends the body; this one ends, too, what follows a COMMIT whose answer was lost.
    how.timeout = std::max(std::chrono::milliseconds{1}, left_until(job->deadline));
    co_await job->self->read.transaction(body, how);
}

sync_outcome pending(pending_cause cause, std::string reason)
{
    return {.state = sync_outcome::status::pending, .cause = cause, .reason = std::move(reason)};
}

// Best effort: if it fails the stream is not parked, and a worker applies the event as if nobody had waited.
boost::asio::awaitable<void> park(std::shared_ptr<sync_job> job, std::string reason)
{
    const auto& self = job->self;
    const auto budget = self->how.park_budget;
    std::exception_ptr error;
    bool parked = false;
    try {
        parked = co_await with_timeout(
            budget, self->cursors.park(job->stream, job->seen, 0, self->retry_delay(1), reason, server_share(budget)));
    }
    catch (...) {
        error = std::current_exception();
    }
    if (error && classify(error) == failure_kind::cancelled) {
        std::rethrow_exception(error);
    }
    if (parked) {
        ++self->stats.parked;
        self->retry_rest.notify();
    }
    observe::log(
        observe::level::warn, "[SYNC PROJECTION PENDING] rolled back, a worker tries again",
        {{"projection", self->name}, {"stream", job->stream}, {"parked", parked}, {"reason", reason}});
}

// What a failure means for the caller, and whether the stream is to be parked.
sync_outcome judge(const sync_job& job, const std::exception_ptr& error)
{
    const auto kind = classify(error);
    const auto said = describe(error);
    const bool limit =
        kind == failure_kind::statement_limit || kind == failure_kind::client_limit || kind == failure_kind::lock_limit;
    if (job.reached == phase::locking && limit) {
        return pending(pending_cause::busy, "somebody else is at work on the stream");
    }
    if (job.reached == phase::working && limit) {
        return pending(pending_cause::time_limit, fmt::format("not done within the time limit: {}", said));
    }
    if (job.reached == phase::working && kind == failure_kind::deterministic) {
        return pending(pending_cause::failed, said);
    }
    return pending(pending_cause::unavailable, said);
}

void refuse_what_waiting_cannot_help(const std::exception_ptr& error)
{
    if (classify(error) == failure_kind::cancelled) {
        std::rethrow_exception(error);
    }
    try {
        std::rethrow_exception(error);
    }
    catch (const store_changed&) {
        throw;
    }
    catch (...) {
        return;
    }
}

boost::asio::awaitable<sync_outcome> attempt(std::shared_ptr<sync_job> job)
{
    const auto left = left_until(job->deadline);
    if (left.count() <= 0) {
        co_return pending(pending_cause::unavailable, "no time was left to begin");
    }
    std::exception_ptr error;
    try {
        co_await with_timeout(left, run(job));
    }
    catch (...) {
        error = std::current_exception();
    }
    if (!error) {
        if (job->state == stream_state::parked) {
            co_return pending(pending_cause::parked_before, "an earlier event of the stream waits for its retry");
        }
        if (job->state == stream_state::dead) {
            co_return pending(pending_cause::dead, "the stream was given up; see proj.dead_letter");
        }
        job->self->stats.applied += job->applied;
        co_return sync_outcome{};
    }
    refuse_what_waiting_cannot_help(error);
    auto outcome = judge(*job, error);
    if (outcome.cause == pending_cause::time_limit || outcome.cause == pending_cause::failed) {
        co_await park(job, outcome.reason);
    }
    co_return outcome;
}

} // namespace

boost::asio::awaitable<sync_outcome>
project_stream(std::shared_ptr<engine_state> self, std::string stream, std::chrono::steady_clock::time_point deadline)
{
    const auto began = clock::now();
    if (self->read.in_transaction(co_await boost::asio::this_coro::executor)) {
        throw std::logic_error(fmt::format(
            "projection '{}': project_sync was called inside a transaction of database '{}': its events are not "
            "committed yet; call it after the transaction",
            self->name, self->read.name()));
    }
    const auto job = std::make_shared<sync_job>();
    job->self = self;
    job->stream = std::move(stream);
    job->deadline = deadline;
    auto outcome = co_await attempt(job);
    ++(outcome.done() ? self->stats.sync_done : self->stats.sync_pending);
    if (self->how.on_sync) {
        self->how.on_sync(clock::now() - began, outcome);
    }
    co_return outcome;
}

} // namespace tradecore::projection
