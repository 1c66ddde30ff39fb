// SPDX-License-Identifier: Apache-2.0
#include "projection/batch_worker.hpp"

#include "projection/batch.hpp"
#include "projection/batch_plan.hpp"
#include "projection/outage.hpp"

#include <tradecore/projection/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace tradecore::projection {

namespace {

// A wait for the store that returns sooner than this found something it had known before.
constexpr std::chrono::milliseconds quick{2};
// Pauses of 1, 2, 4 … 32 ms while an earlier position is under way.
constexpr int most_quick_returns = 6;
constexpr int most_failures_in_a_row = 10;
constexpr std::chrono::seconds between_looks_at_head{1};

boost::asio::awaitable<void>
wait_for_store(std::shared_ptr<engine_state> self, std::int64_t position, std::chrono::milliseconds at_most)
{
    co_await self->store.wait(position, at_most);
}

boost::asio::awaitable<void> wait_for_stop(std::shared_ptr<engine_state> self, std::chrono::milliseconds at_most)
{
    co_await self->async_rest.rest(at_most);
}

// Ends when the store has something, when the engine is stopped, or when `at_most` has passed.
boost::asio::awaitable<void>
wait_for_either(std::shared_ptr<engine_state> self, std::int64_t position, std::chrono::milliseconds at_most)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto [order, store_error, rest_error] =
        co_await boost::asio::experimental::make_parallel_group(
            boost::asio::co_spawn(executor, wait_for_store(self, position, at_most), boost::asio::deferred),
            boost::asio::co_spawn(executor, wait_for_stop(self, at_most), boost::asio::deferred))
            .async_wait(boost::asio::experimental::wait_for_one(), boost::asio::use_awaitable);
    // Who comes second has been cancelled, and says so.
    if (order[0] == 0 && store_error) {
        std::rethrow_exception(store_error);
    }
    if (order[0] == 1 && rest_error) {
        std::rethrow_exception(rest_error);
    }
}

} // namespace

batch_worker::batch_worker(std::shared_ptr<engine_state> self) : self_(std::move(self)), limit_(self_->how.min_batch) {}

boost::asio::awaitable<batch_worker::step_result> batch_worker::step()
{
    std::exception_ptr error;
    try {
        co_return co_await next_batch();
    }
    catch (...) {
        error = std::current_exception();
    }
    // Whether the batch was committed is not certain: begin again where the checkpoint is.
    reader_.reset();
    std::rethrow_exception(error);
}

boost::asio::awaitable<batch_worker::step_result> batch_worker::next_batch()
{
    co_await self_->prepare();
    if (!reader_) {
        const auto found = co_await self_->cursors.load_checkpoint();
        if (!found) {
            throw projection_error(self_->name, "its checkpoint has disappeared from proj.checkpoint");
        }
        position_ = found->position;
        self_->stats.checkpoint = position_;
        reader_ = self_->store.open_log(
            position_, [self = self_](std::string_view type) { return self->what.mode_of(type).has_value(); });
    }
    auto events = co_await reader_->next(limit_);
    if (events.empty()) {
        co_await look_at_head(false);
        co_return step_result::idle;
    }
    const auto got = events.size();
    const auto to = events.back().position;
    const auto began = std::chrono::steady_clock::now();
    const bool moved = co_await apply_batch(self_, std::move(events), position_, to);
    if (!moved) {
        reader_.reset();
        co_return step_result::lost;
    }
    position_ = to;
    quick_returns_ = 0;
    const auto took = std::chrono::steady_clock::now() - began;
    const auto share = std::chrono::duration<double>(took) / std::chrono::duration<double>(self_->how.batch_target);
    const bool more_waiting = got >= limit_;
    small_ = got < self_->how.min_batch;
    limit_ = next_batch_size(limit_, got, share, self_->how.min_batch, self_->how.max_batch);
    co_await look_at_head(more_waiting);
    co_return step_result::moved;
}

boost::asio::awaitable<void> batch_worker::look_at_head(bool more_waiting)
{
    if (!more_waiting) {
        self_->stats.lag = 0;
        co_return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - head_seen_ < between_looks_at_head) {
        co_return;
    }
    head_seen_ = now;
    self_->stats.lag = std::max<std::int64_t>(0, co_await self_->store.head() - position_);
}

boost::asio::awaitable<void> batch_worker::rest()
{
    if (quick_returns_ == 0) {
        const auto began = std::chrono::steady_clock::now();
        co_await wait_for_either(self_, position_, self_->how.idle_poll);
        if (std::chrono::steady_clock::now() - began < quick) {
            quick_returns_ = 1;
        }
        co_return;
    }
    // The store had said that there is something, and there was nothing safe: an earlier position is still
    // under way. Asking again at once would only burn time.
    co_await self_->async_rest.rest(std::chrono::milliseconds{1 << (quick_returns_ - 1)});
    quick_returns_ = quick_returns_ < most_quick_returns ? quick_returns_ + 1 : 0;
}

boost::asio::awaitable<void> batch_worker::run(std::shared_ptr<engine_state> self, std::uint64_t generation)
{
    batch_worker worker(self);
    outage_watch outages(self, "async");
    while (!self->stopped(generation)) {
        std::exception_ptr error;
        try {
            const auto done = co_await worker.step();
            if (done == step_result::idle && !self->stopped(generation)) {
                co_await worker.rest();
            }
            else if (worker.last_batch_was_small() && !self->stopped(generation)) {
                co_await self->async_rest.rest(self->how.linger);
            }
        }
        catch (...) {
            error = std::current_exception();
        }
        if (error) {
            const auto pause = outages.failed(error);
            if (!self->stopped(generation)) {
                co_await self->async_rest.rest(pause);
            }
        }
        else {
            outages.succeeded();
        }
    }
}

boost::asio::awaitable<void> batch_worker::catch_up(std::shared_ptr<engine_state> self)
{
    batch_worker worker(self);
    outage_watch outages(self, "catch up");
    std::optional<std::int64_t> target;
    for (;;) {
        std::exception_ptr error;
        try {
            if (!target) {
                target = co_await self->store.head();
            }
            const auto done = co_await worker.step();
            if (worker.position() >= *target) {
                co_return;
            }
            if (done == step_result::idle) {
                co_await worker.rest();
            }
        }
        catch (...) {
            error = std::current_exception();
        }
        if (error) {
            const auto pause = outages.failed(error, most_failures_in_a_row);
            co_await self->async_rest.rest(pause);
        }
        else {
            outages.succeeded();
        }
    }
}

} // namespace tradecore::projection
