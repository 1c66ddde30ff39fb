// SPDX-License-Identifier: Apache-2.0
#include "projection/outage.hpp"

#include "projection/failure.hpp"

#include <tradecore/observe/log.hpp>

#include <utility>

namespace tradecore::projection {

outage_watch::outage_watch(std::shared_ptr<engine_state> self, std::string_view worker)
    : self_(std::move(self)), worker_(worker)
{}

std::chrono::milliseconds outage_watch::failed(const std::exception_ptr& error, int limit)
{
    const auto kind = classify(error);
    // What is an event's fault was dealt with below: here it would be ours, and come again for ever.
    if (kind == failure_kind::cancelled || blames_event(kind)) {
        if (kind != failure_kind::cancelled) {
            observe::log(
                observe::level::error, "[PROJECTION STOPPED] a worker ends",
                {{"projection", self_->name}, {"worker", worker_}, {"error", describe(error)}});
        }
        std::rethrow_exception(error);
    }
    ++failures_;
    ++self_->stats.outages;
    if (failures_ > limit) {
        std::rethrow_exception(error);
    }
    const auto pause = self_->outage_delay(failures_);
    if (failures_ == 1) {
        observe::log(
            observe::level::warn, "[PROJECTION WAITING] a worker tries again until it succeeds",
            {{"projection", self_->name}, {"worker", worker_}, {"error", describe(error)}});
    }
    return pause;
}

void outage_watch::succeeded()
{
    if (failures_ > 1) {
        observe::log(
            observe::level::info, "[PROJECTION RESUMED] a worker goes on",
            {{"projection", self_->name}, {"worker", worker_}, {"failures", failures_}});
    }
    failures_ = 0;
}

} // namespace tradecore::projection
