// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace tradecore;
using test::run;
using test::task;
namespace asio = boost::asio;
using shared_connection = std::shared_ptr<pg::connection>;

asio::awaitable<pg::result> start(shared_connection on, std::string_view sql, bool changes_nothing)
{
    pg::statement what{.sql = {sql, nullptr}, .arguments = {}};
    what.options.only_reads = changes_nothing;
    return on->run(std::move(what));
}

template <class T>
asio::awaitable<std::string> end_of(task<T>& call)
{
    try {
        (void)co_await call.result();
    }
    catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "answered";
}

TEST(send_away, ends_calls_behind_the_running_statement_that_change_nothing)
{
    const test::scratch_database scratch("send_away"); // its locks are nobody else's
    run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto where = pg::connect_options::parse(scratch.dsn());
        const shared_connection db = co_await pg::connection::connect(executor, where);
        const auto watcher = co_await pg::connection::connect(executor, where);
        constexpr auto known = "SELECT 1";
        for (const auto* each : {"SELECT pg_sleep(0)", known})
            (void)co_await start(db, each, true); // prepared: they are sent at once from now on
        // Held by a lock that is not theirs, so that it ends when the test wants it to.
        (void)co_await watcher->execute("SELECT pg_advisory_lock(4711)");
        task front(executor, start(db, "SELECT pg_advisory_xact_lock(4711)", true));
        while (!co_await watcher->fetchval<bool>(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = $1", db->backend_pid())) {
        }
        task reading(executor, start(db, known, true));
        task writing(executor, start(db, known, false));
        task preparing(executor, start(db, "SELECT 2", false)); // its question only, so far
        co_await asio::post(executor, asio::use_awaitable);
        co_await asio::post(executor, asio::use_awaitable);
        db->send_away(std::make_exception_ptr(std::runtime_error("go elsewhere")));
        EXPECT_EQ(co_await end_of(reading), "go elsewhere");
        EXPECT_EQ(co_await end_of(preparing), "go elsewhere");
        (void)co_await watcher->execute("SELECT pg_advisory_unlock(4711)");
        EXPECT_EQ(co_await end_of(front), "answered");
        EXPECT_EQ(co_await end_of(writing), "answered");
        // Nothing is left behind, whatever was dropped.
        const auto again = co_await db->fetchval<int>("SELECT 2");
        EXPECT_EQ(again, 2);
        EXPECT_EQ(db->in_flight(), 0U);
    });
}

TEST(send_away, does_nothing_when_nobody_waits)
{
    run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto db = co_await pg::connection::connect(executor, pg::connect_options::parse(test::dsn()));
        db->send_away(std::make_exception_ptr(std::runtime_error("go elsewhere")));
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 3"), 3);
    });
}

} // namespace
