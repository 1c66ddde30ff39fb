// SPDX-License-Identifier: Apache-2.0
#include "simulate/lost_commits.hpp"

#include <tradecore/observe/capture.hpp>

#include <gtest/gtest.h>

namespace {

using namespace tradecore::observe;
using tradecore::app::simulate::lost_commits;

TEST(lost_commits, are_counted_while_the_log_goes_on)
{
    const capture written(level::error);
    {
        const lost_commits counting;
        log(level::warn, "[LOST COMMIT] main transaction had taken effect");
        log(level::warn, "[LOST COMMIT] vb transaction was rolled back");
        log(level::warn, "[LOST COMMIT] vb transaction may have taken effect or not");
        log(level::error, "something else");
        EXPECT_EQ(counting.seen().resolved, 2U);
        EXPECT_EQ(counting.seen().unknown, 1U);
        EXPECT_FALSE(enabled(level::info));
    }
    log(level::error, "afterwards");
    // What was not to be written is counted only.
    EXPECT_EQ(written.messages(), (std::vector<std::string>{"something else", "afterwards"}));
    EXPECT_EQ(threshold(), level::error);
}

} // namespace
