// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using test::run;
using test::task;
namespace asio = boost::asio;
using shared_connection = std::shared_ptr<pg::connection>;

asio::awaitable<shared_connection> connect()
{
    co_return co_await pg::connection::connect(
        co_await asio::this_coro::executor, pg::connect_options::parse(test::dsn()));
}

pg::statement text(std::string_view sql, std::optional<std::chrono::milliseconds> timeout = {})
{
    return {.sql = {sql, nullptr}, .arguments = {}, .options = {.timeout = timeout}};
}

asio::awaitable<pg::result> start(shared_connection on, pg::statement what)
{
    return on->run(std::move(what));
}

asio::awaitable<int> number(shared_connection on, int wanted)
{
    return on->fetchval<int>("SELECT $1::int", wanted);
}

/// Waits until another session sees that a server process sleeps: only then is there something to cancel.
asio::awaitable<void> until_asleep(std::int32_t pid)
{
    const auto watcher = co_await connect();
    while (!co_await watcher->fetchval<bool>(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", pid)) {
    }
}

template <class T>
asio::awaitable<bool> was_aborted(task<T> ended)
{
    try {
        (void)co_await ended.result();
    }
    catch (const boost::system::system_error& error) {
        co_return error.code() == asio::error::operation_aborted;
    }
    co_return false;
}

TEST(cancel, stops_the_running_statement_and_leaves_the_connection_usable)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        for (int i = 0; i < 5; ++i) {
            task sleeper(executor, start(db, text("SELECT pg_sleep(60)")));
            co_await until_asleep(db->backend_pid());
            sleeper.cancel();
            EXPECT_TRUE(co_await was_aborted(sleeper));
            EXPECT_EQ(co_await number(db, i), i);
        }
    });
}

TEST(cancel, does_not_touch_neighbours_in_the_pipeline)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        co_await number(db, 0);
        for (int i = 0; i < 100; ++i) {
            task sleeper(executor, start(db, text("SELECT pg_sleep(60)")));
            std::vector<task<int>> neighbours;
            for (int n = 0; n < 5; ++n)
                neighbours.emplace_back(executor, number(db, n));
            while (db->in_flight() < 6)
                co_await asio::post(executor, asio::use_awaitable);
            sleeper.cancel();
            task later(executor, number(db, 7));
            EXPECT_TRUE(co_await was_aborted(sleeper));
            for (int n = 0; n < 5; ++n)
                EXPECT_EQ(co_await neighbours[static_cast<std::size_t>(n)].result(), n);
            EXPECT_EQ(co_await later.result(), 7);
        }
    });
}

TEST(cancel, sends_a_neighbour_again_that_was_hit_instead)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        co_await db->run(text("SELECT pg_sleep(0.002)"));
        co_await db->run(text("SELECT pg_sleep(0.004)"));
        // The first ends at about the time when the request to stop it arrives, so that some requests hit the second.
        for (int i = 0; i < 50; ++i) {
            task first(executor, start(db, text("SELECT pg_sleep(0.002)")));
            task second(executor, start(db, text("SELECT pg_sleep(0.004)")));
            asio::steady_timer soon(executor, std::chrono::microseconds(1000 + 40 * i));
            co_await soon.async_wait(asio::use_awaitable);
            first.cancel();
            (void)co_await was_aborted(first);
            EXPECT_EQ((co_await second.result()).size(), 1U);
        }
    });
}

TEST(cancel, answers_a_statement_behind_others_at_once)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        co_await number(db, 0);
        task sleeper(executor, start(db, text("SELECT pg_sleep(60)")));
        while (db->in_flight() < 1)
            co_await asio::post(executor, asio::use_awaitable);
        task behind(executor, number(db, 1));
        while (db->in_flight() < 2)
            co_await asio::post(executor, asio::use_awaitable);
        behind.cancel();
        EXPECT_TRUE(co_await was_aborted(behind));
        EXPECT_FALSE(sleeper.has_ended());
        sleeper.cancel();
        EXPECT_TRUE(co_await was_aborted(sleeper));
        EXPECT_EQ(co_await number(db, 2), 2);
    });
}

TEST(cancel, stops_in_its_turn_what_was_given_up_behind_others)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        co_await db->run(text("SELECT pg_sleep(0)"));
        std::vector<task<pg::result>> sleepers;
        for (int i = 0; i < 3; ++i)
            sleepers.emplace_back(executor, start(db, text("SELECT pg_sleep(60)")));
        co_await until_asleep(db->backend_pid());
        for (auto& sleeper : sleepers)
            sleeper.cancel();
        for (auto& sleeper : sleepers)
            EXPECT_TRUE(co_await was_aborted(sleeper));
        EXPECT_EQ(co_await number(db, 1), 1);
    });
}

TEST(cancel, fails_the_transaction_and_lets_it_be_rolled_back)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        auto sleep = text("SELECT pg_sleep(60)");
        sleep.before = {"BEGIN", "SET LOCAL statement_timeout = 0"};
        task sleeper(executor, start(db, sleep));
        co_await until_asleep(db->backend_pid());
        sleeper.cancel();
        EXPECT_TRUE(co_await was_aborted(sleeper));
        EXPECT_EQ(db->status(), pg::transaction_status::failed);
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(db->status(), pg::transaction_status::idle);
        EXPECT_EQ(co_await number(db, 1), 1);
    });
}

TEST(cancel, ends_a_script_too)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        task script(executor, db->run_script({"SELECT 1; SELECT pg_sleep(60); SELECT 2", nullptr}));
        co_await until_asleep(db->backend_pid());
        script.cancel();
        EXPECT_TRUE(co_await was_aborted(script));
        EXPECT_EQ(co_await number(db, 1), 1);
    });
}

TEST(timeout, stops_the_statement_and_nothing_else)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        task patient(executor, start(db, text("SELECT pg_sleep(0.2)")));
        task impatient(executor, start(db, text("SELECT pg_sleep(60)", 50ms)));
        task unlimited(executor, number(db, 3));
        EXPECT_THROW((void)co_await impatient.result(), pg::timeout_error);
        EXPECT_EQ((co_await patient.result()).size(), 1U);
        EXPECT_EQ(co_await unlimited.result(), 3);
        EXPECT_TRUE(db->is_open());
    });
}

// --- at every suspension point -------------------------------------------------------------------------------------

/// Runs `body` on a loop of its own and cancels it after so many handlers have run.
/// @returns whether there were so many before its end.
template <class Body>
bool cancel_after(int handlers, Body body)
{
    asio::io_context context(1);
    task<void> cancelled(context.get_executor(), body());
    for (int i = 0; i < handlers; ++i) {
        if (cancelled.has_ended())
            return false;
        context.run_one();
    }
    cancelled.cancel();
    while (!cancelled.has_ended() && context.run_one() > 0) {
    }
    EXPECT_TRUE(cancelled.has_ended()) << "after " << handlers << " handlers";
    return true;
}

TEST(cancel, may_come_anywhere_while_connecting)
{
    int handlers = 0;
    while (cancel_after(handlers, []() -> asio::awaitable<void> { (void)co_await connect(); }))
        ++handlers;
    EXPECT_GT(handlers, 3);
}

/// Connects, then begins `body`, cancels it after so many handlers and looks what is left.
template <class Body>
bool usable_after(int handlers, Body body)
{
    bool came_so_far = true;
    asio::io_context context(1);
    shared_connection db;
    task<shared_connection> connecting(context.get_executor(), connect());
    while (!connecting.has_ended())
        context.run_one();
    asio::co_spawn(context, connecting.result(), [&](const std::exception_ptr&, shared_connection made) { db = made; });
    while (!db)
        context.run_one();

    task<void> cancelled(context.get_executor(), body(db));
    for (int i = 0; i < handlers && came_so_far; ++i) {
        came_so_far = !cancelled.has_ended();
        if (came_so_far)
            context.run_one();
    }
    cancelled.cancel();
    while (!cancelled.has_ended())
        context.run_one();
    EXPECT_TRUE(db->is_open());
    task<void> rollback(context.get_executor(), [](shared_connection on) -> asio::awaitable<void> {
        co_await on->run_script({"ROLLBACK", nullptr});
        EXPECT_EQ(co_await on->fetchval<int>("SELECT 41 + 1"), 42);
    }(db));
    while (!rollback.has_ended())
        context.run_one();
    bool succeeded = false;
    asio::co_spawn(context, rollback.result(), [&](const std::exception_ptr& error) { succeeded = !error; });
    while (db->in_flight() > 0 || !succeeded)
        if (context.poll_one() == 0)
            break;
    EXPECT_TRUE(succeeded) << "after " << handlers << " handlers";
    return came_so_far;
}

TEST(cancel, may_come_anywhere_while_a_statement_runs)
{
    int handlers = 0;
    while (usable_after(handlers, [](shared_connection db) -> asio::awaitable<void> {
        pg::statement slow = text("SELECT pg_sleep(0.01)");
        slow.before = {"BEGIN"};
        (void)co_await db->run(std::move(slow));
        (void)co_await db->fetchval<int>("SELECT 1");
    }))
        ++handlers;
    EXPECT_GT(handlers, 3);
}

TEST(cancel, may_come_anywhere_while_a_script_runs)
{
    int handlers = 0;
    while (usable_after(handlers, [](shared_connection db) -> asio::awaitable<void> {
        (void)co_await db->run_script({"BEGIN; SELECT pg_sleep(0.01); SELECT 2", nullptr});
    }))
        ++handlers;
    EXPECT_GT(handlers, 1);
}

} // namespace
