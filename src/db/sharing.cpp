// SPDX-License-Identifier: Apache-2.0
#include "db/sharing.hpp"

#include <algorithm>
#include <stdexcept>

namespace tradecore {

void sharing_options::validate() const
{
    if (window < 1)
        throw std::invalid_argument("sharing_options.window must be at least 1");
    if (patience.count() <= 0)
        throw std::invalid_argument("sharing_options.patience must be positive");
    if (patience > std::chrono::hours(24 * 365 * 100)) // the clock can hold no more than 292 years
        throw std::invalid_argument("sharing_options.patience must not be above 100 years");
}

namespace detail {
namespace {

constexpr int weight_of_news = 8;
/// A statement never met: a few of them may go together.
constexpr int unknown_part_of_patience = 4;
/// How slowly a round trip that was quick once is forgotten.
constexpr int forgetting = 64;

} // namespace

void expected_time::learn(duration took) noexcept
{
    time_ = time_.count() < 0 ? took : time_ + (took - time_) / weight_of_news;
}

sharing::weight sharing::weight_of(const expected_time& time) const noexcept
{
    const auto whole = time.known().value_or(options_.patience / unknown_part_of_patience);
    constexpr duration most = std::chrono::hours(1);
    return std::chrono::duration_cast<weight>(std::clamp(whole, duration::zero(), most));
}

void sharing::begin(slot which, duration weight, time_point now)
{
    if (records_.size() <= which)
        records_.resize(which + 1);
    record& on = records_[which];
    if (on.users == 0) {
        on = {.place = busy_.size(), .progress = now, .was_empty = true};
        busy_.push_back(which);
    }
    ++on.users;
    on.backlog += weight;
    ++statements_;
}

void sharing::end(slot which, duration weight, expected_time* time, time_point now)
{
    record& on = records_[which];
    --on.users;
    --statements_;
    on.backlog -= weight;
    if (time != nullptr) {
        auto took = now - on.progress;
        if (on.was_empty) {
            // The way there and back is in it, which the next ones do not take.
            round_trip_ =
                round_trip_.count() == 0 ? took : std::min(took, round_trip_ + (took - round_trip_) / forgetting);
            took -= round_trip_;
        }
        time->learn(took);
        on.progress = now;
        on.was_empty = false;
    }
    if (on.stuck && (time != nullptr || on.users == 0)) {
        on.stuck = false;
        --stuck_;
    }
    if (on.users > 0)
        return;
    busy_[on.place] = busy_.back();
    records_[busy_[on.place]].place = on.place;
    busy_.pop_back();
}

bool sharing::has_room(slot which, duration weight) const noexcept
{
    const record& on = records_[which];
    return !on.stuck && on.users < options_.window && on.backlog + weight <= options_.patience;
}

std::vector<sharing::slot> sharing::take_stuck(time_point now)
{
    std::vector<slot> stuck;
    for (const slot which : busy_) {
        record& on = records_[which];
        if (on.users < 2 || on.stuck || now - on.progress < limit_of_silence())
            continue;
        on.stuck = true;
        ++stuck_;
        stuck.push_back(which);
    }
    return stuck;
}

std::optional<sharing::time_point> sharing::next_look() const noexcept
{
    std::optional<time_point> next;
    for (const slot which : busy_) {
        const record& on = records_[which];
        if (on.users > 1 && !on.stuck)
            next = std::min(next.value_or(time_point::max()), on.progress + limit_of_silence());
    }
    return next;
}

} // namespace detail
} // namespace tradecore
