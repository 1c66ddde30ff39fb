// SPDX-License-Identifier: Apache-2.0
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using pg::cursor_options;
using test::throws;

template <class E, class T>
asio::awaitable<bool> throws(asio::awaitable<T> work)
{
    try {
        (void)co_await std::move(work);
    }
    catch (const E&) {
        co_return true;
    }
    co_return false;
}

class database_bulk : public testing::Test {
protected:
    database_bulk()
    {
        scratch_.run("CREATE TABLE t (id bigint PRIMARY KEY, note text)");
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.pool = {.minimum = 1, .maximum = 2};
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await body(main);
            EXPECT_EQ(co_await main.fetchval<int>("SELECT 1"), 1);
            co_await main.close();
            EXPECT_EQ(main.pool_stats().size, 0U);
        });
    }

    [[nodiscard]] std::string count() const { return scratch_.run("SELECT count(*) FROM t"); }

    static auto ids(int from, int to) { return std::views::iota(std::int64_t{from}, std::int64_t{to}); }

    test::scratch_database scratch_{"bulk"};
    database_options options_;
};

TEST_F(database_bulk, runs_batches_on_a_connection_of_the_pool)
{
    run([](database& main) -> asio::awaitable<void> {
        pg::batch todo;
        const auto id = todo.add<std::int64_t>("INSERT INTO t VALUES ($1, 'x') RETURNING id", 1);
        const auto rows = todo.add_rows<std::int64_t>("SELECT id FROM t");
        auto answers = co_await main.run(std::move(todo));
        EXPECT_EQ(answers.get(id), 1);
        EXPECT_EQ(answers.get(rows).size(), 1U);
        EXPECT_EQ(co_await main.execute_many("INSERT INTO t (id) VALUES ($1)", ids(2, 1'000)), 998U);
        EXPECT_EQ(main.pool_stats().active, 0U);
    });
    EXPECT_EQ(count(), "999");
}

TEST_F(database_bulk, is_part_of_the_ambient_transaction)
{
    run([](database& main) -> asio::awaitable<void> {
        auto everything = [&]() -> asio::awaitable<void> {
            // Each of these may be the transaction's first command.
            EXPECT_EQ(co_await main.copy_in("t", {"id"}, ids(0, 100)), 100U);
            EXPECT_EQ(co_await main.execute_many("INSERT INTO t (id) VALUES ($1)", ids(100, 200)), 100U);
            pg::batch todo;
            const auto seen = todo.add<std::int64_t>("SELECT count(*) FROM t");
            auto answers = co_await main.run(std::move(todo));
            EXPECT_EQ(answers.get(seen), 200);
            auto slices = co_await main.cursor<std::int64_t>(cursor_options{.rows = 50}, "SELECT id FROM t");
            for (auto slice = co_await slices.next(); !slice.empty(); slice = co_await slices.next())
                EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 200);
            auto copied = co_await main.copy_out<std::int64_t>("SELECT id FROM t");
            std::size_t rows = 0;
            for (auto slice = co_await copied.next(); !slice.empty(); slice = co_await copied.next())
                rows += slice.size();
            EXPECT_EQ(rows, 200U);
            co_await main.transaction(
                [&]() -> asio::awaitable<void> { EXPECT_EQ(co_await main.copy_in("t", {"id"}, ids(200, 300)), 100U); });
        };
        const bool failed = co_await throws<std::runtime_error>(main.transaction([&]() -> asio::awaitable<void> {
            co_await everything();
            throw std::runtime_error("undo");
        }));
        EXPECT_TRUE(failed);
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        co_await main.transaction(everything);
    });
    EXPECT_EQ(count(), "300");
}

TEST_F(database_bulk, begins_a_transaction_with_any_of_them)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto undone = [&main](auto command) -> asio::awaitable<void> {
            const bool failed =
                co_await throws<std::runtime_error>(main.transaction([&command]() -> asio::awaitable<void> {
                    co_await command();
                    throw std::runtime_error("undo");
                }));
            EXPECT_TRUE(failed);
            EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        };
        auto batch = [&]() -> asio::awaitable<void> {
            pg::batch todo;
            (void)todo.add_execute("INSERT INTO t VALUES (1)");
            (co_await main.run(std::move(todo))).require_success();
        };
        auto many = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute_many("INSERT INTO t (id) VALUES ($1)", ids(0, 10));
        };
        auto cursor = [&]() -> asio::awaitable<void> {
            auto rows = co_await main.cursor<std::int64_t>("INSERT INTO t VALUES (1) RETURNING id");
            EXPECT_EQ((co_await rows.next()).size(), 1U);
        };
        auto copy = [&]() -> asio::awaitable<void> { (void)co_await main.copy_in("t", {"id"}, ids(0, 10)); };
        co_await undone(batch);
        co_await undone(many);
        co_await undone(cursor);
        co_await undone(copy);
    });
}

TEST_F(database_bulk, begins_a_transaction_with_commands_that_have_nothing_to_do)
{
    run([](database& main) -> asio::awaitable<void> {
        for (const bool with_batch : {false, true}) {
            const auto body = [&main, with_batch]() -> asio::awaitable<void> {
                if (with_batch)
                    EXPECT_EQ((co_await main.run(pg::batch())).size(), 0U);
                else
                    EXPECT_EQ(co_await main.execute_many("INSERT INTO t (id) VALUES ($1)", ids(0, 0)), 0U);
                co_await main.execute("INSERT INTO t VALUES (1)");
                throw std::runtime_error("undo");
            };
            EXPECT_TRUE(co_await throws<std::runtime_error>(main.transaction(body)));
            EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        }
    });
}

TEST_F(database_bulk, makes_a_transaction_fail_when_one_of_them_fails)
{
    run([](database& main) -> asio::awaitable<void> {
        const bool rolled_back =
            co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
                (void)co_await main.copy_in("t", {"id"}, ids(0, 10));
                EXPECT_TRUE(co_await throws<pg::unique_violation>(main.copy_in("t", {"id"}, ids(0, 10))));
            }));
        EXPECT_TRUE(rolled_back);
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        // A savepoint saves what was before it.
        co_await main.transaction([&]() -> asio::awaitable<void> {
            (void)co_await main.copy_in("t", {"id"}, ids(0, 10));
            auto nested = main.transaction([&]() -> asio::awaitable<void> {
                (void)co_await main.execute_many("INSERT INTO t (id) VALUES ($1)", ids(5, 15));
            });
            EXPECT_TRUE(co_await throws<pg::unique_violation>(std::move(nested)));
        });
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 10);
    });
}

TEST_F(database_bulk, gives_connections_back_when_streams_are_given_up)
{
    run([](database& main) -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            {
                auto rows = co_await main.cursor<int>(cursor_options{.rows = 10}, "SELECT generate_series(1, 1000)");
                auto writer = co_await main.copy_writer("t", {"id"});
                co_await writer.write_row(i);
                (void)co_await rows.next();
                EXPECT_EQ(main.pool_stats().active, 2U);
            }
            auto copied = co_await main.copy_out<int>("SELECT generate_series(1, 10000000)");
            (void)co_await copied.next();
        }
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
    });
}

TEST_F(database_bulk, keeps_others_in_the_transaction_waiting_while_a_copy_runs)
{
    run([](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            auto writer = co_await main.copy_writer("t", {"id"});
            co_await writer.write_row(1);
            // A statement of the same transaction that is awaited now would wait for the COPY: its limit ends it.
            auto impatient = main.with({.timeout = 20ms});
            EXPECT_TRUE(co_await throws<pg::timeout_error>(impatient.fetchval<int>("SELECT 1")));
            EXPECT_EQ(co_await writer.finish(), 1U);
            EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 1);
        });
    });
    EXPECT_EQ(count(), "1");
}

TEST_F(database_bulk, listens_on_a_connection_of_its_own)
{
    run([](database& main) -> asio::awaitable<void> {
        {
            auto feed = co_await main.listen("orders");
            EXPECT_EQ(main.pool_stats().active, 1U);
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await main.notify("orders", "in a transaction");
                EXPECT_FALSE(feed.try_next());
            });
            EXPECT_EQ((co_await feed.next()).payload, "in a transaction");
        }
        EXPECT_EQ(main.pool_stats().active, 0U);
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM pg_listening_channels()"), 0);
    });
}

TEST_F(database_bulk, keeps_to_limits)
{
    run([](database& main) -> asio::awaitable<void> {
        auto hurried = main.with({.timeout = 100ms});
        EXPECT_TRUE(co_await throws<pg::error>(hurried.copy_in("t", {"id"}, std::views::iota(std::int64_t{0}))));
        pg::batch slow;
        const auto sleep = slow.add<std::string>("SELECT pg_sleep(60)::text");
        auto outcome = [&]() -> asio::awaitable<void> {
            auto answers = co_await hurried.run(std::move(slow));
            (void)answers.get(sleep);
        };
        EXPECT_TRUE(co_await throws<pg::error>(outcome()));
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
    });
}

} // namespace
} // namespace tradecore
