// SPDX-License-Identifier: Apache-2.0
#include "events/wake_up.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/errors.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace tradecore::events {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A wake-up that is lost would leave the test waiting for an hour, and the test's own limit ends it.
TEST(WakeUp, WakesEverybodyWhoWaits)
{
    wake_up appends;
    test::run([&]() -> asio::awaitable<void> {
        const auto append = [&]() -> asio::awaitable<void> {
            appends.appended(7);
            co_return;
        };
        const auto woken = co_await when_all(appends.next(1h), appends.next(1h), append());
        EXPECT_TRUE(std::get<0>(woken));
        EXPECT_TRUE(std::get<1>(woken));
    });
    EXPECT_EQ(appends.latest(), 7);
}

TEST(WakeUp, SaysWhenNobodyAppended)
{
    wake_up appends;
    test::run([&]() -> asio::awaitable<void> {
        const bool woken = co_await appends.next(1ms);
        EXPECT_FALSE(woken);
    });
}

TEST(WakeUp, ForgetsWhoIsCancelled)
{
    wake_up appends;
    test::run([&]() -> asio::awaitable<void> {
        bool cancelled = false;
        try {
            co_await with_timeout(1ms, appends.next(1h));
        }
        catch (const pg::timeout_error&) {
            cancelled = true;
        }
        EXPECT_TRUE(cancelled);
        appends.appended(1); // touches nobody's timer
        const bool woken = co_await appends.next(1ms);
        EXPECT_FALSE(woken);
    });
}

TEST(WakeUp, KnowsTheGreatestPosition)
{
    wake_up appends;
    appends.appended(5);
    appends.seen(9);
    appends.appended(6);
    EXPECT_EQ(appends.latest(), 9);
}

TEST(Stall, PausesLongerAtTheSamePlaceAndShortlyAtANewOne)
{
    stall stalled;
    std::vector<std::int64_t> pauses;
    pauses.reserve(12);
    for (int i = 0; i < 12; ++i) {
        pauses.push_back(stalled.pause_at(5).count());
    }
    EXPECT_EQ(pauses, (std::vector<std::int64_t>{2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000}));
    EXPECT_EQ(stalled.pause_at(6), 2ms);
    EXPECT_EQ(stalled.pause_at(5), 1000ms) << "two readers do not make each other forget";
}

} // namespace
} // namespace tradecore::events
