// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/db/pool.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::borrow;
using test::fake_server;
using test::settle;
using test::sized;
using test::what_of;
using test::with_pool;
using testing::HasSubstr;

TEST(pool, opens_with_its_minimum_a_few_connects_at_a_time)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        server.connects.close();
        const auto here = co_await asio::this_coro::executor;
        pool connections(here, "main", sized(5, 10), server.make_connector());
        bool opened = false;
        asio::co_spawn(here, connections.open(), [&](const std::exception_ptr& e) { opened = !e; });
        co_await settle();
        EXPECT_EQ(server.connects_running, 4);
        EXPECT_FALSE(opened);
        server.connects.open();
        co_await settle();
        EXPECT_TRUE(opened);
        EXPECT_EQ(connections.stats().idle, 5U);
        co_await connections.close(1s);
    });
}

TEST(pool, throws_the_connect_error_when_it_cannot_be_opened_and_can_be_opened_again)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        server.connect_errors = {nullptr, test::server_error_of("28P01")};
        pool connections(co_await asio::this_coro::executor, "main", sized(3, 5), server.make_connector());
        std::exception_ptr thrown;
        try {
            co_await connections.open();
        }
        catch (const invalid_password&) {
            thrown = std::current_exception();
        }
        EXPECT_TRUE(thrown);
        EXPECT_FALSE(connections.is_open());
        EXPECT_TRUE(server.open_connections.empty());
        EXPECT_THROW((void)connections.try_acquire({}), database_closed);
        co_await connections.open();
        EXPECT_EQ(connections.stats().idle, 3U);
        co_await connections.close(1s);
    });
}

TEST(pool, serves_callers_in_order_and_hands_over_directly)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        std::string log;
        test::gate until;
        auto mine = co_await connections.acquire({});
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(here, borrow(connections, log, until, name), asio::detached);
        co_await settle();
        EXPECT_EQ(connections.stats().waiting, 3U);
        until.open();
        mine.reset();
        EXPECT_EQ(log, "") << "release resumes nobody";
        EXPECT_FALSE(connections.try_acquire({})) << "nobody overtakes";
        co_await settle();
        EXPECT_EQ(log, "a1;b1;c1;");
    });
}

TEST(pool, grows_to_its_maximum_when_callers_wait)
{
    with_pool(sized(0, 3), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        std::string log;
        test::gate until;
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c", "d"})
            asio::co_spawn(here, borrow(connections, log, until, name), asio::detached);
        co_await settle();
        EXPECT_EQ(connections.stats().size, 3U);
        EXPECT_EQ(connections.stats().waiting, 1U);
        until.open();
        co_await settle();
        EXPECT_EQ(log, "a1;b2;c3;d1;");
    });
}

TEST(pool, a_cancelled_waiter_passes_its_connection_on)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        std::string log;
        test::gate until;
        auto mine = co_await connections.acquire({});
        const auto here = co_await asio::this_coro::executor;
        asio::cancellation_signal cancel;
        asio::co_spawn(
            here, borrow(connections, log, until, "a"), asio::bind_cancellation_slot(cancel.slot(), asio::detached));
        asio::co_spawn(here, borrow(connections, log, until, "b"), asio::detached);
        co_await settle();
        mine.reset(); // on its way to a
        cancel.emit(asio::cancellation_type::terminal);
        until.open();
        co_await settle();
        EXPECT_THAT(log, HasSubstr("b1;"));
        EXPECT_EQ(connections.stats().idle, 1U);
    });
}

TEST(pool, a_failed_connect_is_told_to_one_waiter)
{
    auto options = sized(0, 2);
    options.connect_backoff = 1ms;
    options.maximum_connecting = 1;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connect_errors = {test::server_error_of("57P03")};
        std::string log;
        test::gate until;
        const auto here = co_await asio::this_coro::executor;
        asio::co_spawn(here, borrow(connections, log, until, "a"), asio::detached);
        until.open();
        (void)co_await connections.acquire({});
        EXPECT_THAT(log, testing::StartsWith("a(ERROR 57P03")) << "the second caller got a connection";
    });
}

TEST(pool, says_who_holds_the_connections_when_a_wait_is_in_vain)
{
    auto options = sized(2, 2);
    options.acquire_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        const auto first = co_await connections.acquire({.kind = "transaction", .label = "place_order"});
        const auto second = co_await connections.acquire({.kind = "statement", .label = "SELECT 1"});
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({});
        }
        catch (const pool_timeout& e) {
            EXPECT_EQ(e.code(), db_errc::pool_exhausted);
            EXPECT_EQ(e.code(), pg::disposition::timeout);
            EXPECT_NE(e.code(), pg::disposition::cannot_connect);
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown),
            testing::MatchesRegex("pool 'main': no connection within [0-9]+ ms: all 2 are in use; held longest by "
                                  "transaction place_order for [0-9]+ ms, statement SELECT 1 for [0-9]+ ms"));
    });
}

TEST(pool, says_why_connecting_fails_when_a_wait_is_in_vain)
{
    auto options = sized(0, 2);
    options.acquire_timeout = 20ms;
    options.connect_backoff = 10s;
    options.connect_backoff_limit = 10s;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connect_errors = {test::server_error_of("57P03")};
        EXPECT_THROW((void)co_await connections.acquire({}), cannot_connect_now);
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({});
        }
        catch (const pool_timeout& e) {
            EXPECT_EQ(e.code(), db_errc::pool_cannot_connect);
            EXPECT_EQ(e.code(), pg::disposition::cannot_connect);
            EXPECT_TRUE(e.last_connect_error());
            thrown = std::current_exception();
        }
        EXPECT_THAT(what_of(thrown), HasSubstr("connecting fails: ERROR 57P03"));
    });
}

TEST(pool, the_callers_own_deadline_ends_the_wait)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        const auto mine = co_await connections.acquire({});
        EXPECT_THROW((void)co_await connections.acquire({}, pool::clock::now() + 1ms), pool_timeout);
    });
}

TEST(pool, cleans_a_connection_returned_inside_a_transaction)
{
    with_pool(sized(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"BEGIN", nullptr}, {});
        }
        EXPECT_EQ(connections.stats().active, 1U) << "release does not wait";
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(server.log(), "1:BEGIN | 1:ROLLBACK");
        EXPECT_EQ(next->status(), pg::transaction_status::idle);
    });
}

TEST(pool, cleans_a_connection_returned_while_a_statement_makes_its_transaction_fail)
{
    with_pool(sized(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"BEGIN", nullptr}, {});
            const auto fails = [](physical_connection* on) -> asio::awaitable<void> {
                EXPECT_TRUE(co_await test::error_of(on->run_script({"FAIL 23505", nullptr}, {})));
            };
            asio::co_spawn(co_await asio::this_coro::executor, fails(mine.operator->()), asio::detached);
            co_await asio::post(asio::use_awaitable);
            EXPECT_EQ(mine->in_flight(), 1U);
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(server.log(), "1:BEGIN | 1:FAIL 23505 | 1: | 1:ROLLBACK");
        EXPECT_EQ(next->backend_pid(), 1);
    });
}

TEST(pool, lends_no_connection_on_which_a_request_to_cancel_is_under_way)
{
    with_pool(sized(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            server.open_connections.front()->settle_at("settled");
        }
        EXPECT_EQ(connections.stats().active, 1U);
        co_await settle();
        EXPECT_EQ(server.log(), "1:");
        server.held("settled").open();
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 1);
        EXPECT_FALSE(next->is_settling());
    });
}

TEST(pool, closes_a_connection_whose_request_to_cancel_does_not_end)
{
    auto options = sized(1, 1);
    options.cleanup_timeout = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            server.open_connections.front()->settle_at("never");
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool, closes_a_connection_that_cannot_be_cleaned_in_time)
{
    auto options = sized(1, 1);
    options.cleanup_timeout = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            co_await mine->run_script({"BEGIN", nullptr}, {});
            const auto here = co_await asio::this_coro::executor;
            asio::co_spawn(here, mine->run_script({"HOLD ever", nullptr}, {}), asio::detached);
            co_await settle();
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
        EXPECT_EQ(server.open_connections.size(), 1U);
    });
}

TEST(pool, replaces_a_connection_that_broke)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto mine = co_await connections.acquire({});
            mine->close();
        }
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 1U) << "refilled to the minimum";
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool, replaces_a_connection_that_died_while_idle_within_the_same_acquire)
{
    with_pool(sized(2, 2), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.close_connections();
        const auto next = co_await connections.acquire({});
        EXPECT_TRUE(next->is_open());
    });
}

TEST(pool, a_discarded_connection_is_closed)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        mine.discard();
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool, waits_for_loans_when_closing_and_sends_waiters_away)
{
    fake_server server;
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        pool connections(here, "main", sized(1, 1), server.make_connector());
        co_await connections.open();
        std::string log;
        test::gate until;
        asio::co_spawn(here, borrow(connections, log, until, "a"), asio::detached);
        asio::co_spawn(here, borrow(connections, log, until, "b"), asio::detached);
        co_await settle();
        bool closed = false;
        asio::co_spawn(here, connections.close(1h), [&](const std::exception_ptr&) { closed = true; });
        co_await settle();
        EXPECT_FALSE(closed);
        EXPECT_EQ(log, "a1;b(database 'main' is closing);");
        EXPECT_THROW((void)co_await connections.acquire({}), database_closed);
        until.open();
        co_await settle();
        EXPECT_TRUE(closed);
        EXPECT_TRUE(server.open_connections.empty());
        EXPECT_THROW((void)co_await connections.acquire({}), database_closed);
    });
}

TEST(pool, closes_connections_under_their_users_when_they_do_not_come_back_in_time)
{
    test::run([]() -> asio::awaitable<void> {
        const observe::capture log;
        fake_server server;
        pool connections(co_await asio::this_coro::executor, "main", sized(1, 1), server.make_connector());
        co_await connections.open();
        auto mine = co_await connections.acquire({});
        co_await connections.close(1ms);
        EXPECT_FALSE(mine->is_open());
        EXPECT_THAT(log.messages(), testing::ElementsAre("connections closed under their users"));
        mine.reset();
        EXPECT_EQ(connections.stats().size, 0U);
        co_await connections.open();
        EXPECT_EQ(connections.stats().idle, 1U);
        co_await connections.close(1s);
    });
}

TEST(pool, cancels_connects_when_it_closes)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        pool connections(co_await asio::this_coro::executor, "main", sized(0, 1), server.make_connector());
        co_await connections.open();
        server.connects.close();
        std::string log;
        test::gate until;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, until, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(server.connects_running, 1);
        co_await connections.close(1h);
        EXPECT_EQ(server.connects_running, 0);
        co_await settle();
        EXPECT_EQ(log, "a(database 'main' is closing);");
    });
}

TEST(pool, warns_of_exhaustion_once_in_the_fixed_words)
{
    const observe::capture log;
    auto options = sized(10, 10);
    options.exhaustion_threshold = 0.9;
    with_pool(options, [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        std::vector<lease> all;
        for (int i = 0; i < 9; ++i)
            all.push_back(co_await connections.acquire({}));
        EXPECT_TRUE(log.entries().empty()) << "90 % is not above 90 %";
        for (int i = 0; i < 3; ++i) {
            all.push_back(co_await connections.acquire({}));
            all.pop_back();
        }
        EXPECT_THAT(
            log.messages(),
            testing::ElementsAre("[POOL EXHAUSTION] main pool at 10/10 active connections (100% usage, 0 free)"));
        EXPECT_EQ(log.entries()[0].value("active"), "10");
        EXPECT_THAT(
            log.entries()[0].value("holders"),
            testing::MatchesRegex("held longest by session for [0-9]+ ms, .*, and 5 more"));
    });
}

TEST(pool, warns_of_a_slow_acquire_in_the_fixed_words)
{
    auto options = sized(1, 1);
    options.slow_acquire = 1ms;
    const observe::capture log;
    with_pool(options, [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({.kind = "session", .label = "import", .keeps = {}});
        const auto here = co_await asio::this_coro::executor;
        std::string order;
        test::gate until;
        until.open();
        asio::co_spawn(here, borrow(connections, order, until, "a"), asio::detached);
        asio::steady_timer timer(here, 5ms);
        co_await timer.async_wait(asio::use_awaitable);
        mine.reset();
        co_await settle();
        EXPECT_THAT(
            log.messages(), testing::ElementsAre(testing::MatchesRegex(
                                "\\[SLOW ACQUIRE\\] main acquire took [0-9]+ms \\(threshold: 1ms\\)")));
        EXPECT_THAT(
            log.entries()[0].value("holders"), testing::MatchesRegex("waited for session import \\([0-9]+ ms\\)"));
    });
}

/// @returns what the log says that a caller waited for whose wait was slow and ended by `end`.
template <class F>
std::string what_was_waited_for(pool_options options, F end)
{
    options.slow_acquire = 1ms;
    const observe::capture log;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        auto mine = co_await connections.acquire({.kind = "session", .label = "import", .keeps = {}});
        std::string order;
        test::gate until;
        until.open();
        server.connects.close();
        asio::co_spawn(here, borrow(connections, order, until, "a"), asio::detached);
        co_await settle();
        co_await end(server, connections, mine);
        while (order.empty())
            co_await settle(1);
    });
    return log.entries().empty() ? "nothing" : log.entries().back().value("holders");
}

asio::awaitable<void> pass(std::chrono::milliseconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

TEST(pool, says_what_a_slow_acquire_waited_for)
{
    const auto cleaning = [](fake_server&, pool&, lease& mine) -> asio::awaitable<void> {
        co_await mine->run_script({"BEGIN", nullptr}, {});
        co_await pass(5ms);
        mine.reset();
    };
    EXPECT_THAT(
        what_was_waited_for(sized(1, 1), cleaning),
        testing::MatchesRegex("waited for cleaning after session import \\([0-9]+ ms\\)"));
    const auto connecting = [](fake_server& server, pool&, lease&) -> asio::awaitable<void> {
        co_await pass(5ms);
        server.connects.open();
    };
    EXPECT_THAT(
        what_was_waited_for(sized(1, 2), connecting),
        testing::MatchesRegex("waited for connect \\([0-9]+ ms\\); held longest by session import for [0-9]+ ms"));
    const auto suspension = [](fake_server&, pool& connections, lease& mine) -> asio::awaitable<void> {
        connections.suspend();
        mine.reset();
        co_await pass(5ms);
        connections.resume();
    };
    EXPECT_THAT(
        what_was_waited_for(sized(1, 1), suspension), testing::MatchesRegex("waited for suspension \\([0-9]+ ms\\)"));
}

TEST(pool, a_lease_may_outlive_the_pool_object)
{
    fake_server server;
    test::run([&]() -> asio::awaitable<void> {
        lease mine;
        {
            pool connections(co_await asio::this_coro::executor, "main", sized(2, 2), server.make_connector());
            co_await connections.open();
            mine = co_await connections.acquire({});
        }
        EXPECT_EQ(server.open_connections.size(), 1U);
        EXPECT_TRUE(mine->is_open());
        mine.reset();
        EXPECT_TRUE(server.open_connections.empty());
    });
}

TEST(pool, may_outlive_its_loop)
{
    fake_server server;
    std::optional<pool> connections;
    lease mine;
    {
        asio::io_context context;
        connections.emplace(context.get_executor(), "main", sized(2, 2), server.make_connector());
        asio::co_spawn(
            context,
            [&]() -> asio::awaitable<void> {
                co_await connections->open();
                mine = co_await connections->acquire({});
                context.stop();
            },
            asio::detached);
        context.run();
    }
    EXPECT_TRUE(server.open_connections.empty());
    mine.reset();
    EXPECT_FALSE(connections->is_open());
}

} // namespace
} // namespace tradecore
