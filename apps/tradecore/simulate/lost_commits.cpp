// SPDX-License-Identifier: Apache-2.0
#include "simulate/lost_commits.hpp"

#include <tradecore/observe/log.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <utility>

namespace tradecore::app::simulate {

namespace {

/// What: the line that standard error would have got.
void write_line(const observe::record& entry)
{
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto in_second = now.time_since_epoch().count() % 1'000;
    fmt::print(
        stderr, "{:%Y-%m-%dT%H:%M:%S}.{:03}Z {}\n", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), in_second,
        observe::format_line(entry));
    std::fflush(stderr);
}

} // namespace

struct lost_commits::state {
    std::atomic<std::uint64_t> resolved = 0;
    std::atomic<std::uint64_t> unknown = 0;
    observe::sink former;
    observe::level threshold = observe::threshold();

    void take(const observe::record& entry)
    {
        if (entry.message.starts_with("[LOST COMMIT]"))
            ++(entry.message.ends_with("may have taken effect or not") ? unknown : resolved);
        if (entry.severity < threshold)
            return;
        if (former)
            former(entry);
        else
            write_line(entry);
    }
};

lost_commits::lost_commits() : state_(std::make_shared<state>())
{
    // Nobody logs yet who could meet a sink that does not know its former one.
    state_->former = observe::set_sink([to = state_](const observe::record& entry) { to->take(entry); });
    observe::set_threshold(std::min(state_->threshold, observe::level::warn));
}

lost_commits::~lost_commits()
{
    observe::set_threshold(state_->threshold);
    observe::set_sink(state_->former);
}

lost_commits::counts lost_commits::seen() const noexcept
{
    return {.resolved = state_->resolved, .unknown = state_->unknown};
}

} // namespace tradecore::app::simulate
