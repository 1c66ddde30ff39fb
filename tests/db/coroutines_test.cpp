// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "db/support/started_call.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::gate;
using test::settle;
using test::started_call;

asio::awaitable<int> at_once(int value)
{
    co_return value;
}

asio::awaitable<int> when_open(gate& held, int value, std::string& log)
{
    const bool opened = co_await held.wait();
    log += opened ? std::to_string(value) : "cancelled;";
    if (!opened)
        throw boost::system::system_error(asio::error::operation_aborted);
    co_return value;
}

asio::awaitable<int> fails(const char* why)
{
    co_await settle(2);
    throw std::runtime_error(why);
}

/// Goes on although it is cancelled, as a COMMIT does.
asio::awaitable<int> stubborn(gate& held)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    (void)co_await held.wait();
    co_await settle(2);
    co_return 7;
}

TEST(with_timeout, gives_the_result)
{
    test::run([]() -> asio::awaitable<void> { EXPECT_EQ(co_await with_timeout(1h, at_once(3)), 3); });
}

TEST(with_timeout, throws_the_works_own_error_at_once)
{
    test::run([]() -> asio::awaitable<void> {
        std::string why;
        try {
            (void)co_await with_timeout(1h, fails("own"));
        }
        catch (const std::runtime_error& e) {
            why = e.what();
        }
        EXPECT_EQ(why, "own");
    });
}

TEST(with_timeout, cancels_the_work_and_says_so)
{
    test::run([]() -> asio::awaitable<void> {
        gate never;
        std::string log;
        bool nested = false;
        try {
            (void)co_await with_timeout(1ms, when_open(never, 1, log));
        }
        catch (const pg::timeout_error& e) {
            EXPECT_STREQ(e.what(), "not finished within 1 ms");
            EXPECT_EQ(e.code(), pg::client_errc::timeout);
            nested = dynamic_cast<const std::nested_exception*>(&e) != nullptr;
        }
        EXPECT_TRUE(nested);
        EXPECT_EQ(log, "cancelled;");
    });
}

TEST(with_timeout, a_result_wins_over_the_timer)
{
    test::run([]() -> asio::awaitable<void> {
        gate never;
        EXPECT_EQ(co_await with_timeout(1ms, stubborn(never)), 7);
    });
}

TEST(when_all, gives_all_results_in_the_order_of_the_children)
{
    test::run([]() -> asio::awaitable<void> {
        const auto [a, b, c] = co_await when_all(at_once(1), settle(3), at_once(2));
        EXPECT_EQ(a, 1);
        EXPECT_EQ(b, std::monostate());
        EXPECT_EQ(c, 2);
        std::vector<asio::awaitable<int>> many;
        for (int i = 0; i < 5; ++i)
            many.push_back(at_once(i));
        EXPECT_EQ(co_await when_all(std::move(many)), (std::vector<int>{0, 1, 2, 3, 4}));
        co_await when_all(std::vector<asio::awaitable<void>>());
    });
}

TEST(when_all, throws_the_error_that_came_first_in_time_after_all_have_ended)
{
    test::run([]() -> asio::awaitable<void> {
        gate never;
        std::string log;
        std::string why;
        try {
            (void)co_await when_all(when_open(never, 1, log), fails("second in place, first in time"));
        }
        catch (const std::exception& e) {
            why = e.what();
        }
        EXPECT_EQ(why, "second in place, first in time");
        EXPECT_EQ(log, "cancelled;");
    });
}

TEST(when_all, hands_cancellation_to_its_children)
{
    test::run([]() -> asio::awaitable<void> {
        gate never;
        std::string log;
        const auto both = [&]() -> asio::awaitable<void> {
            (void)co_await when_all(when_open(never, 1, log), when_open(never, 2, log));
        };
        started_call call(co_await asio::this_coro::executor, both());
        co_await settle();
        call.cancel();
        co_await settle();
        EXPECT_EQ(log, "cancelled;cancelled;");
        EXPECT_TRUE(call.error());
    });
}

TEST(when_all, may_be_destroyed_with_its_loop)
{
    gate never;
    std::string log;
    asio::io_context context;
    const auto both = [&]() -> asio::awaitable<void> {
        (void)co_await when_all(
            when_open(never, 1, log), with_timeout(1h, when_open(never, 2, log)), when_open(never, 3, log));
    };
    asio::co_spawn(context, both(), asio::detached);
    context.poll();
    EXPECT_EQ(never.waiting(), 3U);
    // the leak check and the address sanitizer are the judges
}

} // namespace
} // namespace tradecore
