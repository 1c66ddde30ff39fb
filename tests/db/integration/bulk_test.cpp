// SPDX-License-Identifier: Apache-2.0
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
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

TEST_F(database_bulk, keeps_no_connection_on_which_a_stream_found_the_server_broken)
{
    scratch_.run("CREATE FUNCTION broken() RETURNS bigint LANGUAGE plpgsql AS "
                 "$$BEGIN RAISE EXCEPTION 'no page here' USING ERRCODE = 'XX001'; END$$;"
                 "CREATE TABLE d (id bigint CHECK (id <> broken()))");
    options_.pool = {.minimum = 0, .maximum = 1};
    run([](database& main) -> asio::awaitable<void> {
        const auto session = [&main] { return main.fetchval<int>("SELECT pg_backend_pid()"); };
        const int first = co_await session();
        EXPECT_TRUE(test::is<pg::server_error>(co_await test::error_of(main.copy_in("d", {"id"}, ids(0, 3)))));
        const int second = co_await session();
        EXPECT_NE(first, second);
        const auto read = [&]() -> asio::awaitable<void> {
            auto rows = co_await main.copy_out<std::int64_t>("SELECT broken() FROM generate_series(1, 3)");
            (void)co_await rows.next();
        };
        EXPECT_TRUE(test::is<pg::server_error>(co_await test::error_of(read())));
        EXPECT_NE(second, co_await session());
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

TEST_F(database_bulk, ends_a_copy_that_a_body_has_left_open)
{
    run([](database& main) -> asio::awaitable<void> {
        // It is still there when the transaction ends, so nobody gives it up before.
        std::optional<pg::copy_writer> writer;
        std::optional<pg::copy_reader<std::tuple<int>>> reader;
        const auto left_open = [&](bool nested, bool reads) -> asio::awaitable<void> {
            auto body = [&, reads]() -> asio::awaitable<void> {
                if (reads) {
                    reader.emplace(co_await main.copy_out<std::tuple<int>>("SELECT generate_series(1, 10000000)"));
                    (void)co_await reader->next();
                }
                else {
                    writer.emplace(co_await main.copy_writer("t", {"id"}));
                    co_await writer->write_row(std::int64_t{1});
                }
            };
            if (!nested)
                co_return co_await body();
            co_await main.transaction(body);
        };
        for (const bool nested : {false, true}) {
            for (const bool reads : {false, true}) {
                EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
                    co_await left_open(nested, reads);
                }))) << nested
                     << reads;
                EXPECT_EQ(main.pool_stats().active, 0U);
                if (reads)
                    EXPECT_TRUE(co_await throws<transaction_closed>(reader->next()));
                else
                    EXPECT_TRUE(co_await throws<transaction_closed>(writer->finish()));
                EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
            }
        }
    });
}

TEST_F(database_bulk, lets_the_step_under_way_of_a_childs_copy_be_its_last)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        std::exception_ptr failure;
        EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
            auto reader = co_await main.copy_out<std::tuple<int>>("SELECT generate_series(1, 10000000)");
            (void)co_await reader.next();
            const auto read_all = [](pg::copy_reader<std::tuple<int>> from) -> asio::awaitable<void> {
                for (;;)
                    (void)co_await from.next();
            };
            asio::co_spawn(
                co_await asio::this_coro::executor, read_all(std::move(reader)),
                [&](std::exception_ptr thrown) { failure = std::move(thrown); });
        })));
        while (!failure)
            co_await asio::post(here, asio::use_awaitable);
        EXPECT_TRUE(test::is<transaction_closed>(failure)) << test::what_of(failure);
    });
}

TEST_F(database_bulk, remembers_the_names_of_those_who_keep_connections)
{
    options_.pool = {.minimum = 1, .maximum = 1};
    run([](database& main) -> asio::awaitable<void> {
        const auto complaint = [&]() -> asio::awaitable<std::string> {
            co_return test::what_of(co_await test::error_of(main.with({.timeout = 20ms}).execute("SELECT 1")));
        };
        std::string name = "a name that lives no longer than the call";
        const auto forget = [&] { name.assign(name.size(), '#'); };
        {
            const auto rows = co_await main.with({.name = name}).cursor<int>("SELECT 1");
            forget();
            EXPECT_NE((co_await complaint()).find("cursor a name that lives"), std::string::npos)
                << co_await complaint();
        }
        name = "another such name, for a COPY";
        {
            const auto writer = co_await main.copy_writer("t", {"id"}, {.call = {.name = name}});
            forget();
            EXPECT_NE((co_await complaint()).find("COPY another such name"), std::string::npos) << co_await complaint();
        }
        name = "and one for a listener";
        {
            const auto feed = co_await main.listen("orders", {.call = {.name = name}});
            forget();
            EXPECT_NE((co_await complaint()).find("listener and one for"), std::string::npos) << co_await complaint();
        }
    });
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
