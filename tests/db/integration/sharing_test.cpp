// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::error_of;
using test::is;
using test::settle;

class sharing_integration : public testing::Test {
protected:
    sharing_integration()
    {
        scratch_.run("CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL);"
                     "INSERT INTO account SELECT id, 100 FROM generate_series(1, 10) AS id");
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.pool = {.minimum = 2, .maximum = 2};
        options_.pool.exhaustion_threshold = 1;
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await body(main);
            while (main.pool_stats().active > 0)
                co_await settle(1); // what was left behind is cleaned away
            EXPECT_EQ(main.pool_stats().waiting, 0U);
            co_await main.close();
        });
    }

    /// Holds the lock of account 1, on a connection that is not the pool's, until the gate opens.
    [[nodiscard]] asio::awaitable<void> hold_lock(test::gate& held, test::gate& until) const
    {
        const auto other = co_await pg::connection::connect(co_await asio::this_coro::executor, options_.connect);
        (void)co_await other->run_script("BEGIN; UPDATE account SET balance = balance WHERE id = 1");
        held.open();
        (void)co_await until.wait();
        (void)co_await other->run_script("COMMIT");
    }

    test::scratch_database scratch_{"sharing"};
    database_options options_;
};

asio::awaitable<void> ask_often(database& main, std::int64_t who, int times, int& right)
{
    for (int i = 0; i < times; ++i) {
        const std::int64_t question = who * 1'000 + i;
        if (i % 7 == 3) {
            const auto error = co_await error_of(main.fetchval<std::int64_t>("SELECT $1::int8 / 0", question));
            EXPECT_TRUE(is<division_by_zero>(error)) << test::what_of(error);
            right += is<division_by_zero>(error) ? 1 : 0;
        }
        else {
            const auto answer = co_await main.fetchval<std::int64_t>("SELECT $1::int8 + 1", question);
            EXPECT_EQ(answer, question + 1);
            right += answer == question + 1 ? 1 : 0;
        }
    }
}

TEST_F(sharing_integration, gives_each_of_many_callers_its_own_answers_and_errors)
{
    run([&](database& main) -> asio::awaitable<void> {
        constexpr int callers = 100;
        constexpr int times = 50;
        int right = 0;
        int ended = 0;
        test::gate all;
        for (int i = 0; i < callers; ++i)
            asio::co_spawn(
                co_await asio::this_coro::executor, ask_often(main, i, times, right),
                [&](const std::exception_ptr& error) {
                    EXPECT_EQ(test::what_of(error), "nothing");
                    if (++ended == callers)
                        all.open();
                });
        (void)co_await all.wait();
        EXPECT_EQ(right, callers * times);
        EXPECT_GT(main.statistics().pool.shared, 0U);
        EXPECT_EQ(main.pool_stats().size, 2U);
    });
}

TEST_F(sharing_integration, transactions_among_many_readers_get_their_turn_and_take_effect_once)
{
    run([&](database& main) -> asio::awaitable<void> {
        constexpr int callers = 40;
        int ended = 0;
        test::gate all;
        std::vector<std::exception_ptr> errors;
        const auto transfer = [&main](std::int64_t from) -> asio::awaitable<void> {
            for (int i = 0; i < 10; ++i) {
                co_await main.transaction([&main, from]() -> asio::awaitable<void> {
                    co_await main.execute("UPDATE account SET balance = balance - 1 WHERE id = $1", 1 + from % 10);
                    co_await main.execute(
                        "UPDATE account SET balance = balance + 1 WHERE id = $1", 1 + (from + 1) % 10);
                });
            }
        };
        const auto read = [&main]() -> asio::awaitable<void> {
            for (int i = 0; i < 25; ++i) {
                const auto sum = co_await main.fetchval<std::int64_t>("SELECT sum(balance)::int8 FROM account");
                EXPECT_EQ(sum, 1'000) << "half a transaction was seen";
            }
        };
        const auto note = [&](const std::exception_ptr& error) {
            EXPECT_EQ(test::what_of(error), "nothing");
            if (++ended == callers)
                all.open();
        };
        for (int i = 0; i < callers; ++i)
            asio::co_spawn(co_await asio::this_coro::executor, i % 4 == 0 ? transfer(i) : read(), note);
        (void)co_await all.wait();
        EXPECT_GT(main.statistics().pool.shared, 0U);
    });
}

TEST_F(sharing_integration, who_is_behind_a_statement_that_hangs_is_served_elsewhere)
{
    options_.pool.sharing.patience = 5ms;
    run([&](database& main) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        constexpr auto write = "UPDATE account SET balance = 7 WHERE id = 1";
        const auto update = [&main](std::string sql) -> asio::awaitable<void> {
            co_await main.with({.idempotent = true}).execute(runtime_sql(std::move(sql)));
        };
        co_await update(write); // it is known to be quick
        test::gate held;
        test::gate until;
        test::gate written;
        asio::co_spawn(executor, hold_lock(held, until), asio::detached);
        (void)co_await held.wait();
        // The other connection is somebody's, so that all that follows goes behind the one that hangs.
        auto other = co_await main.pool().acquire(usage::here("test"));
        asio::co_spawn(executor, update(write), [&](const std::exception_ptr& error) {
            EXPECT_EQ(test::what_of(error), "nothing");
            written.open();
        });
        co_await settle(2);
        int read = 0;
        test::gate all;
        for (int i = 0; i < 5; ++i) {
            asio::co_spawn(executor, ask_often(main, i, 1, read), [&](const std::exception_ptr& error) {
                EXPECT_EQ(test::what_of(error), "nothing");
                if (read == 5)
                    all.open();
            });
        }
        while (main.statistics().pool.sent_away == 0)
            co_await settle(1); // the pool's patience ends
        other.reset();
        (void)co_await all.wait();
        EXPECT_EQ(read, 5);
        until.open();
        (void)co_await written.wait();
        EXPECT_GE(main.statistics().pool.sent_away, 1U);
    });
    EXPECT_EQ(scratch_.run("SELECT balance FROM account WHERE id = 1"), "7");
}

TEST_F(sharing_integration, who_cancels_a_statement_does_not_hit_those_behind_it)
{
    run([&](database& main) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        auto other = co_await main.pool().acquire(usage::here("test"));
        for (int round = 0; round < 20; ++round) {
            test::gate held;
            test::gate until;
            asio::co_spawn(executor, hold_lock(held, until), asio::detached);
            (void)co_await held.wait();
            asio::cancellation_signal cancel;
            const auto update = [&main]() -> asio::awaitable<void> {
                co_await main.with({.idempotent = true}).execute("UPDATE account SET balance = 8 WHERE id = 1");
            };
            bool cancelled = false;
            asio::co_spawn(
                executor, update(), asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr& error) {
                    cancelled = error != nullptr;
                }));
            co_await settle(5);
            int read = 0;
            int ended = 0;
            test::gate all;
            for (int i = 0; i < 6; ++i) {
                asio::co_spawn(executor, ask_often(main, i, 3, read), [&](const std::exception_ptr& error) {
                    EXPECT_EQ(test::what_of(error), "nothing");
                    if (++ended == 6)
                        all.open();
                });
            }
            co_await settle(2);
            cancel.emit(asio::cancellation_type::terminal);
            (void)co_await all.wait();
            EXPECT_EQ(read, 18);
            EXPECT_TRUE(cancelled);
            until.open();
            while (main.pool_stats().active > 1)
                co_await settle(1);
        }
        other.reset();
    });
}

TEST_F(sharing_integration, what_shared_a_connection_that_was_killed_is_repeated)
{
    constexpr int kills = 5;
    options_.retries.outage.max_attempts = kills + 1; // who has bad luck meets each of them
    options_.retry_budget.minimum = 2 * kills;        // and each hits one connection, shared or not
    run([&](database& main) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        constexpr int callers = 50;
        int right = 0;
        int ended = 0;
        test::gate all;
        for (int i = 0; i < callers; ++i)
            asio::co_spawn(executor, ask_often(main, i, 40, right), [&](const std::exception_ptr& error) {
                EXPECT_EQ(test::what_of(error), "nothing");
                if (++ended == callers)
                    all.open();
            });
        const auto killer = co_await pg::connection::connect(executor, options_.connect);
        for (int i = 0; i < kills && ended < callers; ++i) {
            (void)co_await killer->execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                "pg_backend_pid() ORDER BY random() LIMIT 1");
        }
        (void)co_await all.wait();
        EXPECT_EQ(right, callers * 40);
    });
}

} // namespace
} // namespace tradecore
