// SPDX-License-Identifier: Apache-2.0
#include "projection/backoff.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace tradecore::projection {

namespace {

using std::chrono::milliseconds;

constexpr backoff_policy policy{.base = milliseconds{100}, .cap = milliseconds{1'500}};

TEST(backoff, doubles_from_its_base_up_to_its_cap)
{
    constexpr double nearly_one = 0.999999;
    EXPECT_EQ(backoff(policy, 1, nearly_one), milliseconds{99});
    EXPECT_EQ(backoff(policy, 2, nearly_one), milliseconds{199});
    EXPECT_EQ(backoff(policy, 4, nearly_one), milliseconds{799});
    EXPECT_EQ(backoff(policy, 5, nearly_one), milliseconds{1'499});
    EXPECT_EQ(backoff(policy, 500, nearly_one), milliseconds{1'499});
}

TEST(backoff, takes_at_least_half)
{
    EXPECT_EQ(backoff(policy, 1, 0.0), milliseconds{50});
    EXPECT_EQ(backoff(policy, 500, 0.0), milliseconds{750});
}

TEST(backoff, stands_a_cap_below_its_base)
{
    EXPECT_EQ(backoff({.base = milliseconds{100}, .cap = milliseconds{10}}, 3, 0.0), milliseconds{5});
}

RC_GTEST_PROP(backoff, lies_between_half_and_all_and_never_overflows, ())
{
    const milliseconds base{*rc::gen::inRange<std::int64_t>(1, 100'000)};
    const milliseconds cap = base + milliseconds{*rc::gen::inRange<std::int64_t>(0, 10'000'000)};
    const auto attempt = *rc::gen::inRange(1, 2'000);
    const auto lottery = static_cast<double>(*rc::gen::inRange(0, 1'000)) / 1'000.0;
    const auto delay = backoff({.base = base, .cap = cap}, attempt, lottery);
    auto whole = base;
    for (int i = 1; i < std::min(attempt, 40); ++i) {
        whole = std::min(cap, whole * 2);
    }
    RC_ASSERT(delay >= whole / 2);
    RC_ASSERT(delay <= whole);
}

} // namespace

} // namespace tradecore::projection
