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

TEST(rate_watch, tells_once_per_crossing)
{
    rate_watch watch(0.5, 1);
    EXPECT_EQ(watch.count(1, true), 1.0);
    EXPECT_EQ(watch.count(1, true), std::nullopt);
    EXPECT_EQ(watch.count(2, false), std::nullopt); // at the limit is not above
    EXPECT_TRUE(watch.count(1, true).has_value());
    EXPECT_EQ(watch.count(1, true), std::nullopt);
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
