// SPDX-License-Identifier: Apache-2.0
#include "db/support/allocations.hpp"
#include "db/users_in_order.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace tradecore {
namespace {

using detail::users_in_order;

usage named(std::string_view label)
{
    return {.kind = "statement", .label = label, .keeps = {}};
}

TEST(users_in_order, have_the_next_in_front_when_the_front_one_ends)
{
    users_in_order users;
    EXPECT_EQ(users.front().kind, usage().kind);
    EXPECT_TRUE(users.join(0, named("a")));
    EXPECT_FALSE(users.join(7, named("b")));
    EXPECT_FALSE(users.join(3, named("c")));
    EXPECT_EQ(users.front().label, "a") << "who comes later does not take its place";
    EXPECT_TRUE(users.leave(0));
    EXPECT_EQ(users.front().label, "b") << "as they were sent";
    EXPECT_TRUE(users.leave(7));
    EXPECT_TRUE(users.leave(3));
    EXPECT_EQ(users.front().label, "");
    EXPECT_TRUE(users.join(9, named("d"))) << "nobody is before it";
}

TEST(users_in_order, may_leave_from_behind_or_without_having_come)
{
    users_in_order users;
    for (pool_state::ticket who = 0; who < 6; ++who)
        users.join(who, named(std::string_view("abcdef").substr(who, 1)));
    EXPECT_FALSE(users.leave(1));
    EXPECT_FALSE(users.leave(4));
    EXPECT_FALSE(users.leave(77));
    EXPECT_TRUE(users.leave(0));
    EXPECT_EQ(users.front().label, "c");
    EXPECT_TRUE(users.leave(2));
    EXPECT_EQ(users.front().label, "d");
    EXPECT_TRUE(users.leave(3));
    EXPECT_EQ(users.front().label, "f");
}

TEST(users_in_order, are_the_pool_when_it_has_work_of_its_own)
{
    users_in_order users;
    users.join(1, named("a"));
    users.set({.kind = "check", .label = {}, .keeps = {}});
    EXPECT_EQ(users.front().kind, "check");
    EXPECT_TRUE(users.join(2, named("b"))) << "the pool makes way";
    EXPECT_EQ(users.front().label, "b");
}

TEST(users_in_order, keep_nothing_alive_that_has_ended_and_allocate_nothing_in_steady_state)
{
    users_in_order users;
    const auto text = std::make_shared<const int>(1);
    const auto use = [&](pool_state::ticket who) {
        users.join(who, {.kind = "statement", .label = {}, .keeps = text});
    };
    for (pool_state::ticket who = 0; who < 10; ++who)
        use(who);
    const auto before = test::allocations();
    for (pool_state::ticket who = 10; who < 1'000; ++who) {
        EXPECT_TRUE(users.leave(who - 10));
        use(who);
    }
    EXPECT_EQ(test::allocations() - before, 0U);
    for (pool_state::ticket who = 990; who < 1'000; ++who)
        EXPECT_TRUE(users.leave(who));
    EXPECT_EQ(text.use_count(), 1);
}

} // namespace
} // namespace tradecore
