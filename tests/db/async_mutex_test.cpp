// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "db/support/started_call.hpp"
#include "support/run.hpp"

#include <tradecore/db/async_mutex.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using test::settle;

asio::awaitable<void> enter(async_mutex& mutex, std::string& order, char name)
{
    const auto guard = co_await mutex.lock();
    order += name;
}

TEST(async_mutex, serves_in_the_order_of_asking)
{
    test::run([]() -> asio::awaitable<void> {
        async_mutex mutex;
        std::string order;
        auto held = co_await mutex.lock();
        const auto here = co_await asio::this_coro::executor;
        for (const char name : {'a', 'b', 'c'})
            asio::co_spawn(here, enter(mutex, order, name), asio::detached);
        co_await settle();
        EXPECT_EQ(mutex.waiting(), 3U);
        held.unlock();
        EXPECT_FALSE(mutex.try_lock()) << "nobody may overtake";
        co_await settle();
        EXPECT_EQ(order, "abc");
        EXPECT_TRUE(mutex.try_lock());
    });
}

TEST(async_mutex, resumes_nobody_inside_unlock)
{
    test::run([]() -> asio::awaitable<void> {
        async_mutex mutex;
        std::string order;
        auto held = co_await mutex.lock();
        asio::co_spawn(co_await asio::this_coro::executor, enter(mutex, order, 'a'), asio::detached);
        co_await settle();
        held.unlock();
        EXPECT_EQ(order, "");
        co_await settle();
        EXPECT_EQ(order, "a");
    });
}

TEST(async_mutex, a_cancelled_waiter_leaves_the_line)
{
    test::run([]() -> asio::awaitable<void> {
        async_mutex mutex;
        std::string order;
        auto held = co_await mutex.lock();
        const auto here = co_await asio::this_coro::executor;
        test::started_call first(here, enter(mutex, order, 'a'));
        asio::co_spawn(here, enter(mutex, order, 'b'), asio::detached);
        co_await settle();
        first.cancel();
        co_await settle();
        EXPECT_THROW(std::rethrow_exception(first.error()), boost::system::system_error);
        EXPECT_EQ(mutex.waiting(), 1U);
        held.unlock();
        co_await settle();
        EXPECT_EQ(order, "b");
    });
}

TEST(async_mutex, a_lock_already_on_its_way_is_not_lost_by_cancellation)
{
    test::run([]() -> asio::awaitable<void> {
        async_mutex mutex;
        std::string order;
        auto held = co_await mutex.lock();
        const auto here = co_await asio::this_coro::executor;
        test::started_call first(here, enter(mutex, order, 'a'));
        asio::co_spawn(here, enter(mutex, order, 'b'), asio::detached);
        co_await settle();
        held.unlock(); // granted to a, which has not run yet
        first.cancel();
        co_await settle();
        EXPECT_EQ(order, "ab");
        EXPECT_TRUE(mutex.try_lock());
    });
}

TEST(async_mutex, waiters_may_be_destroyed_with_their_loop)
{
    async_mutex mutex;
    std::string order;
    {
        asio::io_context context;
        asio::co_spawn(
            context,
            [&]() -> asio::awaitable<void> {
                const auto held = co_await mutex.lock();
                for (const char name : {'a', 'b'})
                    asio::co_spawn(context, enter(mutex, order, name), asio::detached);
                co_await settle();
                context.stop();
                co_await settle();
            },
            asio::detached);
        context.run();
        EXPECT_EQ(mutex.waiting(), 2U);
    }
    EXPECT_EQ(order, "");
    EXPECT_TRUE(mutex.try_lock()) << "every guard has ended with its frame";
}

} // namespace
} // namespace tradecore
