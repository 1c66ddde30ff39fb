// SPDX-License-Identifier: Apache-2.0
// What errors say: which database, which transaction, which limit, in which unit.
#include "db/support/breaker_world.hpp"
#include "db/support/complaint.hpp"
#include "db/support/fake_database.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/db/registry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using test::complaint_of;
using test::error_of;
using test::fake_server;
using test::gate;
using test::quiet_options;
using test::what_of;
using test::with_database;
namespace asio = boost::asio;

TEST(error_texts, of_transactions_name_the_transaction_and_its_database)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(nothing, {.max_attempts = 0}))),
            "transaction_options.max_attempts must be at least 1");
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(nothing, {.timeout = 0ms}))),
            "transaction_options.timeout must be positive");
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                const auto told = [&](transaction_options wanted) -> asio::awaitable<std::string> {
                    wanted.name = "inner";
                    co_return what_of(co_await error_of(main.transaction(nothing, wanted)));
                };
                EXPECT_EQ(
                    co_await told({.isolation = isolation_level::serializable}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot have an isolation level of its own");
                EXPECT_EQ(
                    co_await told({.read_only = true}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot be read-only in one that is not");
                EXPECT_EQ(
                    co_await told({.deferrable = true}),
                    "transaction 'inner' of 'main', nested in 'outer', cannot be deferrable in one that is not");
            },
            {.name = "outer"});
        EXPECT_EQ(
            what_of(co_await error_of(main.transaction(
                [&]() -> asio::awaitable<void> { (void)co_await error_of(main.execute(runtime_sql("FAIL 23505"))); },
                {.name = "careless"}))),
            "COMMIT of the transaction 'careless' of 'main' was answered with ROLLBACK: an earlier statement had "
            "failed with 23505 (unique_violation)");
    });
}

TEST(error_texts, of_nested_transactions_name_the_one_they_are_in)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        gate ended;
        std::string swallowed;
        std::string outlived;
        const auto careless = [&]() -> asio::awaitable<void> {
            (void)co_await error_of(main.execute(runtime_sql("FAIL 23505")));
        };
        const auto slow = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("SELECT 1");
            (void)co_await ended.wait();
        };
        const auto child = [&]() -> asio::awaitable<void> {
            outlived = what_of(co_await error_of(main.transaction(slow)));
        };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                swallowed = what_of(co_await error_of(main.transaction(careless)));
                asio::co_spawn(co_await asio::this_coro::executor, child(), asio::detached);
                co_await test::settle();
            },
            {.name = "order"});
        ended.open();
        co_await test::until([&] { return !outlived.empty(); });
        EXPECT_EQ(
            swallowed,
            "a nested transaction in the transaction 'order' of 'main' was rolled back: an earlier statement "
            "had failed with 23505 (unique_violation)");
        EXPECT_EQ(outlived, "the transaction 'order' of 'main' was finished before the nested transaction in it");
    });
}

TEST(error_texts, of_a_transaction_that_is_late_say_how_long_it_might_take)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        std::string inside;
        const auto late = co_await error_of(main.transaction(
            [&]() -> asio::awaitable<void> {
                const auto began = std::chrono::steady_clock::now();
                while (std::chrono::steady_clock::now() - began <= 5ms) {
                }
                const auto error = co_await error_of(main.execute("SELECT 1"));
                inside = what_of(error);
                std::rethrow_exception(error);
            },
            {.name = "order", .timeout = 5ms}));
        EXPECT_EQ(inside, "the transaction 'order' of 'main' has used up its 5 ms");
        EXPECT_EQ(what_of(late), "transaction 'order' of 'main' was not finished within 5 ms and was rolled back");
    });
}

TEST(error_texts, of_who_could_only_wait_for_himself_say_what_he_holds)
{
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        const auto outside = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1"); };
        const auto error = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
            (void)co_await main.execute("SELECT 1");
            co_await main.outside(outside);
        }));
        EXPECT_TRUE(test::is<waits_for_itself>(error));
        EXPECT_EQ(
            what_of(error), "pool 'main': all 1 connections are held by the transactions this call is inside of, so "
                            "waiting for another "
                            "one would never end");
    });
}

TEST(error_texts, of_a_child_that_outlives_its_transaction_name_the_transaction)
{
    fake_server server;
    with_database(server, quiet_options(2), [&](database& main) -> asio::awaitable<void> {
        gate ended;
        std::string told;
        bool over = false;
        const auto child = [&]() -> asio::awaitable<void> {
            (void)co_await ended.wait();
            told = what_of(co_await error_of(main.execute("SELECT 1")));
            over = true;
        };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("SELECT 1");
                asio::co_spawn(co_await asio::this_coro::executor, child(), asio::detached);
            },
            {.name = "short"});
        ended.open();
        while (!over)
            co_await test::settle(1);
        EXPECT_EQ(told, "the transaction 'short' of 'main' is finished");
    });
}

TEST(error_texts, of_a_database_that_is_not_there_name_it_and_say_why)
{
    EXPECT_EQ(
        complaint_of([] { (void)database::disabled("vb", "VB_POSTGRES_DSN is not set").pool(); }),
        "database 'vb' is switched off: VB_POSTGRES_DSN is not set");
    EXPECT_EQ(complaint_of([] { (void)database("spare").pool(); }), "database 'spare' is not open");
    EXPECT_EQ(complaint_of([] { (void)get_pool("nowhere"); }), "there is no database 'nowhere'");
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(what_of(co_await error_of(main.open())), "database 'main' is open already");
        co_await main.close();
        EXPECT_EQ(what_of(co_await error_of(main.execute("SELECT 1"))), "database 'main' is not open");
        co_await main.open();
        auto kept = co_await main.pool().acquire({});
        const auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(executor, main.close(10s), asio::detached);
        co_await test::settle();
        EXPECT_EQ(what_of(co_await error_of(main.execute("SELECT 1"))), "database 'main' is closing");
        EXPECT_EQ(what_of(co_await error_of(main.open())), "database 'main' is being opened or closed");
        kept.reset();
        co_await test::settle();
    });
}

TEST(error_texts, of_a_database_without_standbys_say_that_they_are_not_enabled)
{
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(
            what_of(co_await error_of(main.standbys().execute("SELECT 1"))),
            "database 'main/standby' is switched off: database_options.standbys is not enabled");
    });
}

TEST(error_texts, of_an_open_breaker_say_when_to_come_again_and_what_failed_last)
{
    test::breaker_world w;
    w.stop_time();
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await w.open_breaker();
            EXPECT_EQ(
                what_of(co_await error_of(test::say(main, "a"))),
                "database 'main' has failed too often and is not asked for now; come again in 30000 ms; the last "
                "failure: connection refused");
        },
        test::probed_by_callers(4));
}

TEST(error_texts, of_who_cannot_listen_say_why)
{
    fake_server server;
    with_database(server, quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(what_of(co_await error_of(main.listen("news"))), "this connection cannot listen");
    });
    auto behind_a_pooler = quiet_options(1);
    behind_a_pooler.connect.prepared_statements = pg::prepared_statements::unnamed;
    with_database(server, behind_a_pooler, [&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(
            what_of(co_await error_of(main.listen("news"))),
            "database 'main' cannot listen to 'news': with prepared_statements=unnamed a pooler may be between, which "
            "gives a listener no session of its own; listen on a database with a DSN that leads to the server itself");
    });
}

TEST(error_texts, of_reads_that_the_primary_shall_not_do_say_why_no_standby_does)
{
    fake_server primary;
    fake_server standby;
    auto options = quiet_options(1);
    options.breaker_enabled = false;
    options.connect.target_session = pg::target_session_attributes::primary;
    options.standbys.enabled = true;
    options.standbys.pool.maximum = 1;
    options.standbys.pool.exhaustion_threshold = 1;
    standby.on_command = [](fake_server::connection& on, const std::string&) { on.become_standby(); };
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        database main(here, options, primary.make_connector(), {}, standby.make_connector());
        co_await main.open();
        const auto told = [&](std::string sql, std::optional<std::chrono::milliseconds> staleness =
                                                   std::nullopt) -> asio::awaitable<std::string> {
            auto reads = main.read({.max_staleness = staleness, .primary_otherwise = false});
            co_return what_of(co_await error_of(reads.execute(runtime_sql(std::move(sql)))));
        };
        EXPECT_EQ(
            co_await told("SELECT 1", 0ms), "database 'main': no standby answers the read: nothing may be old at all");
        EXPECT_EQ(
            co_await told("SELECT 1", 1s),
            "database 'main': no standby answers the read: the primary has not said lately where it is");
        EXPECT_EQ(
            co_await told("FAIL 40001"), "database 'main': no standby answers the read: the standby failed: ERROR "
                                         "40001 (serialization_failure): refused as asked");
        EXPECT_EQ(
            co_await told("FAIL 25006"),
            "ERROR 25006 (read_only_sql_transaction): refused as asked (database::read only reads; write with the "
            "database itself)");
        std::string held;
        const auto hold = [&]() -> asio::awaitable<void> { held = co_await told("HOLD it"); };
        asio::co_spawn(here, hold(), asio::detached);
        co_await test::until([&] { return standby.held("it").waiting() == 1; });
        EXPECT_EQ(
            co_await told("SELECT 1"),
            "database 'main': no standby answers the read: all connections to standbys are in use");
        standby.held("it").open();
        co_await test::until([&] { return !held.empty(); });
        standby.refusal = test::refused();
        standby.close_connections();
        EXPECT_EQ(
            co_await told("SELECT 1"),
            "database 'main': no standby answers the read: no standby can be reached: connection refused");
        auto reads = main.read({});
        pg::batch todo(pg::batch_mode::each_alone);
        (void)todo.add<int>("DELETE FROM t RETURNING id");
        EXPECT_EQ(
            what_of(co_await error_of(reads.run(std::move(todo)))),
            "a batch of database::read whose entries stand alone may have such only that show by their text that they "
            "only read");
        co_await main.close(1s);
    });
}

TEST(error_texts, of_the_category_are_said_of_every_code)
{
    const std::vector<std::pair<db_errc, std::string>> texts{
        {db_errc::pool_exhausted, "no connection became free in time"},
        {db_errc::pool_cannot_connect, "no connection in time because connecting fails"},
        {db_errc::waits_for_itself, "the wait for a connection could only end by the caller itself"},
        {db_errc::transaction_closed, "the transaction is finished"},
        {db_errc::transaction_rolled_back, "COMMIT was answered with ROLLBACK"},
        {db_errc::commit_unknown, "whether the transaction was committed is not known"},
        {db_errc::database_closed, "the database is not open"},
        {db_errc::database_disabled, "the database is switched off"},
        {db_errc::circuit_open, "the database has failed too often and is not asked for now"},
        {db_errc::no_fresh_standby, "no standby is proved to be as new as asked"},
    };
    for (const auto& [code, text] : texts)
        EXPECT_EQ(make_error_code(code).message(), text);
}

} // namespace
} // namespace tradecore
