// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/time.hpp>

#include <chrono>
#include <compare>

namespace tradecore::resilience {

/// When a caller stops waiting, for everything done on its behalf: queueing, all attempts, the pauses between
/// them. A point in time and no duration, so that it can be handed down without growing at each level.
///
/// A limit too far away to be counted means never. Thread safety: a value.
class deadline {
public:
    /// Never.
    constexpr deadline() noexcept = default;
    [[nodiscard]] static constexpr deadline never() noexcept { return {}; }
    [[nodiscard]] static constexpr deadline at(time_point when) noexcept { return deadline(when); }
    /// @param limit in any unit; a negative one has passed already.
    template <class Rep, class Period>
    [[nodiscard]] static constexpr deadline after(time_point now, std::chrono::duration<Rep, Period> limit) noexcept
    {
        return deadline(saturating_sum(now, saturate(limit)));
    }

    [[nodiscard]] constexpr bool is_never() const noexcept { return when_ == time_point::max(); }
    /// @returns the moment itself, `time_point::max()` for never.
    [[nodiscard]] constexpr time_point when() const noexcept { return when_; }
    [[nodiscard]] constexpr bool has_passed(time_point now) const noexcept { return !is_never() && now >= when_; }
    /// @returns what is left: zero when it has passed, `duration::max()` when it never does.
    [[nodiscard]] constexpr duration remaining(time_point now) const noexcept
    {
        if (is_never())
            return duration::max();
        return now >= when_ ? duration::zero() : saturating_distance(now, when_);
    }
    /// @returns whether something that begins now and takes so long ends before it.
    [[nodiscard]] constexpr bool leaves_room_for(duration span, time_point now) const noexcept
    {
        return is_never() || span < remaining(now);
    }

    /// The earlier is the less.
    friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;

private:
    constexpr explicit deadline(time_point when) noexcept : when_(when) {}

    time_point when_ = time_point::max();
};

/// @returns the one that comes first.
[[nodiscard]] constexpr deadline tightest(deadline one, deadline other) noexcept
{
    return other < one ? other : one;
}

} // namespace tradecore::resilience
