// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/embedded/server.hpp>
#include <tradecore/errors.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <ranges>
#include <utility>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using resilience::breaker_state;

enum class answer { served, refused, failed };

asio::awaitable<answer> ask(database& on)
{
    try {
        (void)co_await on.fetchval<std::int32_t>("SELECT 1");
        co_return answer::served;
    }
    catch (const circuit_open&) {
        co_return answer::refused;
    }
    catch (const pg::error&) {
        co_return answer::failed;
    }
}

asio::awaitable<answer> ask_in_transaction(database& on)
{
    try {
        co_await on.transaction([&]() -> asio::awaitable<void> { (void)co_await on.execute("SELECT 1"); });
        co_return answer::served;
    }
    catch (const circuit_open&) {
        co_return answer::refused;
    }
    catch (const pg::error&) {
        co_return answer::failed;
    }
}

asio::awaitable<answer> divide_by_zero(database& on)
{
    try {
        (void)co_await on.execute("SELECT 1 / 0");
        co_return answer::served;
    }
    catch (const division_by_zero&) {
        co_return answer::failed;
    }
}

/// @returns whether it was refused.
template <class T>
asio::awaitable<bool> refuses(asio::awaitable<T> work)
{
    try {
        (void)co_await std::move(work);
    }
    catch (const circuit_open&) {
        co_return true;
    }
    co_return false;
}

asio::awaitable<void> expect_refusals(database& on)
{
    const auto ids = std::views::iota(std::int64_t{0}, std::int64_t{10});
    pg::batch todo;
    (void)todo.add_rows<std::int32_t>("SELECT 1");
    EXPECT_TRUE(co_await refuses(on.execute("SELECT 1")));
    EXPECT_TRUE(co_await refuses(on.run_script({"SELECT 1", nullptr})));
    EXPECT_TRUE(co_await refuses(on.execute_many("INSERT INTO t VALUES ($1)", ids)));
    EXPECT_TRUE(co_await refuses(on.cursor<std::int32_t>("SELECT 1")));
    EXPECT_TRUE(co_await refuses(on.copy_in("t", {"id"}, ids)));
    EXPECT_TRUE(co_await refuses(on.copy_out<std::int64_t>("SELECT id FROM t")));
    EXPECT_TRUE(co_await refuses(on.run(std::move(todo))));
    EXPECT_TRUE(co_await refuses(on.listen("c")));
    EXPECT_TRUE(co_await refuses(on.with({.timeout = 1s}).fetch("SELECT 1")));
    EXPECT_EQ(co_await ask_in_transaction(on), answer::refused);
}

TEST(breaker, follows_a_server_that_is_stopped_and_started)
{
    const test::temporary_folder folder;
    embedded::options small;
    small.folder = folder.path();
    small.settings = {{"fsync", "off"}, {"shared_buffers", "16MB"}};
    embedded::server server(small);
    server.start();

    database_options options;
    options.connect = pg::connect_options::parse(server.dsn());
    options.pool = {.minimum = 2, .maximum = 4};
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 10ms;
    options.breaker.background_probe = 20ms;
    options.breaker.background_probe_limit = 20ms;
    auto other_options = options;
    other_options.name = "vb";
    other_options.connect = pg::connect_options::parse(test::dsn());

    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        database main(here, options);
        database vb(here, other_options);
        co_await main.open();
        co_await vb.open();
        EXPECT_EQ(co_await ask(main), answer::served);

        for (int outage = 0; outage < 2; ++outage) {
            server.stop();
            // Connections that end while idle are replaced before anybody is served by them, so that each attempt
            // fails to connect, and five of them are enough.
            int failures = 0;
            for (auto last = answer::failed; last == answer::failed; ++failures)
                last = co_await ask(main);
            EXPECT_LE(failures, 7) << "the refused one, and one that met the end of its connection";
            co_await expect_refusals(main);
            const auto health = co_await main.health_check(1s);
            EXPECT_FALSE(health.reachable);
            EXPECT_NE(health.breaker, breaker_state::closed);
            EXPECT_EQ(co_await ask(vb), answer::served);
            EXPECT_EQ(vb.breaker_state(), breaker_state::closed);

            server.start();
            while (main.breaker_state() != breaker_state::closed)
                co_await test::settle(1);
            EXPECT_EQ(co_await ask(main), answer::served);
            EXPECT_EQ(co_await ask_in_transaction(main), answer::served);
            const auto again = co_await main.health_check();
            EXPECT_TRUE(again.reachable);
            EXPECT_EQ(again.breaker, breaker_state::closed);
            while (main.pool_stats().size < 2)
                co_await test::settle(1);
        }
        // What statements do wrong is none of the server's business.
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(co_await divide_by_zero(main), answer::failed);
        EXPECT_EQ(main.breaker_state(), breaker_state::closed);
        co_await vb.close();
        co_await main.close();
    });
}

} // namespace
} // namespace tradecore
