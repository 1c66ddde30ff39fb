// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <boost/describe/enum.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace bulk_healing_test {

enum class mood { calm, new0, new1, new2, new3, none };
BOOST_DESCRIBE_ENUM(mood, calm, new0, new1, new2, new3, none)

} // namespace bulk_healing_test

namespace {

using bulk_healing_test::mood;
using namespace tradecore;
using namespace tradecore::test;
using namespace std::chrono_literals;

asio::awaitable<connection_ptr> connect_with(pg::prepared_statements naming, std::size_t cache = 256)
{
    auto options = pg::connect_options::parse(test::dsn());
    options.prepared_statements = naming;
    options.statement_cache_size = cache;
    co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
}

/// Each verb heals what is remembered of statements, with names and without.
class bulk_healing : public testing::TestWithParam<pg::prepared_statements> {};

asio::awaitable<std::string> first_with_batch(connection_ptr on)
{
    pg::batch todo;
    const auto rows = todo.add_fetch("SELECT * FROM h");
    auto answers = co_await on->run(std::move(todo));
    const auto got = answers.get(rows);
    co_return std::string(got.columns().at(0).name) + " " + std::to_string(got.columns().size());
}

asio::awaitable<std::string> first_with_cursor(connection_ptr on)
{
    auto rows = co_await on->cursor<pg::result>("SELECT * FROM h");
    const auto got = co_await rows.next();
    const auto end = co_await rows.next();
    EXPECT_EQ(end.columns().size(), got.columns().size());
    co_return std::string(got.columns().at(0).name) + " " + std::to_string(got.columns().size());
}

TEST_P(bulk_healing, sees_columns_that_come_and_go)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(GetParam());
        co_await db->run_script({"CREATE TEMP TABLE h (a int8); INSERT INTO h VALUES (7)", nullptr});
        EXPECT_EQ(co_await first_with_batch(db), "a 1");
        EXPECT_EQ(co_await first_with_cursor(db), "a 1");
        co_await db->run_script({"ALTER TABLE h ADD b text", nullptr});
        EXPECT_EQ(co_await first_with_batch(db), "a 2");
        co_await db->run_script({"ALTER TABLE h DROP b", nullptr});
        EXPECT_EQ(co_await first_with_cursor(db), "a 1");
        co_await db->run_script({"ALTER TABLE h RENAME a TO c", nullptr});
        EXPECT_EQ(co_await first_with_batch(db), "c 1");
        EXPECT_EQ(co_await first_with_cursor(db), "c 1");
        co_await expect_usable(db);
    });
}

TEST_P(bulk_healing, sees_a_column_of_another_type_and_the_same_size)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(GetParam());
        co_await db->run_script({"CREATE TEMP TABLE h (a int8); INSERT INTO h VALUES (7)", nullptr});
        for (int round = 0; round < 2; ++round) {
            const auto read = [&](auto sample) -> asio::awaitable<void> {
                using type = decltype(sample);
                pg::batch todo;
                const auto value = todo.add<type>("SELECT a FROM h");
                auto answers = co_await db->run(std::move(todo));
                EXPECT_EQ(answers.get(value), type(7));
                auto rows = co_await db->cursor<type>("SELECT a FROM h");
                EXPECT_EQ((co_await rows.next()).at(0), type(7));
                EXPECT_TRUE((co_await rows.next()).empty());
            };
            co_await read(std::int64_t());
            co_await db->run_script({"ALTER TABLE h ALTER a TYPE float8", nullptr});
            co_await read(double());
            co_await db->run_script({"ALTER TABLE h ALTER a TYPE int8", nullptr});
        }
        co_await expect_usable(db);
    });
}

TEST_P(bulk_healing, opens_a_cursor_anew_when_all_statements_are_dropped)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(GetParam());
        for (int round = 0; round < 2; ++round) {
            auto rows = co_await db->cursor<int>("SELECT generate_series(1, $1::int)", 3);
            EXPECT_EQ((co_await rows.next()).size(), 3U);
            EXPECT_TRUE((co_await rows.next()).empty());
            co_await db->run_script({"DISCARD ALL", nullptr});
        }
        co_await expect_usable(db);
    });
}

TEST_P(bulk_healing, learns_labels_that_are_added)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(GetParam());
        co_await db->run_script(
            {"CREATE TYPE pg_temp.mood AS ENUM ('calm'); CREATE TEMP TABLE m (mood pg_temp.mood)", nullptr});
        const auto add = [&](int verb, mood value) -> asio::awaitable<void> {
            const std::vector rows{value};
            if (verb == 0) {
                pg::batch todo;
                (void)todo.add_execute("INSERT INTO m VALUES ($1)", value);
                (co_await db->run(std::move(todo))).require_success();
            }
            else if (verb == 1) {
                EXPECT_EQ(co_await db->execute_many("INSERT INTO m VALUES ($1)", rows), 1U);
            }
            else if (verb == 2) {
                auto put = co_await db->cursor<mood>("INSERT INTO m VALUES ($1) RETURNING mood", value);
                EXPECT_EQ(co_await put.next(), rows);
                EXPECT_TRUE((co_await put.next()).empty());
            }
            else {
                EXPECT_EQ(co_await db->copy_in("m", {"mood"}, rows), 1U);
            }
        };
        const mood added[] = {mood::new0, mood::new1, mood::new2, mood::new3};
        for (int verb = 0; verb < 4; ++verb)
            co_await add(verb, mood::calm);
        for (int verb = 0; verb < 4; ++verb) {
            const auto sql = "ALTER TYPE pg_temp.mood ADD VALUE 'new" + std::to_string(verb) + "'";
            co_await db->run_script({sql, nullptr});
            co_await add(verb, added[verb]);
        }
        // What is really none is still refused.
        for (int verb = 0; verb < 4; ++verb) {
            const auto message = co_await message_of<pg::argument_error>(add(verb, mood::none));
            EXPECT_NE(message.find("none"), std::string::npos) << message;
        }
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM m"), 8);
        co_await expect_usable(db);
    });
}

TEST_P(bulk_healing, is_the_callers_error_inside_a_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(GetParam());
        const bool named = GetParam() == pg::prepared_statements::named;
        co_await db->run_script({"CREATE TEMP TABLE h (a int8); INSERT INTO h VALUES (7)", nullptr});
        const std::function<asio::awaitable<void>()> verbs[] = {
            [&]() -> asio::awaitable<void> { (void)co_await first_with_batch(db); },
            [&]() -> asio::awaitable<void> { (void)co_await first_with_cursor(db); },
            [&]() -> asio::awaitable<void> { (void)co_await db->execute_many("SELECT $1::int8", std::vector{1}); },
        };
        for (const auto& verb : verbs) {
            co_await verb();
            co_await db->run_script({"BEGIN; DEALLOCATE ALL", nullptr});
            if (named)
                co_await message_of<pg::invalid_sql_statement_name>(verb());
            else
                co_await verb();
            co_await db->run_script({"ROLLBACK", nullptr});
            co_await verb();
        }
        for (std::size_t i = 0; i < 2; ++i) {
            co_await verbs[i]();
            co_await db->run_script({"BEGIN; ALTER TABLE h ADD b text", nullptr});
            if (named)
                co_await message_of<pg::feature_not_supported>(verbs[i]());
            else
                co_await verbs[i]();
            co_await db->run_script({"ROLLBACK", nullptr});
            co_await verbs[i]();
        }
        // COPY remembers nothing.
        co_await db->run_script({"BEGIN; DEALLOCATE ALL; ALTER TABLE h ADD b text", nullptr});
        EXPECT_EQ(co_await db->copy_in("h", {"a", "b"}, std::vector{std::tuple(8, "x")}), 1U);
        auto rows = co_await db->copy_out<std::tuple<std::int64_t, std::optional<std::string>>>("SELECT * FROM h");
        EXPECT_EQ((co_await rows.next()).size(), 2U);
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await db->run_script({"ROLLBACK", nullptr});
        co_await expect_usable(db);
    });
}

INSTANTIATE_TEST_SUITE_P(
    with_and_without_names, bulk_healing,
    testing::Values(pg::prepared_statements::named, pg::prepared_statements::unnamed),
    [](const auto& tested) { return tested.param == pg::prepared_statements::named ? "named" : "unnamed"; });

TEST(bulk_statements, are_closed_when_they_are_dropped_from_the_cache)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with(pg::prepared_statements::named, 4);
        for (int i = 0; i < 40; ++i) {
            const auto text = "SELECT $1::int + " + std::to_string(i);
            if (i % 3 == 0) {
                pg::batch todo;
                (void)todo.add<int>(runtime_sql(text), 1);
                (co_await db->run(std::move(todo))).require_success();
            }
            else if (i % 3 == 1) {
                (void)co_await db->execute_many(runtime_sql(text), std::vector{1});
            }
            else {
                auto rows = co_await db->cursor<int>(runtime_sql(text), 1);
                EXPECT_EQ((co_await rows.next()).size(), 1U);
                co_await rows.close();
            }
        }
        const auto held = co_await db->run_script({"SELECT count(*)::text FROM pg_prepared_statements", nullptr});
        EXPECT_LE(std::stoi(held.at(0)[0][0].as<std::string>()), 6);
    });
}

TEST(bulk_progress, ends_a_copy_when_it_throws_and_hides_no_success)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (id int8)");
        int calls = 0;
        pg::copy_options failing{.progress = [&](const pg::copy_progress&) {
            ++calls;
            throw std::runtime_error("the handler's own");
        }};
        co_await message_of<std::runtime_error>(db->copy_in("t", {"id"}, std::views::iota(0, 10), failing));
        EXPECT_EQ(calls, 1);
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        {
            auto writer = co_await db->copy_writer("t", {"id"}, failing);
            co_await writer.write_row(1);
            co_await message_of<std::runtime_error>(writer.flush());
            co_await message_of<pg::argument_error>(writer.finish());
            EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
        }
        auto stream = co_await db->copy_out_stream("COPY (SELECT generate_series(1, 1000000)) TO STDOUT", failing);
        co_await message_of<std::runtime_error>(stream.read());
        co_await expect_usable(db);
        // At the end nothing can be ended any more.
        pg::copy_options late{.progress = [&](const pg::copy_progress& now) {
            if (now.rows == 10)
                throw std::runtime_error("the handler's own");
        }};
        auto rows = co_await db->copy_out<int>("SELECT generate_series(1, 10)", late);
        EXPECT_EQ((co_await rows.next()).size(), 10U);
        EXPECT_TRUE((co_await rows.next()).empty());
        co_await expect_usable(db);
    });
}

TEST(bulk_blocked, is_asked_to_stop_over_a_second_socket_when_it_does_not_read)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto blocker = co_await connect();
        co_await blocker->run_script(
            {"DROP TABLE IF EXISTS bulk_waits; CREATE TABLE bulk_waits (id int8 PRIMARY KEY)", nullptr});
        // The same key in a transaction that has not ended: whoever inserts it waits.
        co_await blocker->run_script({"BEGIN; INSERT INTO bulk_waits VALUES (5)", nullptr});
        const auto rows = std::views::iota(std::int64_t{0}, std::int64_t{100});
        pg::repeated_statement many{
            .sql = {"INSERT INTO bulk_waits VALUES ($1)", nullptr},
            .rows = std::make_unique<pg::detail::range_source<std::remove_const_t<decltype(rows)>>>(rows),
            .options = {.timeout = 50ms}};
        co_await message_of<pg::timeout_error>(db->run_many(std::move(many)));
        co_await expect_usable(db);
        pg::copy_options hurried{.call = {.timeout = 50ms}};
        co_await message_of<pg::timeout_error>(
            db->copy_in("bulk_waits", {"id"}, std::views::iota(std::int64_t{0}), hurried));
        co_await expect_usable(db);
        co_await blocker->execute("ROLLBACK");
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM bulk_waits"), 0);
        co_await db->execute("DROP TABLE bulk_waits");
    });
}

TEST(cursor_of_its_own, is_rolled_back_when_it_is_given_up_before_its_last_row_has_come)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (id int8)");
        for (const bool whole : {false, true}) {
            {
                auto rows = co_await db->cursor<std::int64_t>(
                    pg::cursor_options{.rows = whole ? 10U : 1U, .read_ahead = false},
                    "INSERT INTO t VALUES (1), (2) RETURNING id");
                EXPECT_EQ((co_await rows.next()).size(), whole ? 2U : 1U);
            }
            EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), whole ? 2 : 0);
        }
        co_await expect_usable(db);
    });
}

} // namespace
