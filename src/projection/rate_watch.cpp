// SPDX-License-Identifier: Apache-2.0
#include "projection/rate_watch.hpp"

namespace tradecore::projection {

namespace {

/// A rate that stays near its limit crosses it with every other append; one that has fallen to this share of it has
/// really fallen.
constexpr double rearm_at = 0.9;

} // namespace

double sync_rate::value() const noexcept
{
    return events == 0 ? 0.0 : static_cast<double>(appends_waited) / static_cast<double>(events);
}

std::optional<double> rate_watch::count(std::uint64_t events, bool waited)
{
    figures_.events += events;
    figures_.appends_waited += waited ? 1 : 0;
    const auto rate = figures_.value();
    if (rate <= rearm_at * limit_)
        told_ = false;
    if (told_ || figures_.events < after_events_ || rate <= limit_)
        return std::nullopt;
    told_ = true;
    return rate;
}

} // namespace tradecore::projection
