// SPDX-License-Identifier: Apache-2.0
#include "projection/retry_worker.hpp"

#include "projection/failure.hpp"
#include "projection/isolation.hpp"
#include "projection/outage.hpp"

#include <tradecore/observe/log.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace tradecore::projection {

namespace {

constexpr std::size_t page = 1'000;
constexpr int most_failures_in_a_row = 10;

enum class verdict { nothing_due, revived, later, dead };

struct retry_job {
    std::shared_ptr<engine_state> self;
    std::optional<due_stream> due;
    std::uint64_t applied = 0;
    verdict result = verdict::nothing_due;
    failed_event failed;
};

// Writes down that a try failed: one more is due, or that was the last.
boost::asio::awaitable<void> note_failure(std::shared_ptr<retry_job> job, std::int64_t applied)
{
    const auto& self = job->self;
    // Who got on has met another event, which has its own tries.
    const int attempts = applied > job->due->applied ? 1 : job->due->attempts + 1;
    if (attempts >= self->how.max_attempts) {
        job->result = verdict::dead;
        co_await self->cursors.give_up(*job->due, applied, attempts, job->failed);
    }
    else {
        job->result = verdict::later;
        co_await self->cursors.try_later(*job->due, applied, attempts, job->failed, self->retry_delay(attempts));
    }
}

boost::asio::awaitable<void> retry_body(std::shared_ptr<retry_job> job)
{
    const auto& self = job->self;
    job->applied = 0;
    job->result = verdict::nothing_due;
    job->due = co_await self->cursors.take_due(self->how.statement_limit);
    if (!job->due) {
        co_return;
    }
    auto applied = job->due->applied;
    for (;;) {
        auto events = co_await self->store.read_stream(job->due->stream, applied, page);
        const bool last = events.size() < page;
        const auto end = events.empty() ? applied : events.back().version;
        self->keep_handled(events);
        const auto handled = std::make_shared<std::vector<events::recorded_event>>(std::move(events));
        auto result = co_await apply_isolated(self, handled);
        job->applied += result.applied;
        if (!result.failed.empty()) {
            job->failed = std::move(result.failed.front());
            co_await note_failure(job, job->failed.version - 1);
            co_return;
        }
        applied = end;
        if (last) {
            break;
        }
    }
    job->result = verdict::revived;
    co_await self->cursors.revive(job->due->stream, applied);
}

void count(const retry_job& job)
{
    auto& stats = job.self->stats;
    stats.applied += job.applied;
    if (job.result == verdict::revived) {
        ++stats.retried;
    }
    if (job.result == verdict::dead) {
        ++stats.dead;
        observe::log(
            observe::level::error, "[PROJECTION DEAD LETTER] a stream was given up",
            {{"projection", job.self->name},
             {"stream", job.failed.stream},
             {"version", job.failed.version},
             {"type", job.failed.type},
             {"error", job.failed.error}});
    }
}

} // namespace

boost::asio::awaitable<bool> retry_one(std::shared_ptr<engine_state> self)
{
    co_await self->prepare();
    const auto job = std::make_shared<retry_job>();
    job->self = self;
    std::exception_ptr error;
    try {
        const auto body = [job] { return retry_body(job); };
        co_await self->read.transaction(body, {.name = "projection retry"});
    }
    catch (...) {
        error = std::current_exception();
    }
    if (error) {
        if (!job->due || !blames_event(classify(error))) {
            std::rethrow_exception(error);
        }
        // Everything was rolled back and no event stands accused; the stream has had its try all the same.
        job->applied = 0;
        job->failed = {.stream = job->due->stream, .version = 0, .id = {}, .type = {}, .error = describe(error)};
        co_await note_failure(job, job->due->applied);
    }
    count(*job);
    co_return job->result != verdict::nothing_due;
}

boost::asio::awaitable<void> run_retries(std::shared_ptr<engine_state> self, std::uint64_t generation)
{
    outage_watch outages(self, "retry");
    while (!self->stopped(generation)) {
        std::exception_ptr error;
        auto pause = std::chrono::milliseconds::zero();
        try {
            const bool worked = co_await retry_one(self);
            if (!worked) {
                const auto due = co_await self->cursors.until_due();
                // Not 0: a stream that is due and was not taken is in somebody else's hands.
                pause =
                    std::clamp(due.value_or(self->how.idle_poll), std::chrono::milliseconds{1}, self->how.idle_poll);
            }
        }
        catch (...) {
            error = std::current_exception();
        }
        if (error) {
            pause = outages.failed(error);
        }
        else {
            outages.succeeded();
        }
        if (pause.count() > 0 && !self->stopped(generation)) {
            co_await self->retry_rest.rest(pause);
        }
    }
}

boost::asio::awaitable<void> finish_retries(std::shared_ptr<engine_state> self)
{
    outage_watch outages(self, "catch up");
    for (;;) {
        std::exception_ptr error;
        auto pause = std::chrono::milliseconds::zero();
        try {
            const bool worked = co_await retry_one(self);
            if (!worked) {
                const auto due = co_await self->cursors.until_due();
                if (!due) {
                    co_return;
                }
                pause = std::clamp(*due, std::chrono::milliseconds{1}, self->how.idle_poll);
            }
        }
        catch (...) {
            error = std::current_exception();
        }
        if (error) {
            pause = outages.failed(error, most_failures_in_a_row);
        }
        else {
            outages.succeeded();
        }
        if (pause.count() > 0) {
            co_await self->retry_rest.rest(pause);
        }
    }
}

} // namespace tradecore::projection
