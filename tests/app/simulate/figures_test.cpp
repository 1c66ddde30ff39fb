// SPDX-License-Identifier: Apache-2.0
#include "simulate/figures.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <stdexcept>

namespace {

using namespace std::chrono_literals;
using namespace tradecore::app::simulate;

figures some(std::uint64_t commands)
{
    return {
        .commands = commands,
        .repeated = 2,
        .sync_waits = {3ms, 1ns},
        .sync_pending = 4,
        .sync_rate = {.appends_waited = 5, .events = 6},
        .outlasted = {.calls = 7, .attempts = 8, .longest = 9ns},
        .repeated_by_databases = 10,
        .lost_commits = {.resolved = 11, .unknown = 12}};
}

TEST(figures, come_back_from_their_text_as_they_were)
{
    const auto text = boost::json::serialize(to_json(some(1'000'000'000'000)));
    const auto back = figures_from(boost::json::parse(text).as_object());
    EXPECT_EQ(back.commands, 1'000'000'000'000U);
    EXPECT_EQ(back.repeated, 2U);
    EXPECT_EQ(back.sync_waits, (std::vector<std::chrono::nanoseconds>{3ms, 1ns}));
    EXPECT_EQ(back.sync_pending, 4U);
    EXPECT_EQ(back.sync_rate.appends_waited, 5U);
    EXPECT_EQ(back.sync_rate.events, 6U);
    EXPECT_EQ(back.outlasted.calls, 7U);
    EXPECT_EQ(back.outlasted.attempts, 8U);
    EXPECT_EQ(back.outlasted.longest, 9ns);
    EXPECT_EQ(back.repeated_by_databases, 10U);
    EXPECT_EQ(back.lost_commits.resolved, 11U);
    EXPECT_EQ(back.lost_commits.unknown, 12U);
}

TEST(figures, of_two_processes_add_up_and_keep_every_wait)
{
    auto both = some(10);
    both.add(some(20));
    EXPECT_EQ(both.commands, 30U);
    EXPECT_EQ(both.repeated, 4U);
    EXPECT_EQ(both.sync_waits, (std::vector<std::chrono::nanoseconds>{3ms, 1ns, 3ms, 1ns}));
    EXPECT_EQ(both.sync_pending, 8U);
    EXPECT_EQ(both.sync_rate.appends_waited, 10U);
    EXPECT_EQ(both.sync_rate.events, 12U);
    EXPECT_EQ(both.outlasted.calls, 14U);
    EXPECT_EQ(both.outlasted.attempts, 16U);
    EXPECT_EQ(both.outlasted.longest, 9ns);
    EXPECT_EQ(both.repeated_by_databases, 20U);
    EXPECT_EQ(both.lost_commits.resolved, 22U);
    EXPECT_EQ(both.lost_commits.unknown, 24U);
}

TEST(figures, are_not_made_of_something_else)
{
    auto told = to_json(some(1));
    told.erase("sync_pending");
    EXPECT_THROW(static_cast<void>(figures_from(told)), std::exception);
}

} // namespace
