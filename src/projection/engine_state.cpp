// SPDX-License-Identifier: Apache-2.0
#include "projection/engine_state.hpp"

#include "projection/backoff.hpp"

#include <tradecore/projection/errors.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tradecore::projection {

namespace {

options checked(options how, const projector& what)
{
    const auto refuse = [&](const std::string& reason) {
        throw std::invalid_argument(fmt::format("projection '{}': {}", what.name(), reason));
    };
    if (what.name().empty()) {
        throw std::invalid_argument("a projector needs a name");
    }
    if (what.version() < 1) {
        refuse(fmt::format("version {} is below 1", what.version()));
    }
    if (how.source.empty()) {
        refuse("the source needs a name");
    }
    if (how.sync_budget.count() <= 0 || how.park_budget.count() <= 0 || how.statement_limit.count() <= 0 ||
        how.batch_target.count() <= 0 || how.idle_poll.count() <= 0 || how.linger.count() < 0) {
        refuse("time limits must be positive");
    }
    if (how.min_batch < 1 || how.max_batch < how.min_batch) {
        refuse(fmt::format("batches of {} to {} events make no sense", how.min_batch, how.max_batch));
    }
    if (how.max_attempts < 1) {
        refuse("max_attempts is below 1");
    }
    for (const auto& policy : {how.retry, how.outage}) {
        if (policy.base.count() <= 0 || policy.cap < policy.base) {
            refuse("a backoff needs a positive base and a cap that is not below it");
        }
    }
    return how;
}

} // namespace

engine_state::engine_state(events::event_store& from, database& to, projector& with, options settings)
    : store(from), read(to), what(with), how(checked(std::move(settings), with)), name(with.name()),
      cursors(to, name, with.version(), how.source), random_(std::random_device{}())
{}

boost::asio::awaitable<void> engine_state::prepare()
{
    if (prepared_) {
        co_return;
    }
    const auto info = co_await store.info();
    const auto found = co_await cursors.prepare(info.epoch);
    if (found.epoch != info.epoch) {
        throw store_changed(name, found.epoch, info.epoch);
    }
    // Asked after the checkpoint was read: in between the store can only have grown.
    const auto head = co_await store.head();
    if (found.position > head) {
        throw store_changed(name, found.position, head);
    }
    stats.checkpoint = found.position;
    prepared_ = true;
}

void engine_state::keep_handled(std::vector<events::recorded_event>& batch) const
{
    std::erase_if(batch, [&](const events::recorded_event& event) { return !what.mode_of(event.type).has_value(); });
}

std::chrono::milliseconds engine_state::retry_delay(int attempt)
{
    return backoff(how.retry, attempt, std::uniform_real_distribution<>(0.0, 1.0)(random_));
}

std::chrono::milliseconds engine_state::outage_delay(int attempt)
{
    return backoff(how.outage, attempt, std::uniform_real_distribution<>(0.0, 1.0)(random_));
}

void engine_state::stop() noexcept
{
    ++generation_;
    async_rest.notify();
    retry_rest.notify();
}

} // namespace tradecore::projection
