// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::batch;
using pg::batch_aborted;
using pg::batch_mode;

asio::awaitable<connection_ptr> connect_with_table()
{
    auto db = co_await connect();
    co_await db->run_script({"CREATE TEMP TABLE t (id int PRIMARY KEY, note text)", nullptr});
    co_return db;
}

asio::awaitable<std::int64_t> count(connection_ptr db)
{
    return db->fetchval<std::int64_t>("SELECT count(*) FROM t");
}

TEST(batch, answers_each_entry_in_its_type)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const auto mode : {batch_mode::one_transaction, batch_mode::each_alone}) {
            for (int round = 0; round < 2; ++round) { // the second one knows its statements
                batch todo(mode);
                const auto id = todo.add<int>("INSERT INTO t VALUES ($1, $2) RETURNING id", 1, "one");
                const auto tag = todo.add_execute("INSERT INTO t SELECT n, 'x' FROM generate_series(2, $1) n", 10);
                const auto rows = todo.add_rows<std::tuple<int, std::string>>("SELECT * FROM t ORDER BY id");
                const auto row = todo.add_row<std::string>("SELECT note FROM t WHERE id = $1", 99);
                const auto untyped = todo.add_fetch("SELECT 1 AS a, 2 AS b");
                auto answers = co_await db->run(std::move(todo));
                EXPECT_EQ(answers.get(id), 1);
                EXPECT_EQ(answers.get(tag).rows_affected(), 9U);
                EXPECT_EQ(answers.get(rows).size(), 10U);
                EXPECT_FALSE(answers.get(row));
                EXPECT_EQ(answers.get(untyped)[0]["b"].as<int>(), 2);
                co_await db->execute("TRUNCATE t");
            }
        }
        co_await expect_usable(db);
    });
}

TEST(batch, undoes_everything_with_one_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        batch todo;
        const auto before = todo.add<int>("INSERT INTO t VALUES (1) RETURNING id");
        const auto failing = todo.add<int>("SELECT 1 / $1::int", 0);
        const auto after = todo.add_execute("INSERT INTO t VALUES (2)");
        auto answers = co_await db->run(std::move(todo));
        EXPECT_THROW((void)answers.get(failing), pg::division_by_zero);
        EXPECT_THROW((void)answers.get(after), batch_aborted);
        try {
            (void)answers.get(before);
            ADD_FAILURE();
        }
        catch (const batch_aborted& error) {
            EXPECT_EQ(error.failed_entry(), 1U);
            EXPECT_EQ(error.code(), pg::client_errc::batch_aborted);
        }
        EXPECT_THROW(answers.require_success(), pg::division_by_zero);
        EXPECT_EQ(co_await count(db), 0);
        co_await expect_usable(db);
    });
}

TEST(batch, keeps_entries_apart_when_each_is_alone)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        batch todo(batch_mode::each_alone);
        const auto first = todo.add<int>("INSERT INTO t VALUES (1) RETURNING id");
        const auto failing = todo.add<int>("SELECT 1 / $1::int", 0);
        const auto unknown = todo.add_execute("INSERT INTO no_such_table VALUES (1)");
        const auto unfit = todo.add<int>("SELECT $1::int2 + 0", 70'000);
        const auto last = todo.add<int>("INSERT INTO t VALUES (2) RETURNING id");
        auto answers = co_await db->run(std::move(todo));
        EXPECT_EQ(answers.get(first), 1);
        EXPECT_THROW((void)answers.get(failing), pg::division_by_zero);
        EXPECT_THROW((void)answers.get(unknown), pg::undefined_table);
        EXPECT_THROW((void)answers.get(unfit), pg::argument_error);
        EXPECT_EQ(answers.get(last), 2);
        EXPECT_EQ(co_await count(db), 2);
        co_await expect_usable(db);
    });
}

TEST(batch, sends_nothing_when_an_argument_does_not_fit_one_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        batch todo;
        (void)todo.add_execute("INSERT INTO t VALUES (1)");
        const auto unfit = todo.add<int>("SELECT $1::int2 + 0", 70'000);
        auto answers = co_await db->run(std::move(todo));
        EXPECT_THROW((void)answers.get(unfit), pg::argument_error);
        EXPECT_EQ(co_await count(db), 0);
        EXPECT_EQ((co_await db->run(batch())).size(), 0U);
        co_await expect_usable(db);
    });
}

TEST(batch, knows_an_error_of_its_end)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        co_await db->execute("CREATE TEMP TABLE c (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
        batch todo;
        const auto first = todo.add_execute("INSERT INTO c VALUES (5)");
        auto answers = co_await db->run(std::move(todo));
        EXPECT_THROW((void)answers.get(first), pg::foreign_key_violation);
        co_await expect_usable(db);
    });
}

TEST(batch, heals_what_was_prepared_and_is_out_of_date)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const auto mode : {batch_mode::one_transaction, batch_mode::each_alone}) {
            for (int round = 0; round < 2; ++round) {
                batch todo(mode);
                const auto one = todo.add_execute("INSERT INTO t VALUES ($1)", round);
                const auto all = todo.add_fetch("SELECT * FROM t");
                auto answers = co_await db->run(std::move(todo));
                EXPECT_EQ(answers.get(one).rows_affected(), 1U);
                EXPECT_EQ(answers.get(all).size(), static_cast<std::size_t>(round) + 1);
                co_await db->run_script({"ALTER TABLE t ADD more int; ALTER TABLE t RENAME more TO more_", nullptr});
                co_await db->run_script({"ALTER TABLE t DROP more_; ALTER TABLE t ADD other text", nullptr});
                co_await db->run_script({"ALTER TABLE t DROP other; DEALLOCATE ALL", nullptr});
            }
            co_await db->execute("TRUNCATE t");
        }
        co_await expect_usable(db);
    });
}

TEST(batch, does_not_deadlock_when_both_sides_have_much_to_say)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        batch todo(batch_mode::each_alone);
        constexpr int entries = 400;
        const std::string large(100'000, 'x');
        std::vector<decltype(todo.add<std::string>("SELECT $1::text", large))> handles;
        for (int i = 0; i < entries; ++i)
            handles.push_back(todo.add<std::string>("SELECT $1::text", large));
        auto answers = co_await db->run(std::move(todo));
        for (const auto each : handles)
            EXPECT_EQ(answers.get(each).size(), large.size());
    });
}

TEST(batch, runs_nothing_when_what_comes_before_it_fails)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const auto mode : {batch_mode::one_transaction, batch_mode::each_alone}) {
            batch todo(mode);
            todo.before = {"BEGIN ISOLATION LEVEL NONE_AT_ALL"};
            (void)todo.add_execute("INSERT INTO t VALUES (1)");
            (void)todo.add_execute("INSERT INTO t VALUES (2)");
            auto answers = co_await db->run(std::move(todo));
            EXPECT_EQ(answers.size(), 2U);
            for (std::size_t i = 0; i < answers.size(); ++i)
                EXPECT_THROW(std::rethrow_exception(answers.error(i)), pg::syntax_error);
            EXPECT_EQ(co_await count(db), 0);
            co_await expect_usable(db);
        }
    });
}

TEST(batch, can_be_stopped_in_all_its_entries_and_leaves_the_connection_usable)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto watcher = co_await connect();
        // Each is stopped by a request of its own: more of them than there is time for at the pace for one statement.
        constexpr std::size_t entries = 40;
        batch todo(batch_mode::each_alone);
        (void)todo.add_execute("INSERT INTO t VALUES (1)");
        for (std::size_t i = 1; i < entries; ++i)
            (void)todo.add_rows<std::string>("SELECT pg_sleep(60)::text");
        pg::batch_answers answers;
        auto work = [](connection_ptr on, batch what, pg::batch_answers& into) -> asio::awaitable<void> {
            into = co_await on->run(std::move(what));
        };
        beside running(co_await asio::this_coro::executor, work(db, std::move(todo), answers));
        while (0 == co_await watcher->fetchval<std::int64_t>(
                        "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'",
                        db->backend_pid())) {
        }
        running.cancel();
        co_await running.join();
        EXPECT_EQ(answers.size(), entries);
        EXPECT_FALSE(answers.error(0));
        for (std::size_t i = 1; i < answers.size(); ++i)
            EXPECT_THROW(std::rethrow_exception(answers.error(i)), boost::system::system_error);
        EXPECT_EQ(co_await count(db), 1);
        co_await expect_usable(db);
    });
}

TEST(batch, is_part_of_a_transaction_that_runs)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        batch todo;
        todo.before = {"BEGIN"};
        (void)todo.add_execute("INSERT INTO t VALUES (1)");
        (co_await db->run(std::move(todo))).require_success();
        EXPECT_EQ(db->status(), pg::transaction_status::in_transaction);
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await count(db), 0);
    });
}

// --- execute_many --------------------------------------------------------------------------------------------------

struct note {
    int id;
    std::string note;
};
BOOST_DESCRIBE_STRUCT(note, (), (id, note))

TEST(execute_many, takes_ranges_of_every_kind)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const std::vector<std::tuple<int, std::string>> tuples{{1, "a"}, {2, "b"}};
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1, $2)", tuples), 2U);
        std::vector<std::pair<int, std::optional<std::string>>> pairs{{3, std::nullopt}};
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1, $2)", std::move(pairs)), 1U);
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1, $2)", std::vector<note>{{4, "d"}}), 1U);
        EXPECT_EQ(co_await db->execute_many("DELETE FROM t WHERE id <= $1", std::vector{1, 3}), 3U);
        const auto lazy = std::views::iota(100, 200) | std::views::transform([](int i) { return std::tuple(i, "x"); });
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1, $2)", lazy), 100U);
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1)", std::vector<int>()), 0U);
        EXPECT_EQ(co_await count(db), 101);
        co_await expect_usable(db);
    });
}

TEST(execute_many, handles_a_hundred_thousand_rows_beside_others)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto rows =
            std::views::iota(0, 100'000) | std::views::transform([](int i) { return std::tuple(i, "some text"); });
        beside many(co_await asio::this_coro::executor, db->execute_many("INSERT INTO t VALUES ($1, $2)", rows));
        // These come in line behind it.
        int answered = 0;
        for (int i = 0; i < 10; ++i)
            answered += co_await db->fetchval<int>("SELECT $1::int", 1);
        EXPECT_EQ(answered, 10);
        co_await many.join();
        EXPECT_EQ(co_await count(db), 100'000);
    });
}

TEST(execute_many, says_which_row_failed_and_keeps_none)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const int failing : {0, 7, 60'000}) {
            const auto rows =
                std::views::iota(0, 60'001) | std::views::transform([failing](int i) { return i == failing ? -1 : i; });
            co_await db->execute("INSERT INTO t VALUES (-1)");
            try {
                co_await db->execute_many("INSERT INTO t VALUES ($1)", rows);
                ADD_FAILURE();
            }
            catch (const pg::unique_violation& error) {
                EXPECT_EQ(error.diagnostics().row, static_cast<std::uint64_t>(failing));
                EXPECT_NE(std::string(error.what()).find("row " + std::to_string(failing)), std::string::npos)
                    << error.what();
            }
            EXPECT_EQ(co_await count(db), 1);
            co_await db->execute("TRUNCATE t");
        }
        co_await expect_usable(db);
    });
}

TEST(execute_many, undoes_all_when_a_row_cannot_be_sent)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (const int failing : {0, 5, 60'000}) {
            const auto rows = std::views::iota(0, 60'001) | std::views::transform([failing](int i) {
                                  return std::tuple(i, i == failing ? std::string("a\0b", 3) : std::string("text"));
                              });
            const auto message =
                co_await message_of<pg::argument_error>(db->execute_many("INSERT INTO t VALUES ($1, $2)", rows));
            EXPECT_NE(message.find("$2"), std::string::npos) << message;
            EXPECT_NE(message.find("row " + std::to_string(failing)), std::string::npos) << message;
            EXPECT_EQ(co_await count(db), 0);
        }
        const auto throwing = std::views::iota(0, 60'001) | std::views::transform([](int i) {
                                  return i == 50'000 ? throw std::runtime_error("the range's own") : i;
                              });
        EXPECT_EQ(
            co_await message_of<std::runtime_error>(db->execute_many("INSERT INTO t VALUES ($1)", throwing)),
            "the range's own");
        EXPECT_EQ(co_await count(db), 0);
        co_await expect_usable(db);
    });
}

TEST(execute_many, heals_what_was_prepared_and_is_out_of_date)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        for (int i = 0; i < 3; ++i) {
            const std::vector rows{2 * i, 2 * i + 1};
            EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1)", rows), 2U);
            co_await db->run_script({"DEALLOCATE ALL", nullptr});
        }
        // Inside a transaction nothing can be repeated.
        EXPECT_EQ(co_await db->execute_many("DELETE FROM t WHERE id = $1", std::vector{100}), 0U);
        co_await db->execute("BEGIN");
        co_await db->run_script({"DEALLOCATE ALL", nullptr});
        co_await message_of<pg::invalid_sql_statement_name>(
            db->execute_many("DELETE FROM t WHERE id = $1", std::vector{0}));
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await count(db), 6);
        co_await expect_usable(db);
    });
}

TEST(execute_many, says_when_its_rows_could_not_be_read_again)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto insert = [&db](std::string numbers) -> asio::awaitable<void> {
            std::istringstream source(std::move(numbers));
            (void)co_await db->execute_many("INSERT INTO t VALUES ($1)", std::views::istream<int>(source));
        };
        co_await insert("1 2 3");
        co_await db->run_script({"DEALLOCATE ALL", nullptr});
        const auto message = co_await message_of<pg::invalid_sql_statement_name>(insert("4 5 6"));
        EXPECT_NE(message.find("only once"), std::string::npos) << message;
        EXPECT_EQ(co_await count(db), 3);
        co_await insert("4 5 6");
        EXPECT_EQ(co_await count(db), 6);
        // In a transaction it would not have been repeated anyway.
        co_await db->run_script({"DEALLOCATE ALL; BEGIN", nullptr});
        const auto inside = co_await message_of<pg::invalid_sql_statement_name>(insert("7"));
        EXPECT_EQ(inside.find("only once"), std::string::npos) << inside;
        co_await db->run_script({"ROLLBACK", nullptr});
        co_await expect_usable(db);
    });
}

TEST(execute_many, is_refused_for_statements_that_are_wrong)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        co_await message_of<pg::undefined_table>(db->execute_many("INSERT INTO nowhere VALUES ($1)", std::vector{1}));
        co_await message_of<pg::argument_error>(db->execute_many(runtime_sql("COPY t FROM STDIN"), std::vector{1}));
        co_await expect_usable(db);
    });
}

TEST(execute_many, can_be_cancelled_and_leaves_nothing)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto executor = co_await asio::this_coro::executor;
        const auto endless = std::views::iota(0);
        beside many(executor, db->execute_many("INSERT INTO t VALUES ($1)", endless));
        co_await until([&] { return db->in_flight() > 0; });
        for (int i = 0; i < 50; ++i)
            co_await asio::post(executor, asio::use_awaitable);
        many.cancel();
        co_await message_of<boost::system::system_error>(many.join());
        EXPECT_EQ(co_await count(db), 0);
        co_await expect_usable(db);
    });
}

TEST(execute_many, stores_nothing_when_its_time_is_over_or_it_is_cancelled_after_much_was_sent)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        int sent = 0;
        const auto endless = std::views::iota(0) | std::views::transform([&sent](int i) {
                                 ++sent;
                                 return std::tuple(i, std::string(100, 'x'));
                             });
        for (int attempt = 0; attempt < 3; ++attempt) {
            sent = 0;
            pg::repeated_statement what{
                .sql = {"INSERT INTO t VALUES ($1, $2)", nullptr},
                .rows = std::make_unique<pg::detail::range_source<std::remove_const_t<decltype(endless)>>>(endless),
                .options = {.timeout = std::chrono::milliseconds(50)}};
            co_await message_of<pg::timeout_error>(db->run_many(std::move(what)));
            EXPECT_EQ(co_await count(db), 0);
            co_await expect_usable(db);
        }
        sent = 0;
        beside many(co_await asio::this_coro::executor, db->execute_many("INSERT INTO t VALUES ($1, $2)", endless));
        co_await until([&] { return sent > 30'000; });
        many.cancel();
        co_await message_of<boost::system::system_error>(many.join());
        const int sent_then = sent;
        EXPECT_EQ(co_await count(db), 0);
        EXPECT_EQ(sent, sent_then);
        co_await expect_usable(db);
    });
}

TEST(execute_many, leaves_nothing_in_flight_when_its_coroutine_is_cancelled_between_two_steps)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        // The range cancels its own coroutine: the next step throws before it waits for anything.
        asio::cancellation_signal stop;
        const auto rows = std::views::iota(0, 10'000) | std::views::transform([&stop](int i) {
                              if (i == 5'000)
                                  stop.emit(asio::cancellation_type::terminal);
                              return i;
                          });
        const auto executor = co_await asio::this_coro::executor;
        bool failed = false;
        bool over = false;
        asio::co_spawn(
            executor, db->execute_many("INSERT INTO t VALUES ($1)", rows),
            asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& thrown, std::uint64_t) {
                failed = thrown != nullptr;
                over = true;
            }));
        co_await until([&] { return over; });
        EXPECT_TRUE(failed);
        EXPECT_EQ(co_await count(db), 0);
        co_await expect_usable(db);
    });
}

TEST(execute_many, ends_with_its_connection)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect_with_table();
        const auto killer = co_await connect();
        const auto endless = std::views::iota(0);
        beside many(co_await asio::this_coro::executor, db->execute_many("INSERT INTO t VALUES ($1)", endless));
        co_await until([&] { return db->in_flight() > 0; });
        co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
        co_await message_of<pg::error>(many.join());
        EXPECT_FALSE(db->is_open());
    });
}

} // namespace
