// SPDX-License-Identifier: Apache-2.0
// A pool that is interrupted wherever it waits.
#include "db/support/each_step.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/pool.hpp>

#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::sized;
using test::what_of;

asio::awaitable<void> set_role(physical_connection& made)
{
    co_await made.run_script({"SET role", nullptr}, {});
}

/// Every connection is prepared, checked before each use, and reset after it.
pool_options thorough(pool_options options)
{
    options.idle_check_after = 0ms;
    options.hooks.on_connect = set_role;
    return options;
}

asio::awaitable<void> two_rounds(pool& from, test::gate& until)
{
    for (int i = 0; i < 2; ++i) {
        const auto connection = co_await from.acquire({});
        co_await connection->run_script({"BEGIN", nullptr}, {});
        (void)co_await until.wait();
        co_await connection->run_script({"COMMIT; SET search_path", nullptr}, {});
    }
}

void lose_nothing(const pool_options& options)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        asio::io_context context;
        pool connections(context.get_executor(), "main", options, server.make_connector());
        test::gate until;
        until.open();
        test::stepped opening{context, {}, false, nullptr};
        opening.start(connections.open());
        opening.finish();
        test::stepped first{context, {}, false, nullptr};
        test::stepped second{context, {}, false, nullptr};
        first.start(two_rounds(connections, until));
        second.start(two_rounds(connections, until));
        interrupted = first.turn(step);
        first.cancel.emit(asio::cancellation_type::terminal);
        first.finish();
        second.finish();
        ASSERT_TRUE(first.ended) << step;
        ASSERT_TRUE(second.ended) << step;
        ASSERT_FALSE(second.error) << step << ": " << what_of(second.error);
        while (connections.stats().active + connections.stats().connecting > 0 && context.run_one() > 0) {
        }
        ASSERT_EQ(connections.stats().active, 0U) << step;
        ASSERT_EQ(connections.stats().waiting, 0U) << step;
        ASSERT_EQ(connections.stats().connecting, 0U) << step;
        test::stepped closing{context, {}, false, nullptr};
        closing.start(connections.close(1s));
        closing.finish();
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 10);
}

TEST(pool, loses_nothing_when_a_caller_is_cancelled_at_any_step)
{
    lose_nothing(sized(0, 1));
    lose_nothing(thorough(sized(0, 1)));
    lose_nothing(thorough(sized(1, 1)));
}

void destroy_the_loop(const pool_options& options)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        std::optional<pool> connections;
        test::gate until;
        until.open();
        {
            asio::io_context context;
            connections.emplace(context.get_executor(), "main", options, server.make_connector());
            const auto all = [&]() -> asio::awaitable<void> {
                co_await connections->open();
                asio::co_spawn(context, two_rounds(*connections, until), asio::detached);
                asio::co_spawn(context, two_rounds(*connections, until), asio::detached);
                co_await two_rounds(*connections, until);
                co_await connections->close(1s);
            };
            test::stepped whole{context, {}, false, nullptr};
            whole.start(all());
            interrupted = whole.turn(step);
        }
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

TEST(pool, its_loop_may_be_destroyed_at_any_step)
{
    destroy_the_loop(sized(1, 2));
    destroy_the_loop(thorough(sized(1, 2)));
}

} // namespace
} // namespace tradecore
