// SPDX-License-Identifier: Apache-2.0
#include "domain/rng.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <limits>

namespace tradecore::app::domain {
namespace {

TEST(rng, gives_the_same_numbers_for_ever)
{
    rng random(42, 7, 3);
    std::array<std::uint64_t, 3> drawn{random.next(), random.next(), random.next()};
    EXPECT_EQ(
        drawn,
        (std::array<std::uint64_t, 3>{13922257583491615788ULL, 17118744057275184571ULL, 7065563374845580518ULL}));
}

TEST(rng, differs_by_seed_trader_and_step)
{
    const auto first = [](std::uint64_t seed, std::uint64_t trader, std::uint64_t step) {
        return rng(seed, trader, step).next();
    };
    EXPECT_NE(first(1, 2, 3), first(1, 3, 2));
    EXPECT_NE(first(1, 2, 3), first(2, 1, 3));
    EXPECT_NE(first(1, 2, 3), first(1, 2, 4));
    EXPECT_NE(first(0, 0, 0), first(0, 0, 1));
}

TEST(rng, reaches_both_ends_of_a_range_and_spreads)
{
    rng random(1);
    std::array<int, 10> seen{};
    constexpr int expected = 10'000;
    for (int i = 0; i < 10 * expected; ++i)
        ++seen.at(static_cast<std::size_t>(random.between(-5, 4) + 5));
    // Nine standard deviations around the mean, on a fixed seed.
    for (const int count : seen)
        EXPECT_NEAR(count, expected, 860);
}

TEST(rng, knows_the_whole_range)
{
    constexpr auto low = std::numeric_limits<std::int64_t>::min();
    constexpr auto high = std::numeric_limits<std::int64_t>::max();
    rng whole(5);
    rng bits(5);
    EXPECT_EQ(whole.between(low, high), static_cast<std::int64_t>(bits.next()));
    EXPECT_EQ(rng(5).between(3, 3), 3);
    EXPECT_FALSE(rng(5).chance(0));
    EXPECT_TRUE(rng(5).chance(100));
}

RC_GTEST_PROP(rng_property, stays_in_range, (std::uint64_t seed, std::int64_t a, std::int64_t b))
{
    const auto [low, high] = std::minmax(a, b);
    rng random(seed);
    for (int i = 0; i < 20; ++i) {
        const auto drawn = random.between(low, high);
        RC_ASSERT((drawn >= low && drawn <= high));
    }
}

} // namespace
} // namespace tradecore::app::domain
