// SPDX-License-Identifier: Apache-2.0
#include "projection/batch_worker.hpp"
#include "projection/engine_state.hpp"
#include "projection/retry_worker.hpp"

#include <tradecore/projection/maintenance.hpp>

#include <memory>
#include <utility>

namespace tradecore::projection {

namespace {

enum class from_start { forgetting, keeping_cursors };

boost::asio::awaitable<engine_stats> run_again(std::shared_ptr<engine_state> state, from_start how)
{
    if (how == from_start::forgetting) {
        co_await state->cursors.forget();
    }
    else {
        co_await state->cursors.rewind();
    }
    co_await batch_worker::catch_up(state);
    co_await finish_retries(state);
    co_return state->stats;
}

} // namespace

boost::asio::awaitable<engine_stats> rebuild(events::event_store& store, database& read, projector& what, options how)
{
    return run_again(std::make_shared<engine_state>(store, read, what, std::move(how)), from_start::forgetting);
}

boost::asio::awaitable<engine_stats> redeliver(events::event_store& store, database& read, projector& what, options how)
{
    return run_again(std::make_shared<engine_state>(store, read, what, std::move(how)), from_start::keeping_cursors);
}

} // namespace tradecore::projection
