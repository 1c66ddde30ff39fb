// SPDX-License-Identifier: Apache-2.0
#include "projection/batch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tradecore::projection {

stream_state parse_stream_state(std::string_view text)
{
    if (text == "ok") {
        return stream_state::ok;
    }
    if (text == "parked") {
        return stream_state::parked;
    }
    if (text == "dead") {
        return stream_state::dead;
    }
    throw std::invalid_argument(fmt::format("proj.stream.state is '{}', not ok, parked or dead", text));
}

std::vector<std::string> streams_of(std::span<const event_key> events)
{
    std::vector<std::string_view> names;
    names.reserve(events.size());
    for (const auto& event : events) {
        names.push_back(event.stream);
    }
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return {names.begin(), names.end()};
}

batch_plan plan_batch(std::span<const event_key> events, std::span<const stream_cursor> cursors)
{
    batch_plan plan;
    plan.apply.reserve(events.size());
    std::vector<std::int64_t> reached;
    reached.reserve(cursors.size());
    for (const auto& cursor : cursors) {
        reached.push_back(cursor.applied);
    }
    for (const auto& event : events) {
        const auto found = std::ranges::lower_bound(cursors, event.stream, {}, &stream_cursor::stream);
        if (found == cursors.end() || found->stream != event.stream) {
            throw std::logic_error(fmt::format("stream '{}' has no cursor", event.stream));
        }
        auto& version = reached[static_cast<std::size_t>(found - cursors.begin())];
        bool wanted = false;
        if (event.version <= version) {
            ++plan.skipped;
        }
        else if (found->state != stream_state::ok) {
            ++plan.held_back;
        }
        else {
            version = event.version;
            wanted = true;
        }
        plan.apply.push_back(wanted);
    }
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        if (reached[i] != cursors[i].applied) {
            plan.moved.push_back({.stream = cursors[i].stream, .applied = reached[i], .state = stream_state::ok});
        }
    }
    return plan;
}

std::size_t
next_batch_size(std::size_t limit, std::size_t got, double share, std::size_t smallest, std::size_t greatest) noexcept
{
    if (share > 1.0) {
        return std::clamp(limit / 2, smallest, greatest);
    }
    // Only a full batch that was quick says that more would have been welcome.
    if (got >= limit && share < 0.5) {
        return std::clamp(limit * 2, smallest, greatest);
    }
    return std::clamp(limit, smallest, greatest);
}

} // namespace tradecore::projection
