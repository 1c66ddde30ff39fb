// SPDX-License-Identifier: Apache-2.0
#include "db/serial_executor.hpp"
#include "support/threads.hpp"

#include <tradecore/db/ambient.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tradecore::detail {
namespace {

namespace asio = boost::asio;

TEST(serial_executor, runs_functions_in_their_order_and_never_two_at_once)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    constexpr int each = 2'000;
    // Plain variables: two at once would lose counts, and ThreadSanitizer would say so.
    std::vector<int> last(4, -1);
    int count = 0;
    bool in_order = true;
    for (int& last_of : last) {
        asio::post(context, [&] {
            for (int i = 0; i < each; ++i) {
                asio::post(line, [&, i] {
                    in_order = in_order && last_of == i - 1;
                    last_of = i;
                    ++count;
                });
            }
        });
    }
    test::run_on_threads(context, 4);
    EXPECT_TRUE(in_order);
    EXPECT_EQ(count, 4 * each);
}

TEST(serial_executor, runs_at_once_what_is_dispatched_from_itself_and_later_what_is_posted)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    const auto other = serial_executor::on(context.get_executor());
    std::string order;
    asio::post(line, [&] {
        EXPECT_TRUE(line.runs_here());
        EXPECT_FALSE(other.runs_here());
        asio::post(line, [&] { order += "p"; });
        asio::dispatch(line, [&] { order += "d"; });
        order += "e";
    });
    context.run();
    EXPECT_EQ(order, "dep");
    EXPECT_FALSE(line.runs_here());
}

TEST(serial_executor, goes_on_behind_a_function_that_throws)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    int after = 0;
    asio::post(line, [] { throw std::runtime_error("mine"); });
    asio::post(line, [&] { ++after; });
    EXPECT_THROW(context.run(), std::runtime_error);
    EXPECT_EQ(after, 0);
    context.run();
    EXPECT_EQ(after, 1);
}

TEST(serial_executor, lets_other_threads_in_between_two_functions)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    int a = 0;
    int b = 0;
    for (int i = 0; i < 5'000; ++i) {
        asio::post(line, [&] {
            ++a;
            ++b;
        });
    }
    std::jthread loop([&] { context.run(); });
    bool torn = false;
    for (int last = 0; last < 5'000;) {
        last = line.alone([&] {
            torn = torn || a != b;
            return a;
        });
    }
    EXPECT_FALSE(torn);
}

TEST(serial_executor, can_be_entered_again_by_who_is_in)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    const auto other = serial_executor::on(context.get_executor());
    int steps = 0;
    line.alone([&] {
        other.alone([&] {
            line.alone([&] { ++steps; });
            line.leave([&] { ++steps; });
        });
    });
    EXPECT_EQ(steps, 2);
}

TEST(serial_executor, has_what_is_left_done_by_whoever_is_in)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    std::string order;
    line.alone([&] {
        std::jthread([&] { line.leave([&] { order += "left"; }); }).join();
        order += "in,";
    });
    EXPECT_EQ(order, "in,left");
    line.leave([&] { order += ",at once"; });
    EXPECT_EQ(order, "in,left,at once");
}

TEST(serial_executor, loses_nothing_that_many_threads_leave)
{
    asio::io_context context;
    const auto line = serial_executor::on(context.get_executor());
    int count = 0;
    {
        std::vector<std::jthread> all;
        for (int i = 0; i < 4; ++i) {
            all.emplace_back([&] {
                for (int n = 0; n < 3'000; ++n)
                    line.leave([&] { ++count; });
            });
        }
    }
    EXPECT_EQ(count, 12'000);
}

TEST(serial_executor, keeps_the_loop_running_as_long_as_it_is_tracked)
{
    asio::io_context context;
    const asio::any_io_executor line = serial_executor::on(context.get_executor());
    std::optional<asio::any_io_executor> work = asio::prefer(line, asio::execution::outstanding_work.tracked);
    auto copy = work;
    EXPECT_EQ(context.poll(), 0U);
    EXPECT_FALSE(context.stopped());
    work.reset();
    EXPECT_EQ(context.poll(), 0U);
    EXPECT_FALSE(context.stopped());
    copy.reset();
    EXPECT_EQ(context.poll(), 0U);
    EXPECT_TRUE(context.stopped());
}

TEST(serial_executor, may_outlive_its_loop_which_takes_what_was_not_run_with_it)
{
    const auto witness = std::make_shared<int>();
    std::optional<serial_executor> line;
    {
        asio::io_context context;
        line.emplace(serial_executor::on(context.get_executor()));
        asio::post(*line, [witness, line] { FAIL() << "the loop was never run"; });
        asio::post(*line, [witness, line] { FAIL() << "the loop was never run"; });
        EXPECT_EQ(witness.use_count(), 3);
    }
    EXPECT_EQ(witness.use_count(), 1);
    int steps = 0;
    line->alone([&] { ++steps; });
    line->leave([&] { ++steps; });
    EXPECT_EQ(steps, 2);
}

TEST(serial_executor, does_not_recurse_into_a_long_queue_that_is_dropped)
{
    asio::io_context context;
    {
        const auto line = serial_executor::on(context.get_executor());
        for (int i = 0; i < 200'000; ++i)
            asio::post(line, [] {});
    }
    SUCCEED(); // dropped with the loop
}

TEST(serial_executor, is_made_where_there_is_no_strand_yet)
{
    asio::io_context context;
    const asio::any_io_executor plain = context.get_executor();
    EXPECT_FALSE(is_serial(plain));
    EXPECT_TRUE(is_serial(asio::any_io_executor(asio::make_strand(context))));
    EXPECT_TRUE(is_serial(asio::any_io_executor(asio::make_strand(plain))));

    const context_var<int> variable;
    const auto inside = with_context(plain, variable.set({}, std::make_shared<int>(7)));
    EXPECT_FALSE(is_serial(inside));
    const auto line = serial_on(inside);
    EXPECT_TRUE(is_serial(line));
    EXPECT_EQ(*variable.get(line), 7);
    EXPECT_EQ(serial_on(line), line);
}

} // namespace
} // namespace tradecore::detail
