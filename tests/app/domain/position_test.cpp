// SPDX-License-Identifier: Apache-2.0
#include "domain/position.hpp"

#include <gtest/gtest.h>

namespace tradecore::app::domain {
namespace {

TEST(position, averages_cost_with_fees)
{
    position held;
    EXPECT_EQ(held.average(), price{});
    held.buy(quantity::whole(1), money::whole(100), money::parse("0.1"));
    held.buy(quantity::whole(2), money::whole(260), money::parse("0.26"));
    EXPECT_EQ(held.quantity, quantity::whole(3));
    EXPECT_EQ(held.cost, money::parse("360.36"));
    EXPECT_EQ(held.average(), price::parse("120.12"));
}

TEST(position, takes_the_share_of_cost_that_is_sold)
{
    position held;
    held.buy(quantity::whole(3), money::whole(100), money{});
    held.sell(quantity::whole(1), money::whole(50), money::parse("0.05"));
    EXPECT_EQ(held.cost, money::parse("66.66666667"));
    EXPECT_EQ(held.realised, money::parse("16.61666667"));
}

TEST(position, keeps_no_dust_when_closed)
{
    position held;
    held.buy(quantity::whole(3), money::whole(100), money{});
    held.sell(quantity::whole(1), money::whole(40), money{});
    held.sell(quantity::whole(2), money::whole(80), money{});
    EXPECT_EQ(held.cost, money{});
    EXPECT_EQ(held.quantity, quantity{});
    EXPECT_EQ(held.realised, money::whole(20));
}

TEST(position, refuses_to_go_short)
{
    position held;
    held.buy(quantity::whole(1), money::whole(100), money{});
    EXPECT_THROW(held.sell(quantity::whole(2), money::whole(200), money{}), amount_error);
}

} // namespace
} // namespace tradecore::app::domain
