// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/deadline.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>

namespace tradecore::resilience {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{std::chrono::hours(1)};

time_point moment(std::int64_t ticks)
{
    return time_point(duration(ticks));
}

TEST(deadline, passes_at_its_moment)
{
    const auto limit = deadline::after(start, 10ms);
    EXPECT_FALSE(limit.has_passed(start + 9ms));
    EXPECT_TRUE(limit.has_passed(start + 10ms));
    EXPECT_EQ(limit.remaining(start + 4ms), 6ms);
    EXPECT_EQ(limit.remaining(start + 10ms), 0ms);
    EXPECT_EQ(limit.remaining(start + 1h), 0ms);
}

TEST(deadline, is_never_unless_said_otherwise)
{
    EXPECT_TRUE(deadline().is_never());
    EXPECT_EQ(deadline(), deadline::never());
    EXPECT_FALSE(deadline::never().has_passed(time_point::max()));
    EXPECT_EQ(deadline::never().remaining(start), duration::max());
    EXPECT_TRUE(deadline::never().leaves_room_for(duration::max(), start));
}

TEST(deadline, saturates_where_a_limit_does_not_fit)
{
    EXPECT_TRUE(deadline::after(start, std::chrono::hours::max()).is_never());
    EXPECT_TRUE(deadline::after(start, std::chrono::milliseconds::max()).is_never());
    EXPECT_TRUE(deadline::after(time_point::max(), 1ns).is_never());
    EXPECT_TRUE(deadline::after(start, std::chrono::hours::min()).has_passed(start));
    EXPECT_EQ(deadline::at(time_point::min()).remaining(time_point::max()), 0ns);
    EXPECT_EQ(deadline::at(start).remaining(time_point::min()), duration::max());
}

TEST(deadline, of_two_the_earlier_is_the_tightest)
{
    const auto soon = deadline::at(start);
    const auto late = deadline::at(start + 1s);
    EXPECT_EQ(tightest(soon, late), soon);
    EXPECT_EQ(tightest(late, soon), soon);
    EXPECT_EQ(tightest(deadline::never(), late), late);
}

TEST(deadline, has_room_only_for_what_ends_before_it)
{
    const auto limit = deadline::after(start, 10ms);
    EXPECT_TRUE(limit.leaves_room_for(9ms, start));
    EXPECT_FALSE(limit.leaves_room_for(10ms, start));
    EXPECT_FALSE(limit.leaves_room_for(0ms, start + 10ms));
}

TEST(time, is_converted_without_overflow)
{
    EXPECT_EQ(saturate(std::chrono::hours::max()), duration::max());
    EXPECT_EQ(saturate(std::chrono::hours::min()), duration::min());
    EXPECT_EQ(saturate(std::chrono::duration<double>(1e300)), duration::max());
    EXPECT_EQ(saturate(1'500us), 1'500us);
    EXPECT_EQ(saturating_distance(time_point::min(), start), duration::max());
    EXPECT_EQ(saturating_distance(time_point::min(), time_point::min()), 0ns);
}

RC_GTEST_PROP(time, sums_as_numbers_without_bounds_do_and_then_clips, (std::int64_t left, std::int64_t right))
{
    const auto exact = static_cast<__int128>(left) + right;
    const auto clip = [](__int128 value) {
        const __int128 least = INT64_MIN;
        const __int128 most = INT64_MAX;
        return duration(static_cast<std::int64_t>(value < least ? least : value > most ? most : value));
    };
    RC_ASSERT(saturating_sum(duration(left), duration(right)) == clip(exact));
    RC_ASSERT(saturating_distance(moment(left), moment(right)) == clip(static_cast<__int128>(right) - left));
}

RC_GTEST_PROP(deadline, never_has_more_left_than_its_limit, (std::int64_t now, std::int64_t limit, std::uint32_t later))
{
    const auto until = deadline::after(moment(now), duration(limit));
    RC_PRE(!until.is_never());
    const auto then = saturating_sum(moment(now), duration(later));
    RC_ASSERT(until.remaining(then) >= duration::zero());
    RC_ASSERT(until.remaining(then) <= std::max(duration(limit), duration::zero()));
    RC_ASSERT(until.has_passed(then) == (until.remaining(then) == duration::zero()));
}

} // namespace
} // namespace tradecore::resilience
