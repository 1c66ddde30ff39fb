// SPDX-License-Identifier: Apache-2.0
#include "projection/batch.hpp"

#include "projection/batch_plan.hpp"
#include "projection/failure.hpp"
#include "projection/isolation.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/projection/errors.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>

namespace tradecore::projection {

namespace {

// Thrown to roll a batch back; never leaves this file.
class lost_race : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "somebody else has moved the checkpoint"; }
};

// What both ways of applying a batch work on; the bodies may run several times.
struct batch_job {
    std::shared_ptr<engine_state> self;
    std::vector<events::recorded_event> events;
    std::int64_t from = 0;
    std::int64_t to = 0;
    // The projector has been called: a failure may be the events'.
    bool applying = false;
    std::vector<stream_cursor> cursors;
    batch_plan plan;
    std::uint64_t applied = 0;
    std::vector<failed_event> failed;
};

// Locks the cursors, plans, and moves the events to apply to the front, in order.
// @returns how many they are.
boost::asio::awaitable<std::size_t> begin(std::shared_ptr<batch_job> job)
{
    auto& events = job->events;
    job->applying = false;
    job->applied = 0;
    job->failed.clear();
    // An earlier run of this body has left them sorted otherwise.
    if (!std::ranges::is_sorted(events, {}, &events::recorded_event::position)) {
        std::ranges::sort(events, {}, &events::recorded_event::position);
    }
    std::vector<event_key> keys;
    keys.reserve(events.size());
    for (const auto& event : events) {
        keys.push_back({.stream = event.stream, .version = event.version});
    }
    job->cursors = co_await job->self->cursors.lock(streams_of(keys), job->self->how.statement_limit);
    job->plan = plan_batch(keys, job->cursors);
    keys.clear(); // its views do not survive what follows

    std::vector<events::recorded_event> passed_over;
    std::size_t count = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!job->plan.apply[i]) {
            passed_over.push_back(std::move(events[i]));
        }
        else {
            if (count != i) {
                events[count] = std::move(events[i]);
            }
            ++count;
        }
    }
    std::ranges::move(passed_over, events.begin() + static_cast<std::ptrdiff_t>(count));
    co_return count;
}

boost::asio::awaitable<void> finish(std::shared_ptr<batch_job> job)
{
    auto& cursors = job->self->cursors;
    const bool moved = co_await cursors.finish_batch(job->from, job->to, job->plan.moved);
    if (!moved) {
        throw lost_race{};
    }
}

boost::asio::awaitable<void> apply_at_once(std::shared_ptr<batch_job> job)
{
    const auto count = co_await begin(job);
    if (count > 0) {
        job->applying = true;
        co_await job->self->what.apply(job->self->read, std::span(job->events).first(count));
    }
    job->applied = count;
    co_await finish(job);
}

boost::asio::awaitable<void> apply_apart(std::shared_ptr<batch_job> job)
{
    const auto& self = job->self;
    const auto count = co_await begin(job);
    const auto wanted = std::make_shared<std::vector<events::recorded_event>>(
        job->events.begin(), job->events.begin() + static_cast<std::ptrdiff_t>(count));
    auto result = co_await apply_isolated(self, wanted);
    if (result.failed.size() > self->how.max_parked_per_batch) {
        throw too_many_failures(self->name, result.failed.size(), result.failed.front().error);
    }
    job->applied = result.applied;
    job->plan.moved.clear();
    for (const auto& [stream, version] : result.reached) {
        job->plan.moved.push_back({.stream = stream, .applied = version, .state = stream_state::ok});
    }
    co_await finish(job);
    for (const auto& event : result.failed) {
        const auto reached = result.reached.find(event.stream);
        auto seen = std::ranges::lower_bound(job->cursors, event.stream, {}, &stream_cursor::stream)->applied;
        if (reached != result.reached.end()) {
            seen = reached->second;
        }
        co_await self->cursors.park(
            event.stream, seen, event.version, self->retry_delay(1), event.error, self->how.statement_limit);
    }
    job->failed = std::move(result.failed);
}

void count(const batch_job& job)
{
    auto& stats = job.self->stats;
    ++stats.batches;
    stats.applied += job.applied;
    stats.skipped += job.plan.skipped;
    stats.held_back += job.plan.held_back;
    stats.checkpoint = job.to;
    stats.parked += job.failed.size();
    for (const auto& event : job.failed) {
        observe::log(
            observe::level::warn, "[PROJECTION PARKED] a stream waits for its retry",
            {{"projection", job.self->name},
             {"stream", event.stream},
             {"version", event.version},
             {"type", event.type},
             {"error", event.error}});
    }
    if (!job.failed.empty()) {
        job.self->retry_rest.notify();
    }
}

using body = boost::asio::awaitable<void> (*)(std::shared_ptr<batch_job>);

// @returns what went wrong, null when the batch is committed.
boost::asio::awaitable<std::exception_ptr> run(std::shared_ptr<batch_job> job, body how)
{
    std::exception_ptr error;
    try {
        const auto in_transaction = [job, how] { return how(job); };
        co_await job->self->read.transaction(in_transaction, {.name = "projection"});
    }
    catch (...) {
        error = std::current_exception();
    }
    co_return error;
}

bool is_lost_race(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const lost_race&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

} // namespace

boost::asio::awaitable<bool> apply_batch(
    std::shared_ptr<engine_state> self, std::vector<events::recorded_event> batch, std::int64_t from, std::int64_t to)
{
    const auto job = std::make_shared<batch_job>();
    job->self = self;
    job->events = std::move(batch);
    job->from = from;
    job->to = to;
    self->keep_handled(job->events);

    if (job->events.empty()) {
        const bool moved = co_await self->cursors.finish_batch(from, to, {});
        if (!moved) {
            ++self->stats.lost_races;
            co_return false;
        }
        count(*job);
        co_return true;
    }
    auto error = co_await run(job, apply_at_once);
    if (error && job->applying && !is_lost_race(error) && blames_event(classify(error))) {
        error = co_await run(job, apply_apart);
    }
    if (error && is_lost_race(error)) {
        ++self->stats.lost_races;
        co_return false;
    }
    if (error) {
        std::rethrow_exception(error);
    }
    count(*job);
    co_return true;
}

} // namespace tradecore::projection
