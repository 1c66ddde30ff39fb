// SPDX-License-Identifier: Apache-2.0
#include "support/run.hpp"

#include <tradecore/db/ambient.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

const context_var<int> answer;
const context_var<int> other;

static_assert(sizeof(context_executor) == 16, "any_io_executor keeps it without allocating");

asio::awaitable<int> seen()
{
    const auto value = answer.get(co_await asio::this_coro::executor);
    co_return value ? *value : 0;
}

asio::awaitable<int> seen_deeper()
{
    co_return co_await seen();
}

asio::awaitable<void> as_child(asio::any_io_executor executor, int expected)
{
    const int value = co_await asio::co_spawn(executor, seen(), asio::use_awaitable);
    EXPECT_EQ(value, expected);
}

/// Runs the body with 42 in the variable.
template <class F>
void run_inside(F body)
{
    test::run([&]() -> asio::awaitable<void> {
        const auto outside = co_await asio::this_coro::executor;
        const auto inside = with_context(outside, answer.set(context_of(outside), std::make_shared<int>(42)));
        co_await asio::co_spawn(inside, body(outside), asio::use_awaitable);
    });
}

TEST(ambient, is_seen_by_nested_awaitables_and_children)
{
    run_inside([](asio::any_io_executor) -> asio::awaitable<void> {
        EXPECT_EQ(co_await seen(), 42);
        EXPECT_EQ(co_await seen_deeper(), 42);
        const auto here = co_await asio::this_coro::executor;
        co_await as_child(here, 42);
        co_await as_child(asio::make_strand(here), 42);
        const auto [a, b] = co_await (seen() && seen_deeper());
        EXPECT_EQ(a, 42);
        EXPECT_EQ(b, 42);
    });
}

TEST(ambient, survives_suspension_by_timers_posts_and_foreign_executors)
{
    run_inside([](asio::any_io_executor outside) -> asio::awaitable<void> {
        asio::steady_timer own(co_await asio::this_coro::executor, 0ms);
        co_await own.async_wait(asio::use_awaitable);
        EXPECT_EQ(co_await seen(), 42);
        asio::steady_timer foreign(outside, 0ms);
        co_await foreign.async_wait(asio::use_awaitable);
        EXPECT_EQ(co_await seen(), 42);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_await asio::dispatch(outside, asio::use_awaitable);
        EXPECT_EQ(co_await seen(), 42);
    });
}

TEST(ambient, does_not_reach_what_is_started_on_another_executor)
{
    run_inside([](asio::any_io_executor outside) -> asio::awaitable<void> {
        co_await as_child(outside, 0);
        const auto here = co_await asio::this_coro::executor;
        co_await as_child(without_context(here), 0);
        co_await as_child(with_context(outside, context_of(here)), 42);
    });
}

TEST(ambient, variables_hide_and_mask_without_touching_the_outer_context)
{
    run_inside([](asio::any_io_executor) -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        const auto nested = with_context(here, answer.set(context_of(here), std::make_shared<int>(7)));
        const auto masked = with_context(nested, answer.set(context_of(nested), nullptr));
        const auto both = with_context(here, other.set(context_of(here), std::make_shared<int>(1)));
        EXPECT_EQ(*answer.get(nested), 7);
        EXPECT_EQ(answer.get(masked), nullptr);
        EXPECT_EQ(*answer.get(both), 42);
        EXPECT_EQ(*other.get(both), 1);
        EXPECT_EQ(other.get(here), nullptr);
        EXPECT_EQ(*answer.get(here), 42);
    });
}

TEST(ambient, context_executors_are_never_stacked)
{
    asio::io_context context;
    const asio::any_io_executor plain = context.get_executor();
    const auto once = with_context(plain, answer.set({}, std::make_shared<int>(1)));
    const auto twice = with_context(once, answer.set(context_of(once), std::make_shared<int>(2)));
    ASSERT_NE(twice.target<context_executor>(), nullptr);
    EXPECT_EQ(twice.target<context_executor>()->inner(), plain);
    EXPECT_EQ(without_context(twice), plain);
    EXPECT_EQ(without_context(plain), plain);
}

TEST(ambient, only_tracked_work_keeps_the_loop_running)
{
    asio::io_context context;
    auto executor = with_context(context.get_executor(), answer.set({}, std::make_shared<int>(1)));
    EXPECT_EQ(context.run(), 0U);
    EXPECT_TRUE(context.stopped());
    context.restart();

    auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    auto copy = work;
    bool ran = false;
    asio::steady_timer timer(context, 1ms);
    timer.async_wait([&](boost::system::error_code) {
        ran = true;
        asio::post(context, [&] {
            work = asio::any_io_executor();
            copy = asio::any_io_executor();
        });
    });
    context.run(); // returns because the last copy went
    EXPECT_TRUE(ran);
    EXPECT_TRUE(context.stopped());
}

TEST(ambient, may_be_used_by_several_threads)
{
    asio::thread_pool threads(4);
    const auto inside = with_context(threads.get_executor(), answer.set({}, std::make_shared<int>(42)));
    std::atomic<int> sum = 0;
    for (int i = 0; i < 200; ++i) {
        asio::co_spawn(inside, seen_deeper(), [&](const std::exception_ptr& failed, int value) {
            EXPECT_FALSE(failed);
            sum += value;
        });
    }
    threads.join();
    EXPECT_EQ(sum, 200 * 42);
}

} // namespace
} // namespace tradecore
