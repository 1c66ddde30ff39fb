// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using namespace std::chrono_literals;
using pg::cursor_options;

TEST(cursor, reads_a_million_rows_in_slices)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto rows = co_await db->cursor<int>(
            cursor_options{.rows = 5'000}, "SELECT n FROM generate_series(1, $1) n", 1'000'000);
        std::int64_t sum = 0;
        std::size_t count = 0;
        std::size_t largest = 0;
        for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next()) {
            sum = std::accumulate(slice.begin(), slice.end(), sum);
            count += slice.size();
            largest = std::max(largest, slice.size());
        }
        EXPECT_EQ(count, 1'000'000U);
        EXPECT_EQ(sum, std::int64_t{1'000'000} * 1'000'001 / 2);
        EXPECT_EQ(largest, 5'000U);
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await expect_usable(db);
    });
}

TEST(cursor, keeps_slices_of_large_rows_small)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto rows = co_await db->cursor<std::string>(
            cursor_options{.rows = 1'000, .bytes = 100'000}, "SELECT repeat('x', 10000) FROM generate_series(1, 500)");
        std::size_t count = 0;
        std::size_t slices = 0;
        for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next(), ++slices) {
            count += slice.size();
            if (slices > 0) // before the first nothing is known
                EXPECT_LE(slice.size(), 11U);
            EXPECT_LE(slice.size(), 64U);
        }
        EXPECT_EQ(count, 500U);
    });
}

TEST(cursor, gives_slices_of_the_size_that_was_asked_for)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        for (const bool ahead : {false, true}) {
            for (const std::size_t size : {1U, 2U, 63U, 64U, 65U, 250U, 251U}) {
                auto rows = co_await db->cursor(
                    cursor_options{.rows = size, .read_ahead = ahead}, "SELECT generate_series(1, 250) AS n");
                std::size_t count = 0;
                for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next()) {
                    EXPECT_EQ(slice.size(), std::min<std::size_t>(size, 250 - count));
                    EXPECT_EQ(slice[0]["n"].as<int>(), static_cast<int>(count) + 1);
                    count += slice.size();
                }
                EXPECT_EQ(count, 250U);
            }
        }
        auto none = co_await db->cursor<int>("SELECT 1 WHERE false");
        EXPECT_TRUE((co_await none.next()).empty());
        co_await expect_usable(db);
    });
}

TEST(cursor, lets_others_between_its_slices_inside_a_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("BEGIN");
        auto first = co_await db->cursor<int>(cursor_options{.rows = 10}, "SELECT generate_series(1, 100)");
        auto second = co_await db->cursor<int>(cursor_options{.rows = 7}, "SELECT generate_series(1, $1::int)", 100);
        int sum = 0;
        for (int i = 0; i < 10; ++i) {
            for (const int n : co_await first.next())
                sum += n;
            for (const int n : co_await second.next())
                sum += n;
            EXPECT_EQ(co_await db->fetchval<int>("SELECT $1::int", i), i);
        }
        EXPECT_EQ(sum, 5050 + 70 * 71 / 2);
        co_await second.close();
        EXPECT_TRUE((co_await second.next()).empty());
        EXPECT_TRUE((co_await first.next()).empty());
        EXPECT_EQ(db->status(), pg::transaction_status::in_transaction);
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM pg_cursors WHERE name <> ''"), 0);
        co_await db->execute("COMMIT");
    });
}

TEST(cursor, keeps_others_waiting_outside_of_one)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto rows = co_await db->cursor<int>(cursor_options{.rows = 10}, "SELECT generate_series(1, 30)");
        beside other(co_await asio::this_coro::executor, db->execute("SELECT 1"));
        EXPECT_EQ((co_await rows.next()).size(), 10U);
        EXPECT_EQ((co_await rows.next()).size(), 10U);
        EXPECT_FALSE(other.is_over());
        EXPECT_EQ((co_await rows.next()).size(), 10U);
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await other.join();
        co_await expect_usable(db);
    });
}

TEST(cursor, commits_at_its_end_and_rolls_back_when_given_up)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (id int)");
        {
            auto rows = co_await db->cursor<int>(
                cursor_options{.rows = 2}, "INSERT INTO t SELECT generate_series(1, 10) RETURNING id");
            EXPECT_EQ((co_await rows.next()).size(), 2U);
        }
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        {
            auto rows = co_await db->cursor<int>(
                cursor_options{.rows = 2}, "INSERT INTO t SELECT generate_series(1, 10) RETURNING id");
            EXPECT_EQ((co_await rows.next()).size(), 2U);
            co_await rows.close();
        }
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), 10);
        co_await db->execute("CREATE TEMP TABLE p (id int PRIMARY KEY)");
        co_await db->execute("CREATE TEMP TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
        auto deferred = co_await db->cursor<int>("INSERT INTO c VALUES (5) RETURNING id");
        EXPECT_EQ((co_await deferred.next()).size(), 1U);
        co_await message_of<pg::foreign_key_violation>(deferred.next());
        co_await expect_usable(db);
    });
}

TEST(cursor, can_be_given_up_at_any_time)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        for (const int slices : {0, 1, 2, 3}) {
            for (const bool in_transaction : {false, true}) {
                if (in_transaction)
                    co_await db->execute("BEGIN");
                {
                    auto rows = co_await db->cursor<int>(cursor_options{.rows = 100}, "SELECT generate_series(1, 300)");
                    for (int i = 0; i < slices; ++i)
                        (void)co_await rows.next();
                }
                EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
                if (in_transaction) {
                    EXPECT_EQ(db->status(), pg::transaction_status::in_transaction);
                    co_await db->execute("COMMIT");
                }
                co_await expect_usable(db);
            }
        }
        // While the server works on what was asked ahead.
        {
            auto rows = co_await db->cursor<int>(
                cursor_options{.rows = 1}, "SELECT CASE n WHEN 1 THEN 1 ELSE length(pg_sleep(60)::text) END "
                                           "FROM generate_series(1, 3) n");
            EXPECT_EQ((co_await rows.next()).size(), 1U);
        }
        co_await expect_usable(db);
    });
}

TEST(cursor, reports_an_error_in_each_phase)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await message_of<pg::undefined_table>(db->cursor<int>("SELECT 1 FROM nowhere"));
        co_await message_of<pg::argument_error>(db->cursor<int>("SELECT $1::int2 + 0", 70'000));
        co_await message_of<pg::division_by_zero>(db->cursor<int>("SELECT 1 / $1::int", 0));
        co_await expect_usable(db);
        auto late = co_await db->cursor<int>(
            cursor_options{.rows = 100}, "SELECT 1 / (150 - n) FROM generate_series(1, 300) n");
        EXPECT_EQ((co_await late.next()).size(), 100U);
        co_await message_of<pg::division_by_zero>(late.next());
        EXPECT_TRUE((co_await late.next()).empty());
        co_await expect_usable(db);
        auto wrong = co_await db->cursor<std::string>("SELECT 1");
        co_await message_of<pg::type_error>(wrong.next());
        co_await message_of<pg::error>(db->cursor<int>("COPY (SELECT 1) TO STDOUT"));
        co_await expect_usable(db);
    });
}

TEST(cursor, can_be_cancelled)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        auto rows = co_await db->cursor<int>(
            cursor_options{.rows = 1, .read_ahead = false},
            "SELECT CASE n WHEN 1 THEN 1 ELSE length(pg_sleep(60)::text) END FROM generate_series(1, 3) n");
        EXPECT_EQ((co_await rows.next()).size(), 1U);
        beside next(executor, rows.next());
        co_await until([&] { return db->in_flight() > 0; });
        next.cancel();
        co_await message_of<boost::system::system_error>(next.join());
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await expect_usable(db);
    });
}

TEST(cursor, ends_with_its_connection)
{
    run([]() -> asio::awaitable<void> {
        const auto killer = co_await connect();
        for (const int slices : {0, 2}) {
            const auto db = co_await connect();
            auto rows = co_await db->cursor<int>(cursor_options{.rows = 100}, "SELECT generate_series(1, 1000)");
            for (int i = 0; i < slices; ++i)
                (void)co_await rows.next();
            co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
            co_await until([&] { return !db->is_open(); });
            // What had come may still be read.
            auto read_on = [](pg::cursor<int>& from) -> asio::awaitable<void> {
                while (!(co_await from.next()).empty()) {
                }
            };
            co_await message_of<pg::error>(read_on(rows));
        }
    });
}

} // namespace
