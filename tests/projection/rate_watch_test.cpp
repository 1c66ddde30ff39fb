// SPDX-License-Identifier: Apache-2.0
#include "projection/rate_watch.hpp"

#include <gtest/gtest.h>

namespace tradecore::projection {

namespace {

TEST(rate_watch, counts_appends_that_waited_against_all_events)
{
    rate_watch watch(0.3, 100);
    (void)watch.count(3, true);
    (void)watch.count(5, false);
    EXPECT_EQ(watch.figures().appends_waited, 1U);
    EXPECT_EQ(watch.figures().events, 8U);
    EXPECT_DOUBLE_EQ(watch.figures().value(), 0.125);
    EXPECT_DOUBLE_EQ(sync_rate{}.value(), 0.0);
}

TEST(rate_watch, tells_once_while_the_rate_stays_near_its_limit)
{
    rate_watch watch(0.5, 1);
    EXPECT_EQ(watch.count(1, true), 1.0);
    EXPECT_EQ(watch.count(1, true), std::nullopt);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(watch.count(2, false), std::nullopt); // at the limit, or below
        EXPECT_EQ(watch.count(1, true), std::nullopt);
        EXPECT_EQ(watch.count(1, true), std::nullopt); // above it again
    }
    EXPECT_GT(watch.figures().value(), 0.5);
}

TEST(rate_watch, tells_again_after_a_real_fall)
{
    rate_watch watch(0.5, 1);
    EXPECT_EQ(watch.count(45, true), std::nullopt); // 1 of 45
    for (int i = 0; i < 44; ++i)
        (void)watch.count(0, true); // 45 of 45
    EXPECT_EQ(watch.count(0, true), std::nullopt) << "told on the way up";
    EXPECT_EQ(watch.count(47, false), std::nullopt); // 46 of 92
    EXPECT_EQ(watch.count(9, false), std::nullopt);  // 46 of 101: above nine tenths of the limit
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(watch.count(0, true), std::nullopt); // 51 of 101, above the limit, but it had not fallen
    EXPECT_EQ(watch.count(13, false), std::nullopt);   // 51 of 114: a tenth below
    int told = 0;
    for (int i = 0; i < 10; ++i)
        told += watch.count(0, true).has_value() ? 1 : 0; // up to 61 of 114
    EXPECT_EQ(told, 1);
}

TEST(rate_watch, waits_until_the_rate_means_something)
{
    rate_watch watch(0.3, 3);
    EXPECT_EQ(watch.count(1, true), std::nullopt);
    EXPECT_EQ(watch.count(1, true), std::nullopt);
    EXPECT_EQ(watch.count(1, true), 1.0);
}

} // namespace

} // namespace tradecore::projection
