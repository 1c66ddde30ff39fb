// SPDX-License-Identifier: Apache-2.0
#include "chaos/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

namespace {

using namespace tradecore::app::chaos;

constexpr std::size_t kinds = 11;

std::map<act, int> counts_of(const std::vector<step>& steps)
{
    std::map<act, int> counts;
    for (const auto& one : steps)
        ++counts[one.what];
    return counts;
}

TEST(plan_of_chaos, is_the_same_for_the_same_seed_and_another_for_another)
{
    EXPECT_EQ(plan(1, 1'000), plan(1, 1'000));
    EXPECT_NE(plan(1, 1'000), plan(2, 1'000));
    EXPECT_NE(plan(0, 1'000), plan(18'446'744'073'709'551'615U, 1'000));
}

TEST(plan_of_chaos, does_not_change_from_one_version_to_the_next)
{
    const auto first = plan(1, 1'000).front();
    EXPECT_EQ(to_string(first.what), "sessions ended together");
    EXPECT_EQ(first.where, database_name::main);
    EXPECT_EQ(first.after_orders, 0U);
}

TEST(plan_of_chaos, has_everything_once_before_anything_twice)
{
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
        const auto steps = plan(seed, 1'000);
        for (std::size_t begin = 0; begin + kinds <= steps.size(); begin += kinds)
            EXPECT_EQ(
                counts_of({steps.begin() + static_cast<std::ptrdiff_t>(begin),
                           steps.begin() + static_cast<std::ptrdiff_t>(begin + kinds)})
                    .size(),
                kinds);
    }
}

TEST(plan_of_chaos, grows_with_the_orders_within_bounds)
{
    EXPECT_EQ(plan(1, 1).size(), kinds);
    EXPECT_EQ(plan(1, 275).size(), kinds);
    EXPECT_EQ(plan(1, 1'000).size(), 40U);
    EXPECT_EQ(plan(1, 100'000'000).size(), 200U);
}

TEST(plan_of_chaos, is_spread_over_the_orders)
{
    const auto steps = plan(7, 1'000);
    EXPECT_TRUE(std::ranges::is_sorted(steps, {}, &step::after_orders));
    EXPECT_EQ(steps.front().after_orders, 0U);
    EXPECT_EQ(steps[20].after_orders, 500U);
    EXPECT_EQ(steps.back().after_orders, 975U);
    EXPECT_EQ(plan(7, 4'000'000'000U).back().after_orders, 3'980'000'000U); // no overflow on the way
}

TEST(plan_of_chaos, leaves_nothing_lasting_for_ever)
{
    std::set<database_name> hit;
    for (const auto& one : plan(3, 5'000)) {
        hit.insert(one.where);
        EXPECT_GE(one.pause.count(), 0);
        EXPECT_LE(one.pause.count(), 100);
        EXPECT_LE(one.lasts.count(), 2'000) << to_string(one.what);
    }
    EXPECT_EQ(hit.size(), 2U);
}

TEST(plan_of_chaos, names_each_act_differently)
{
    std::set<std::string_view> names;
    for (const auto& one : plan(1, 275))
        names.insert(to_string(one.what));
    EXPECT_EQ(names.size(), kinds);
    EXPECT_FALSE(names.contains("?"));
}

} // namespace
