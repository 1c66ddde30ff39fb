// SPDX-License-Identifier: Apache-2.0
// The code of docs/threads.md, run.
#include "support/postgres.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/db/registry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// [serve]
asio::awaitable<void> serve(tradecore::database& db, std::int64_t account)
{
    // On whichever thread this runs. The body stays with this coroutine, what is sent to the server goes by the
    // database's strand.
    co_await db.transaction([&]() -> asio::awaitable<void> {
        co_await db.execute("UPDATE account SET visits = visits + 1 WHERE id = $1", account);
        co_await tradecore::when_all(
            tradecore::with_timeout(2s, db.execute("INSERT INTO visit (account) VALUES ($1)", account)),
            db.notify("visits"));
    });
}
// [/serve]

// [lend]
asio::awaitable<std::int64_t> take_number(tradecore::database& db)
{
    // Runs on db.pool_executor(), to the end of the lease.
    auto connection = co_await db.pool().acquire(tradecore::usage::here("numbers"));
    co_await connection->execute("SET search_path = numbers");
    co_return co_await connection->fetchval<std::int64_t>("SELECT nextval('next_number')");
}

asio::awaitable<std::int64_t> next_number(tradecore::database& db)
{
    co_return co_await tradecore::run_on(db.pool_executor(), take_number(db));
}
// [/lend]

// [environment]
asio::awaitable<void> open_for_threads()
{
    auto configuration = tradecore::read_configuration();
    configuration.main.used_by = tradecore::threads::several;
    if (configuration.vb)
        configuration.vb->used_by = tradecore::threads::several;
    co_await tradecore::init_all(std::move(configuration));
}
// [/environment]

TEST(threads_page, its_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run("CREATE TABLE account (id bigint PRIMARY KEY, visits int NOT NULL DEFAULT 0);"
                "CREATE TABLE visit (account bigint NOT NULL); INSERT INTO account VALUES (1), (2), (3);"
                "CREATE SCHEMA numbers; CREATE SEQUENCE numbers.next_number START 7");
    std::atomic<int> served = 0;
    std::int64_t number = 0;
    const auto connect = tradecore::pg::connect_options::parse(scratch.dsn());
    const auto failed = [](const std::exception_ptr& error) { EXPECT_FALSE(error); };

    // [several]
    asio::io_context context;
    tradecore::database_options options;
    options.connect = connect;
    options.pool = {.minimum = 0, .maximum = 4};
    options.used_by = tradecore::threads::several;
    tradecore::database db(context.get_executor(), options);

    const auto work = [&](std::int64_t account) -> asio::awaitable<void> {
        co_await serve(db, account);
        ++served;
    };
    const auto main = [&]() -> asio::awaitable<void> {
        co_await db.open();
        for (std::int64_t request = 0; request < 30; ++request)
            // Each request on a strand of its own: what it starts, and what cancels it, never runs beside it.
            asio::co_spawn(asio::make_strand(context), work(1 + request % 3), failed);
    };
    asio::co_spawn(context, main(), failed);
    // [/several]
    const auto close = [&]() -> asio::awaitable<void> {
        while (served < 30)
            co_await asio::post(context, asio::use_awaitable);
        number = co_await next_number(db);
        co_await db.close();
    };
    asio::co_spawn(context, close(), failed);

    // [crew]
    std::vector<std::jthread> crew;
    for (int i = 0; i < 4; ++i)
        crew.emplace_back([&context] { context.run(); });
    // [/crew]
    crew.clear();
    EXPECT_EQ(scratch.run("SELECT sum(visits) FROM account"), "30");
    EXPECT_EQ(scratch.run("SELECT count(*) FROM visit"), "30");
    EXPECT_EQ(number, 7);
}

TEST(threads_page, opens_the_databases_of_the_environment)
{
    const tradecore::test::scratch_database scratch;
    ASSERT_EQ(setenv("POSTGRES_DSN", scratch.dsn().c_str(), 1), 0);
    ASSERT_EQ(setenv("ENABLE_VB_DATABASE", "false", 1), 0);
    ASSERT_EQ(setenv("PG_POOL_MIN_SIZE", "1", 1), 0);
    asio::io_context context;
    std::exception_ptr failure;
    const auto use = []() -> asio::awaitable<void> {
        co_await open_for_threads();
        EXPECT_THROW((void)tradecore::db.pool(), std::logic_error); // only on its own executor
        EXPECT_EQ(co_await tradecore::db.fetchval<int>("SELECT 7"), 7);
        co_await tradecore::shutdown();
    };
    asio::co_spawn(
        asio::make_strand(context), use(), [&failure](const std::exception_ptr& thrown) { failure = thrown; });
    std::jthread([&context] { context.run(); }).join();
    EXPECT_FALSE(failure);
}

} // namespace
