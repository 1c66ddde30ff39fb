// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/threads.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::line;
using test::run_on_threads;
using test::settle;

TEST(run_on, brings_answers_and_errors_back)
{
    run_on_threads([](asio::io_context& context) -> asio::awaitable<void> {
        asio::thread_pool other(1);
        const auto here = co_await asio::this_coro::executor;
        const auto answer = [](asio::any_io_executor expected) -> asio::awaitable<std::string> {
            EXPECT_EQ(co_await asio::this_coro::executor, expected);
            co_return "yes";
        };
        EXPECT_EQ(co_await run_on(other.get_executor(), answer(other.get_executor())), "yes");
        EXPECT_EQ(co_await asio::this_coro::executor, here);
        EXPECT_TRUE(context.get_executor().running_in_this_thread());
        bool thrown = false;
        try {
            co_await run_on(other.get_executor(), []() -> asio::awaitable<void> {
                throw std::runtime_error("no");
                co_return;
            }());
        }
        catch (const std::runtime_error&) {
            thrown = true;
        }
        EXPECT_TRUE(thrown);
    });
}

TEST(run_on, hands_cancellation_over_whenever_it_comes)
{
    constexpr int times = 2'000;
    std::atomic<int> ended = 0;
    std::atomic<int> aborted = 0;
    run_on_threads([&](asio::io_context& context) -> asio::awaitable<void> {
        const auto there = asio::make_strand(context);
        const auto work = [](unsigned steps) -> asio::awaitable<void> {
            for (unsigned i = 0; i < steps || steps == 6; ++i) // the last kind ends when it is cancelled
                co_await settle(1);
        };
        const auto call = [&](std::shared_ptr<line> on, unsigned number) -> asio::awaitable<void> {
            try {
                co_await run_on(there, work(number % 7));
                co_await settle(1); // what is still on its way must find nobody
            }
            catch (const boost::system::system_error& e) {
                EXPECT_EQ(e.code(), asio::error::operation_aborted);
                ++aborted;
            }
            ++ended;
            (void)on;
        };
        for (unsigned i = 0; i < times; ++i) {
            const auto on = std::make_shared<line>(context.get_executor());
            asio::co_spawn(on->strand, call(on, i), asio::bind_cancellation_slot(on->cancel.slot(), asio::detached));
            for (unsigned pause = i % 11; pause > 0; --pause)
                co_await settle(1);
            asio::post(on->strand, [on] { on->cancel.emit(asio::cancellation_type::terminal); });
        }
        while (ended < times)
            co_await settle(1);
    });
    EXPECT_EQ(ended, times);
    EXPECT_GT(aborted, 0);
}

TEST(run_on, ends_when_the_other_loop_does)
{
    asio::io_context here;
    bool aborted = false;
    {
        asio::io_context there;
        asio::co_spawn(
            here,
            [](asio::io_context& other, bool& out) -> asio::awaitable<void> {
                try {
                    co_await run_on(other.get_executor(), []() -> asio::awaitable<void> {
                        for (;;)
                            co_await settle(1);
                    }());
                }
                catch (const boost::system::system_error& e) {
                    out = e.code() == asio::error::operation_aborted;
                }
            }(there, aborted),
            asio::detached);
        here.poll();
        there.run_one();
        there.run_one();
    }
    here.restart();
    here.run();
    EXPECT_TRUE(aborted);
}

} // namespace
} // namespace tradecore
