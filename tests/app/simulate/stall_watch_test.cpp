// SPDX-License-Identifier: Apache-2.0
#include "simulate/stall_watch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using app::simulate::stall_watch;
using app::simulate::stalled;

TEST(stall_watch, ends_what_does_not_move_and_says_so)
{
    test::run([]() -> boost::asio::awaitable<void> {
        stall_watch watch({.moved = [] { return std::uint64_t{7}; }, .check = [] {}, .limit = 1ms, .look_every = 1ms});
        const auto error = co_await test::error_of(watch.run());
        EXPECT_TRUE(test::is<stalled>(error));
        EXPECT_TRUE(test::what_of(error).starts_with("nothing has moved for ")) << test::what_of(error);
    });
}

TEST(stall_watch, leaves_alone_what_moves_until_it_is_stopped)
{
    test::run([]() -> boost::asio::awaitable<void> {
        std::uint64_t looked = 0;
        stall_watch* itself = nullptr;
        const auto moved = [&] {
            if (++looked == 20)
                itself->stop();
            return looked;
        };
        stall_watch watch({.moved = moved, .check = [] {}, .limit = 0ms, .look_every = 1ms});
        itself = &watch;
        co_await watch.run();
        EXPECT_EQ(looked, 20U);
    });
}

TEST(stall_watch, ends_with_what_makes_it_useless_to_wait)
{
    test::run([]() -> boost::asio::awaitable<void> {
        stall_watch watch(
            {.moved = [] { return std::uint64_t{7}; },
             .check = [] { throw std::runtime_error("the server does not start"); },
             .limit = 1h,
             .look_every = 1ms});
        const auto error = co_await test::error_of(watch.run());
        EXPECT_EQ(test::what_of(error), "the server does not start");
    });
}

} // namespace
