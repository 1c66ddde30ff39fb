// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <gmock/gmock.h>

#include <stdexcept>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::settle;
using test::sized;
using test::what_of;
using test::with_pool;
using testing::HasSubstr;

asio::awaitable<void> set_role(physical_connection& made)
{
    co_await made.run_script({"SET role", nullptr}, {});
}

asio::awaitable<void> leave_a_transaction(physical_connection& made)
{
    co_await made.run_script({"BEGIN", nullptr}, {});
}

asio::awaitable<void> fail(physical_connection& made)
{
    co_await made.run_script({"FAIL 42501", nullptr}, {});
}

asio::awaitable<void> close_it(physical_connection& made)
{
    made.close();
    co_return;
}

asio::awaitable<void> never_end(physical_connection& made)
{
    co_await made.run_script({"HOLD ever", nullptr}, {});
}

asio::awaitable<void> do_nothing()
{
    co_return;
}

std::exception_ptr failure_of_opening(pool_options options)
{
    std::exception_ptr thrown;
    test::run([&]() -> asio::awaitable<void> {
        fake_server server;
        pool connections(co_await asio::this_coro::executor, "main", options, server.make_connector());
        try {
            co_await connections.open();
        }
        catch (...) {
            thrown = std::current_exception();
        }
        EXPECT_TRUE(server.open_connections.empty());
    });
    return thrown;
}

TEST(pool_hooks, prepare_each_connection_before_it_serves)
{
    auto options = sized(1, 2);
    options.hooks.on_connect = set_role;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        const auto first = co_await connections.acquire({});
        const auto second = co_await connections.acquire({});
        EXPECT_EQ(server.log(), "1:SET role | 2:SET role");
        EXPECT_FALSE(first->is_altered()) << "what the hook does belongs to the connection";
    });
}

TEST(pool_hooks, that_fail_while_connecting_are_failed_connects)
{
    auto options = sized(1, 1);
    options.hooks.on_connect = fail;
    EXPECT_THAT(what_of(failure_of_opening(options)), HasSubstr("42501"));
    options.hooks.on_connect = leave_a_transaction;
    EXPECT_THAT(
        what_of(failure_of_opening(options)),
        HasSubstr("pool 'main': pool_hooks.on_connect left a transaction or a statement behind"));
    options.hooks.on_connect = close_it;
    EXPECT_THAT(
        what_of(failure_of_opening(options)), HasSubstr("pool 'main': the connection ended before it could serve"));
    options.hooks.on_connect = never_end;
    options.hooks.on_connect_timeout = 1ms;
    EXPECT_THAT(
        what_of(failure_of_opening(options)), HasSubstr("pool 'main': pool_hooks.on_connect took longer than 1 ms"));
}

TEST(pool_hooks, may_refuse_what_would_be_lent)
{
    auto options = sized(2, 2);
    options.hooks.on_acquire = [](physical_connection& one) { return one.backend_pid() > 2; };
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        const auto next = co_await connections.acquire({});
        EXPECT_GT(next->backend_pid(), 2);
    });
}

TEST(pool_hooks, that_refuse_everything_end_in_a_timeout)
{
    auto options = sized(0, 1);
    options.acquire_timeout = 5ms;
    options.connect_backoff = options.connect_backoff_limit = 1h;
    options.hooks.on_acquire = [](physical_connection&) { return false; };
    const observe::capture log;
    with_pool(options, [&log](fake_server& server, pool& connections) -> asio::awaitable<void> {
        const auto error = co_await test::error_of(connections.acquire({}));
        EXPECT_TRUE(test::is<pool_timeout>(error));
        EXPECT_THAT(what_of(error), HasSubstr("pool_hooks.on_acquire refused a connection that had just been made"));
        EXPECT_EQ(server.connects_begun, 1) << "the next one waits as after a failure";
        EXPECT_THAT(log.messages(), testing::ElementsAre("on_acquire refused a connection that had just been made"));
    });
}

TEST(pool_hooks, that_refuse_what_was_used_before_cost_no_time)
{
    auto options = sized(1, 1);
    options.connect_backoff = options.connect_backoff_limit = 1h;
    int wanted = 1;
    options.hooks.on_acquire = [&wanted](physical_connection& one) { return one.backend_pid() == wanted; };
    with_pool(options, [&wanted](fake_server& server, pool& connections) -> asio::awaitable<void> {
        for (; wanted <= 3; ++wanted) {
            const auto mine = co_await connections.acquire({});
            EXPECT_EQ(mine->backend_pid(), wanted);
        }
        EXPECT_EQ(server.connects_begun, 3);
    });
}

TEST(pool_hooks, may_refuse_what_comes_back)
{
    auto options = sized(1, 1);
    options.hooks.on_release = [](physical_connection& one) { return one.backend_pid() != 1; };
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        (void)co_await connections.acquire({});
        for (int i = 0; i < 2; ++i) {
            const auto next = co_await connections.acquire({});
            EXPECT_EQ(next->backend_pid(), 2);
        }
    });
}

TEST(pool_hooks, that_throw_cost_their_connection_and_nothing_else)
{
    auto options = sized(1, 1);
    bool throws = true;
    options.hooks.on_release = [&throws](physical_connection&) -> bool {
        if (std::exchange(throws, false))
            throw std::runtime_error("not like this");
        return true;
    };
    const observe::capture log;
    with_pool(options, [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        (void)co_await connections.acquire({});
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
        EXPECT_THAT(log.messages(), testing::ElementsAre("a hook of the pool threw, its connection is closed"));
        EXPECT_EQ(log.entries()[0].value("error"), "not like this");
    });
}

// --- sessions that were altered --------------------------------------------------------------------

TEST(pool_sessions, that_were_altered_are_reset_in_the_background)
{
    auto options = sized(1, 1);
    options.hooks.on_connect = set_role;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.clear_log();
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"SET search_path", nullptr}, {});
            EXPECT_TRUE(mine->is_altered());
        }
        EXPECT_EQ(connections.stats().active, 1U) << "release does not wait";
        const auto next = co_await connections.acquire({});
        EXPECT_FALSE(next->is_altered());
        EXPECT_EQ(
            server.log(),
            "1:SET search_path | 1:SET SESSION AUTHORIZATION DEFAULT | 1:RESET ALL | 1:CLOSE ALL | 1:UNLISTEN * | "
            "1:SELECT pg_catalog.pg_advisory_unlock_all() | 1:DISCARD TEMP | 1:DISCARD SEQUENCES | 1:SET role");
    });
}

TEST(pool_sessions, that_were_altered_can_be_kept_or_closed)
{
    auto options = sized(1, 1);
    options.altered_sessions = altered_session::keep;
    const auto alter = [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"SET search_path", nullptr}, {});
        }
        (void)co_await connections.acquire({});
        EXPECT_EQ(server.log(), "1:SET search_path");
    };
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        co_await alter(server, connections);
        EXPECT_EQ(server.open_connections.front()->backend_pid(), 1);
    });
    options.altered_sessions = altered_session::close;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        co_await alter(server, connections);
        EXPECT_EQ(server.open_connections.front()->backend_pid(), 2);
    });
}

TEST(pool_sessions, that_cannot_be_reset_in_time_are_closed)
{
    auto options = sized(1, 1);
    options.cleanup_timeout = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"SET search_path", nullptr}, {});
            server.open_connections.front()->hold_next("for ever");
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool_sessions, that_were_reset_are_prepared_again_within_the_limit_of_the_hook)
{
    auto options = sized(1, 1);
    options.cleanup_timeout = 1h;
    options.acquire_timeout = 5s; // of a wait that is in vain
    options.hooks.on_connect = [](physical_connection& made) {
        return made.is_altered() ? never_end(made) : do_nothing();
    };
    options.hooks.on_connect_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"SET search_path", nullptr}, {});
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool_sessions, that_a_hook_leaves_in_a_transaction_after_a_reset_are_closed)
{
    auto options = sized(1, 1);
    options.hooks.on_connect = [](physical_connection& made) {
        return made.is_altered() ? leave_a_transaction(made) : do_nothing();
    };
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"SET search_path", nullptr}, {});
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

} // namespace
} // namespace tradecore
