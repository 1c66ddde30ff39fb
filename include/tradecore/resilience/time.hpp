// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

/// Pure machines against failure: they neither wait nor look at a clock, time and chance are passed in.
namespace tradecore::resilience {

/// Monotonic: setting the time of day moves no limit.
using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

/// @returns `value` in the clock's unit; what does not fit is the longest or the shortest there is.
template <class Rep, class Period>
[[nodiscard]] constexpr duration saturate(std::chrono::duration<Rep, Period> value) noexcept
{
    using wide = std::chrono::duration<double, duration::period>;
    if (wide(value) >= wide(duration::max()))
        return duration::max();
    if (wide(value) <= wide(duration::min()))
        return duration::min();
    return std::chrono::duration_cast<duration>(value);
}

/// @returns `left + right`; what does not fit is the longest or the shortest there is.
[[nodiscard]] constexpr duration saturating_sum(duration left, duration right) noexcept
{
    if (right > duration::zero() && left > duration::max() - right)
        return duration::max();
    if (right < duration::zero() && left < duration::min() - right)
        return duration::min();
    return left + right;
}

/// @returns `from + span`; what does not fit is the last or the first moment there is.
[[nodiscard]] constexpr time_point saturating_sum(time_point from, duration span) noexcept
{
    return time_point(saturating_sum(from.time_since_epoch(), span));
}

/// @returns how long it is from `from` to `to`, negative when that was before.
[[nodiscard]] constexpr duration saturating_distance(time_point from, time_point to) noexcept
{
    const duration begin = from.time_since_epoch();
    if (begin == duration::min())
        return saturating_sum(saturating_sum(to.time_since_epoch(), duration::max()), duration(1));
    return saturating_sum(to.time_since_epoch(), -begin);
}

} // namespace tradecore::resilience
