// SPDX-License-Identifier: Apache-2.0
#include "projection/rate_watch.hpp"

namespace tradecore::projection {

double sync_rate::value() const noexcept
{
    return events == 0 ? 0.0 : static_cast<double>(appends_waited) / static_cast<double>(events);
}

std::optional<double> rate_watch::count(std::uint64_t events, bool waited)
{
    figures_.events += events;
    figures_.appends_waited += waited ? 1 : 0;
    const auto rate = figures_.value();
    const bool was_above = above_;
    above_ = figures_.events >= after_events_ && rate > limit_;
    if (above_ && !was_above) {
        return rate;
    }
    return std::nullopt;
}

} // namespace tradecore::projection
