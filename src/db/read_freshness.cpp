// SPDX-License-Identifier: Apache-2.0
#include "db/read_freshness.hpp"

#include <algorithm>
#include <ranges>

namespace tradecore::detail {

using resilience::saturating_distance;
using resilience::saturating_sum;

namespace {

constexpr std::chrono::milliseconds shortest_pause{10};

} // namespace

read_freshness::duration read_freshness::pause_for(duration bound) noexcept
{
    const auto usual = std::clamp<duration>(bound / 4, shortest_pause, std::chrono::seconds(1));
    return std::max<duration>(usual, bound / 64);
}

bool read_freshness::begin_question(time_point now, duration bound) noexcept
{
    if (is_asking_ || (last_question_ && saturating_distance(*last_question_, now) < pause_for(bound)))
        return false;
    last_question_ = now;
    is_asking_ = true;
    return true;
}

void read_freshness::primary_was(time_point asked, const log_position& at)
{
    is_asking_ = false;
    if (at.cluster == cluster_ && at.timeline < timeline_)
        return; // one that was primary once, and does not know yet that it is no more
    if (at.cluster != cluster_ || at.timeline != timeline_)
        answers_.clear();
    cluster_ = at.cluster;
    timeline_ = at.timeline;
    if (!answers_.empty() && asked <= answers_.back().asked)
        return;
    if (answers_.size() >= most_)
        make_room();
    answers_.push_back({asked, at.location});
}

// Every other one goes but for the newest quarter: old answers are needed for standbys that are far behind, where the
// exact moment matters less.
void read_freshness::make_room()
{
    std::deque<answer> kept;
    const auto newest = answers_.size() - answers_.size() / 4;
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        if (i >= newest || i % 2 == 1)
            kept.push_back(answers_[i]);
    }
    answers_ = std::move(kept);
}

bool read_freshness::can_prove(time_point now, duration bound) const noexcept
{
    return !answers_.empty() && saturating_sum(answers_.back().asked, bound) >= now;
}

std::optional<read_freshness::time_point> read_freshness::has_all_before(const log_position& replayed) const noexcept
{
    // A place says nothing on another timeline: what was replayed may have been written by a primary that was left.
    if (replayed.cluster != cluster_ || replayed.timeline != timeline_)
        return std::nullopt;
    // Not by halves: after a crash the log of a primary may end before a place that it has told.
    for (const auto& each : answers_ | std::views::reverse) {
        if (each.location <= replayed.location)
            return each.asked;
    }
    return std::nullopt;
}

read_freshness::approach
read_freshness::approach_to(const pg::host_address& server, time_point now, duration bound) const noexcept
{
    const auto found = std::ranges::find(old_, server, &old_server::where);
    if (found == old_.end() || bound > found->bound)
        return approach::together;
    return now < found->until ? approach::not_now : approach::alone;
}

void read_freshness::found_old(const pg::host_address& server, time_point now, duration bound)
{
    // When the primary was not asked as long ago as that, the standby may just have missed the first answer.
    const bool is_certain = !answers_.empty() && saturating_sum(answers_.front().asked, bound) <= now;
    const auto until = saturating_sum(now, is_certain ? pause_for(bound) : shortest_pause);
    const auto found = std::ranges::find(old_, server, &old_server::where);
    if (found == old_.end())
        old_.push_back({server, until, bound});
    else
        *found = {server, until, std::max(bound, found->bound)};
}

void read_freshness::found_new(const pg::host_address& server, duration bound) noexcept
{
    std::erase_if(old_, [&](const old_server& each) { return each.where == server && each.bound >= bound; });
}

} // namespace tradecore::detail
