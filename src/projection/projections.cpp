// SPDX-License-Identifier: Apache-2.0
#include "projection/rate_watch.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/projection/projections.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace tradecore::projection {

namespace {

using clock = std::chrono::steady_clock;
using hook = std::function<void(std::chrono::nanoseconds, const sync_outcome&)>;

boost::asio::awaitable<sync_outcome> nothing_to_wait_for()
{
    co_return sync_outcome{};
}

// One projection of one stream is awaited in place, without another coroutine's start.
boost::asio::awaitable<sync_outcome> wait_for_all(std::vector<boost::asio::awaitable<sync_outcome>> calls, hook told)
{
    const auto began = clock::now();
    std::vector<sync_outcome> outcomes;
    if (calls.size() == 1) {
        outcomes.push_back(co_await std::move(calls.front()));
    }
    else {
        outcomes = co_await when_all(std::move(calls));
    }
    const auto first_pending = std::ranges::find_if_not(outcomes, &sync_outcome::done);
    auto outcome = first_pending == outcomes.end() ? sync_outcome{} : std::move(*first_pending);
    if (told) {
        told(clock::now() - began, outcome);
    }
    co_return outcome;
}

} // namespace

struct projections::implementation {
    projections_options how;
    std::vector<std::unique_ptr<engine>> engines;
    std::set<std::tuple<std::string, int, std::string>> names;
    rate_watch rate;
};

projections::projections(projections_options how)
    : self_(std::make_unique<implementation>(implementation{
          .how = how, .engines = {}, .names = {}, .rate = rate_watch(how.warn_above, how.warn_after_events)}))
{}

projections::~projections() = default;

engine& projections::add(events::event_store& store, database& read, projector& what, options how)
{
    auto made = std::make_unique<engine>(store, read, what, how);
    const auto [place, is_new] = self_->names.emplace(what.name(), what.version(), how.source);
    if (!is_new) {
        throw std::invalid_argument(fmt::format(
            "projection '{}' version {} of source '{}' is there already", what.name(), what.version(), how.source));
    }
    self_->engines.push_back(std::move(made));
    return *self_->engines.back();
}

boost::asio::awaitable<void> projections::prepare()
{
    std::vector<boost::asio::awaitable<void>> all;
    for (const auto& each : self_->engines) {
        all.push_back(each->prepare());
    }
    return when_all(std::move(all));
}

boost::asio::awaitable<sync_outcome> projections::project_sync(const std::vector<events::recorded_event>& appended)
{
    const auto deadline = clock::now() + self_->how.sync_budget;
    std::vector<boost::asio::awaitable<sync_outcome>> calls;
    for (const auto& each : self_->engines) {
        std::set<std::string_view> streams;
        for (const auto& event : appended) {
            if (each->projected().mode_of(event.type) == mode::sync) {
                streams.insert(event.stream);
            }
        }
        for (const auto stream : streams) {
            calls.push_back(each->project_sync(std::string(stream), deadline));
        }
    }
    const auto crossed = self_->rate.count(appended.size(), !calls.empty());
    if (crossed) {
        observe::log(
            observe::level::warn,
            fmt::format(
                "[SYNC RATE] {:.1f}% of events made their caller wait for a projection (more than {:.0f}%)",
                *crossed * 100, self_->how.warn_above * 100),
            {{"appends_waited", rate().appends_waited}, {"events", rate().events}});
    }
    if (calls.empty()) {
        return nothing_to_wait_for();
    }
    return wait_for_all(std::move(calls), self_->how.on_sync);
}

boost::asio::awaitable<void> projections::run()
{
    std::vector<boost::asio::awaitable<void>> all;
    for (const auto& each : self_->engines) {
        all.push_back(each->run_async());
        all.push_back(each->run_retry());
    }
    return when_all(std::move(all));
}

boost::asio::awaitable<void> projections::catch_up()
{
    std::vector<boost::asio::awaitable<void>> all;
    for (const auto& each : self_->engines) {
        all.push_back(each->catch_up());
    }
    return when_all(std::move(all));
}

void projections::stop() noexcept
{
    for (const auto& each : self_->engines) {
        each->stop();
    }
}

bool projections::waits_for(std::string_view event_type) const
{
    return std::ranges::any_of(
        self_->engines, [&](const auto& each) { return each->projected().mode_of(event_type) == mode::sync; });
}

sync_rate projections::rate() const noexcept
{
    return self_->rate.figures();
}

engine_stats projections::stats() const noexcept
{
    engine_stats sum;
    bool first = true;
    for (const auto& each : self_->engines) {
        const auto one = each->stats();
        sum.applied += one.applied;
        sum.skipped += one.skipped;
        sum.held_back += one.held_back;
        sum.parked += one.parked;
        sum.retried += one.retried;
        sum.dead += one.dead;
        sum.batches += one.batches;
        sum.lost_races += one.lost_races;
        sum.outages += one.outages;
        sum.sync_done += one.sync_done;
        sum.sync_pending += one.sync_pending;
        sum.checkpoint = first ? one.checkpoint : std::min(sum.checkpoint, one.checkpoint);
        sum.lag = std::max(sum.lag, one.lag);
        first = false;
    }
    return sum;
}

std::span<const std::unique_ptr<engine>> projections::engines() const noexcept
{
    return self_->engines;
}

} // namespace tradecore::projection
