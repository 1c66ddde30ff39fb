// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using namespace std::chrono_literals;

asio::awaitable<connection_ptr> connect_with_table()
{
    auto db = co_await connect();
    co_await db->run_script({"CREATE TEMP TABLE t (id int8 PRIMARY KEY, a int8, b int8)", nullptr});
    co_return db;
}

asio::awaitable<std::int64_t> count(connection_ptr db)
{
    return db->fetchval<std::int64_t>("SELECT count(*) FROM t");
}

auto numbered(int count)
{
    return std::views::iota(std::int64_t{0}, std::int64_t{count}) |
           std::views::transform([](std::int64_t i) { return std::tuple(i, i * 2, i * 3); });
}

struct order {
    std::int64_t id;
    std::string symbol;
    pg::numeric price;
    std::optional<timestamptz> filled;
    tradecore::uuid trader;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, symbol, price, filled, trader))

TEST(copy_in, stores_a_million_rows)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        pg::copy_progress last;
        int reports = 0;
        pg::copy_options options{.progress = [&](const pg::copy_progress& now) {
            EXPECT_GE(now.bytes, last.bytes);
            last = now;
            ++reports;
        }};
        EXPECT_EQ(co_await db->copy_in("t", {"id", "a", "b"}, numbered(1'000'000), options), 1'000'000U);
        EXPECT_EQ(last.rows, 1'000'000U);
        EXPECT_EQ(last.bytes, 1'000'000U * 38 + 21);
        EXPECT_GT(reports, 100);
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT sum(a + b)::int8 FROM t"), 5 * 499'999'500'000);
        co_await expect_usable(db);
    });
}

TEST(copy_in, takes_described_structs_and_quotes_names)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->run_script(
            {"CREATE TEMP TABLE \"Odd \"\"orders\" (id int4, symbol varchar(10), price numeric(12,4), filled "
             "timestamptz, trader uuid, more text DEFAULT 'x')",
             nullptr});
        const std::vector<order> orders{
            {1, "ACME", pg::numeric::from_string("12.5"), std::nullopt, {}},
            {2, "EMCA", pg::numeric::from_string("-0.25"), timestamptz(1'700'000'000s), {}}};
        EXPECT_EQ(co_await db->copy_in("pg_temp.Odd \"orders", orders), 2U);
        const auto back = co_await db->fetch<order>("SELECT * FROM \"Odd \"\"orders\" ORDER BY id");
        EXPECT_EQ(back[0].price.to_string(), "12.5000");
        EXPECT_EQ(back[1].filled, timestamptz(1'700'000'000s));
        EXPECT_EQ(back[1].symbol, "EMCA");
        EXPECT_EQ(co_await db->copy_in("Odd \"orders", {"id"}, std::vector{7, 8, 9}), 3U);
        co_await message_of<pg::undefined_table>(db->copy_in("nowhere", {"id"}, std::vector{7}));
        co_await message_of<pg::undefined_column>(db->copy_in("Odd \"orders", {"ids"}, std::vector{7}));
        co_await message_of<pg::argument_error>(db->copy_in("Odd \"orders", {"id", "symbol"}, std::vector{7}));
        co_await expect_usable(db);
    });
}

TEST(copy_in, takes_enums_and_domains)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->run_script(
            {"CREATE TYPE pg_temp.mood AS ENUM ('calm', 'wild'); CREATE DOMAIN pg_temp.amount AS int4 CHECK (value > "
             "0); "
             "CREATE TEMP TABLE m (mood pg_temp.mood, amount pg_temp.amount)",
             nullptr});
        const std::vector<std::tuple<std::string, int>> rows{{"wild", 5}, {"calm", 6}};
        EXPECT_EQ(co_await db->copy_in("m", {"mood", "amount"}, rows), 2U);
        co_await message_of<pg::check_violation>(
            db->copy_in("m", {"mood", "amount"}, std::vector<std::tuple<std::string, int>>{{"wild", -5}}));
        const auto text =
            co_await message_of<pg::argument_error>(db->copy_in("m", {"amount"}, std::vector<std::string>{"1234"}));
        EXPECT_NE(text.find("column \"amount\""), std::string::npos) << text;
        co_await expect_usable(db);
    });
}

TEST(copy_in, names_the_row_that_cannot_be_sent_and_stores_nothing)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (id int2)");
        for (const int failing : {3, 50'000}) {
            const auto rows = std::views::iota(0, 50'001) |
                              std::views::transform([failing](int i) { return i == failing ? 70'000 : i % 1000; });
            const auto message = co_await message_of<pg::argument_error>(db->copy_in("t", {"id"}, rows));
            EXPECT_NE(message.find("row " + std::to_string(failing) + ", column \"id\""), std::string::npos) << message;
            EXPECT_EQ(co_await count(db), 0);
        }
        co_await expect_usable(db);
    });
}

TEST(copy_in, reports_the_servers_error_in_mid_course)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const int size : {10, 200'000}) {
            const auto rows = std::views::iota(0, size) |
                              std::views::transform([](std::int64_t i) { return std::tuple(i / 2, i, i); });
            co_await message_of<pg::unique_violation>(db->copy_in("t", {"id", "a", "b"}, rows));
            co_await expect_usable(db);
        }
        co_await db->execute("CREATE TEMP TABLE c (id int8 REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
        co_await message_of<pg::foreign_key_violation>(db->copy_in("c", {"id"}, std::vector{5}));
        co_await expect_usable(db);
    });
}

TEST(copy_in, believes_nothing_that_was_true_of_the_columns_before)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->run_script({"CREATE TEMP TABLE t (a int8)", nullptr});
        const std::vector<std::int64_t> whole{7};
        const std::vector<double> half{0.5};
        EXPECT_EQ(co_await db->copy_in("t", {"a"}, whole), 1U);
        {
            auto rows = co_await db->copy_out<std::int64_t>("SELECT a FROM t");
            EXPECT_EQ((co_await rows.next()).at(0), 7);
        }
        // Of the same size: the server cannot tell one from the other.
        co_await db->run_script({"ALTER TABLE t ALTER a TYPE float8", nullptr});
        {
            auto rows = co_await db->copy_out<double>("SELECT a FROM t");
            EXPECT_EQ((co_await rows.next()).at(0), 7.0);
        }
        EXPECT_EQ(co_await db->copy_in("t", {"a"}, half), 1U);
        EXPECT_EQ(co_await db->fetchval<double>("SELECT min(a) FROM t"), 0.5);
        co_await db->run_script({"DELETE FROM t WHERE a < 1; ALTER TABLE t ALTER a TYPE int8", nullptr});
        EXPECT_EQ(co_await db->copy_in("t", {"a"}, whole), 1U);
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT sum(a)::int8 FROM t"), 14);
        // The same name, another table.
        co_await db->run_script(
            {"DROP SCHEMA IF EXISTS copy_other CASCADE; CREATE SCHEMA copy_other; CREATE TABLE copy_other.t (a "
             "float8); "
             "SET search_path = copy_other, pg_temp",
             nullptr});
        EXPECT_EQ(co_await db->copy_in("t", {"a"}, half), 1U);
        EXPECT_EQ(co_await db->fetchval<double>("SELECT a FROM copy_other.t"), 0.5);
        {
            auto rows = co_await db->copy_out<double>("SELECT a FROM t");
            EXPECT_EQ((co_await rows.next()).at(0), 0.5);
        }
        co_await db->run_script({"DROP SCHEMA copy_other CASCADE", nullptr});
        co_await expect_usable(db);
    });
}

TEST(copy_writer, writes_row_by_row)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        auto writer = co_await db->copy_writer("t", {"id", "a"});
        beside other(co_await asio::this_coro::executor, db->execute("SELECT 1"));
        for (int i = 0; i < 10'000; ++i)
            co_await writer.write_row(i, std::optional<int>());
        co_await message_of<pg::argument_error>([&]() -> asio::awaitable<void> { co_await writer.write_row(1); }());
        EXPECT_FALSE(other.is_over());
        EXPECT_EQ(co_await writer.finish(), 10'000U);
        co_await other.join();
        co_await message_of<pg::argument_error>(writer.flush());
        EXPECT_EQ(co_await count(db), 10'000);
        co_await expect_usable(db);
    });
}

TEST(copy_writer, stores_nothing_when_it_is_given_up)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const int rows : {0, 10, 20'000}) {
            {
                auto writer = co_await db->copy_writer("t", {"id"});
                for (int i = 0; i < rows; ++i)
                    co_await writer.write_row(i);
            }
            EXPECT_EQ(co_await count(db), 0);
            co_await expect_usable(db);
        }
    });
}

TEST(copy_writer, tells_of_the_servers_error_and_is_over)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        auto writer = co_await db->copy_writer("t", {"id"});
        auto write_on = [](pg::copy_writer& to) -> asio::awaitable<void> {
            for (;;)
                co_await to.write_row(7);
        };
        co_await message_of<pg::unique_violation>(write_on(writer));
        co_await message_of<pg::argument_error>(writer.finish());
        co_await expect_usable(db);
    });
}

TEST(copy_writer, can_be_cancelled_while_the_server_does_not_read)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto blocker = co_await connect();
        co_await blocker->run_script(
            {"DROP TABLE IF EXISTS bulk_blocked; CREATE TABLE bulk_blocked (id int8)", nullptr});
        co_await blocker->run_script({"BEGIN; LOCK TABLE bulk_blocked", nullptr});
        const auto executor = co_await asio::this_coro::executor;
        // In the beginning, when the lock is waited for.
        beside opening(executor, db->copy_in("bulk_blocked", {"id"}, std::views::iota(0)));
        co_await until([&] { return db->in_flight() > 0; });
        opening.cancel();
        co_await message_of<boost::system::system_error>(opening.join());
        co_await expect_usable(db);
        co_await blocker->execute("ROLLBACK");
        // In the middle.
        beside copying(executor, db->copy_in("bulk_blocked", {"id"}, std::views::iota(0)));
        co_await until([&] { return db->in_flight() > 0; });
        for (int i = 0; i < 100; ++i)
            co_await asio::post(executor, asio::use_awaitable);
        copying.cancel();
        co_await message_of<boost::system::system_error>(copying.join());
        co_await expect_usable(db);
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM bulk_blocked"), 0);
        co_await db->execute("DROP TABLE bulk_blocked");
    });
}

TEST(copy_writer, ends_when_its_time_is_over)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        pg::copy_options options{.call = {.timeout = 100ms}};
        co_await message_of<pg::timeout_error>(
            db->copy_in("t", {"id"}, std::views::iota(std::int64_t{0}), std::move(options)));
        EXPECT_EQ(co_await count(db), 0);
        co_await expect_usable(db);
    });
}

TEST(copy_writer, ends_with_its_connection)
{
    run([]() -> asio::awaitable<void> {
        const auto killer = co_await connect();
        for (const int rows : {0, 100'000}) {
            const auto db = co_await connect_with_table();
            auto writer = co_await db->copy_writer("t", {"id"});
            for (int i = 0; i < rows; ++i)
                co_await writer.write_row(i);
            co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
            co_await until([&] { return !db->is_open(); });
            co_await message_of<pg::error>(writer.finish());
        }
    });
}

TEST(copy_in_stream, sends_text_as_it_is)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        auto csv = co_await db->copy_in_stream("COPY t FROM STDIN (FORMAT csv, HEADER)");
        co_await csv.write("id,a,b\n1,2,");
        co_await csv.write("3\n4,5,6\n");
        EXPECT_EQ(co_await csv.finish(), 2U);
        auto bad = co_await db->copy_in_stream("COPY t FROM STDIN");
        co_await bad.write("nonsense\n");
        co_await message_of<pg::invalid_text_representation>(bad.finish());
        auto large = co_await db->copy_in_stream("COPY t (a) FROM STDIN");
        std::string lines;
        for (int i = 0; i < 2'000'000; ++i)
            lines += "1\n";
        co_await message_of<pg::not_null_violation>([&]() -> asio::awaitable<void> {
            co_await large.write(lines);
            (void)co_await large.finish();
        }());
        co_await expect_usable(db);
    });
}

TEST(copy_in_stream, refuses_statements_that_are_no_copy)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        co_await message_of<pg::argument_error>(db->copy_in_stream("SELECT 1"));
        co_await message_of<pg::argument_error>(db->copy_in_stream("COPY t TO STDOUT"));
        co_await message_of<pg::syntax_error>(db->copy_in_stream("COPY t FROM"));
        co_await message_of<pg::syntax_error>(db->copy_in_stream("COPY t FROM STDIN; SELECT 1"));
        co_await message_of<pg::argument_error>(db->copy_out_stream("SELECT 1"));
        co_await message_of<pg::error>(db->copy_out_stream("COPY t FROM STDIN"));
        co_await expect_usable(db);
    });
}

TEST(copy_out, reads_a_million_rows_with_bounded_memory)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto rows = co_await db->copy_out<std::tuple<std::int64_t, std::optional<std::string>>>(
            "SELECT n::int8, CASE WHEN n % 2 = 0 THEN 'even' END FROM generate_series(1, 1000000) n -- a comment");
        std::size_t count = 0;
        std::size_t largest = 0;
        std::int64_t sum = 0;
        for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next()) {
            for (const auto& [n, text] : slice) {
                sum += n;
                EXPECT_EQ(text.has_value(), n % 2 == 0);
            }
            count += slice.size();
            largest = std::max(largest, slice.size());
        }
        EXPECT_EQ(count, 1'000'000U);
        EXPECT_EQ(sum, 500'000'500'000);
        // 256 KiB and what one read adds; a row takes 18 bytes at least.
        EXPECT_LE(largest, 256U * 1024 / 18 + 4096);
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await expect_usable(db);
    });
}

TEST(copy_out, stops_reading_when_nobody_takes_rows)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto watcher = co_await connect();
        auto rows = co_await db->copy_out<std::string>("SELECT repeat('x', 1000) FROM generate_series(1, 200000)");
        // The server waits for us: its 200 MB would be here otherwise.
        bool waits = false;
        while (!waits)
            waits = co_await watcher->fetchval<bool>(
                "SELECT coalesce(wait_event = 'ClientWrite', false) FROM pg_stat_activity WHERE pid = $1",
                db->backend_pid());
        std::size_t count = 0;
        for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next()) {
            EXPECT_LT(slice.size(), 1'500U);
            count += slice.size();
        }
        EXPECT_EQ(count, 200'000U);
        co_await expect_usable(db);
    });
}

TEST(copy_out, can_be_given_up_and_cancelled)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        for (const int slices : {0, 1, 3}) {
            {
                auto rows = co_await db->copy_out<int>("SELECT generate_series(1, 100000000)");
                for (int i = 0; i < slices; ++i)
                    (void)co_await rows.next();
            }
            co_await expect_usable(db);
        }
        auto slow = co_await db->copy_out<int>("SELECT length(pg_sleep(60)::text)");
        beside next(co_await asio::this_coro::executor, slow.next());
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        next.cancel();
        co_await message_of<boost::system::system_error>(next.join());
        co_await expect_usable(db);
    });
}

TEST(copy_out, reports_an_error_in_each_phase)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await message_of<pg::undefined_table>(db->copy_out<int>("SELECT 1 FROM nowhere"));
        co_await message_of<pg::argument_error>(db->copy_out<int>("CREATE TEMP TABLE x ()"));
        auto late = co_await db->copy_out<int>("SELECT 1 / (150000 - n) FROM generate_series(1, 300000) n");
        auto read = [](pg::copy_reader<int>& from) -> asio::awaitable<void> {
            while (!(co_await from.next()).empty()) {
            }
        };
        co_await message_of<pg::division_by_zero>(read(late));
        EXPECT_TRUE((co_await late.next()).empty());
        auto wrong = co_await db->copy_out<std::string>("SELECT 1");
        co_await message_of<pg::type_error>(wrong.next());
        co_await expect_usable(db);
    });
}

TEST(copy_out, ends_with_its_connection)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto killer = co_await connect();
        auto rows = co_await db->copy_out<int>("SELECT generate_series(1, 100000000)");
        (void)co_await rows.next();
        co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
        auto read = [](pg::copy_reader<int>& from) -> asio::awaitable<void> {
            while (!(co_await from.next()).empty()) {
            }
        };
        co_await message_of<pg::error>(read(rows));
        EXPECT_FALSE(db->is_open());
    });
}

TEST(copy_out_stream, comes_back_through_copy_in_stream)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto other = co_await connect_with_table();
        (void)co_await db->copy_in("t", {"id", "a", "b"}, numbered(50'000));
        for (int format = 0; format < 2; ++format) {
            auto from = co_await (
                format == 0 ? db->copy_out_stream("COPY t TO STDOUT (FORMAT csv)")
                            : db->copy_out_stream("COPY t TO STDOUT (FORMAT binary)"));
            auto to = co_await (
                format == 0 ? other->copy_in_stream("COPY t FROM STDIN (FORMAT csv)")
                            : other->copy_in_stream("COPY t FROM STDIN (FORMAT binary)"));
            for (auto data = co_await from.read(); !data.empty(); data = co_await from.read())
                co_await to.write(data);
            EXPECT_EQ(co_await to.finish(), 50'000U);
            co_await other->execute("TRUNCATE t");
        }
        co_await expect_usable(db);
        co_await expect_usable(other);
    });
}

} // namespace
