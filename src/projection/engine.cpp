// SPDX-License-Identifier: Apache-2.0
#include "projection/batch_worker.hpp"
#include "projection/engine_state.hpp"
#include "projection/retry_worker.hpp"
#include "projection/sync_path.hpp"

#include <tradecore/projection/engine.hpp>

#include <utility>

namespace tradecore::projection {

namespace {

// Frames own the state; what the engine object does meanwhile does not matter to them.
boost::asio::awaitable<void> prepare_state(std::shared_ptr<engine_state> state)
{
    co_await state->prepare();
}

boost::asio::awaitable<void> catch_up_state(std::shared_ptr<engine_state> state)
{
    co_await batch_worker::catch_up(state);
    co_await finish_retries(state);
}

boost::asio::awaitable<bool> revive_dead(std::shared_ptr<engine_state> state, std::string stream, bool skip)
{
    const bool revived = co_await state->cursors.retry_dead(std::move(stream), skip);
    if (revived) {
        state->retry_rest.notify();
    }
    co_return revived;
}

} // namespace

engine::engine(events::event_store& store, database& read, projector& what, options how)
    : state_(std::make_shared<engine_state>(store, read, what, std::move(how)))
{}

engine::~engine() = default;

boost::asio::awaitable<void> engine::prepare()
{
    return prepare_state(state_);
}

boost::asio::awaitable<sync_outcome> engine::project_sync(std::string stream)
{
    return project_stream(state_, std::move(stream), clock::now() + state_->how.sync_budget);
}

boost::asio::awaitable<sync_outcome> engine::project_sync(std::string stream, clock::time_point deadline)
{
    return project_stream(state_, std::move(stream), deadline);
}

boost::asio::awaitable<void> engine::run_async()
{
    return batch_worker::run(state_, state_->generation());
}

boost::asio::awaitable<void> engine::run_retry()
{
    return run_retries(state_, state_->generation());
}

boost::asio::awaitable<void> engine::catch_up()
{
    return catch_up_state(state_);
}

void engine::stop() noexcept
{
    state_->stop();
}

boost::asio::awaitable<bool> engine::retry_dead(std::string stream)
{
    return revive_dead(state_, std::move(stream), false);
}

boost::asio::awaitable<bool> engine::skip_dead(std::string stream)
{
    return revive_dead(state_, std::move(stream), true);
}

engine_stats engine::stats() const noexcept
{
    return state_->stats;
}

const projector& engine::projected() const noexcept
{
    return state_->what;
}

} // namespace tradecore::projection
