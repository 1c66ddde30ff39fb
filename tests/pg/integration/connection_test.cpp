// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace tradecore;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::run;

asio::awaitable<std::unique_ptr<pg::connection>> connect(std::string dsn)
{
    co_return co_await pg::connection::connect(co_await asio::this_coro::executor, pg::connect_options::parse(dsn));
}

asio::awaitable<std::unique_ptr<pg::connection>> connect()
{
    return connect(test::dsn());
}

/// Runs a coroutine and returns the message of the `Error` it must throw.
template <class Error, class T>
asio::awaitable<std::string> message_of(asio::awaitable<T> attempt)
{
    try {
        co_await std::move(attempt);
    }
    catch (const Error& error) {
        co_return error.what();
    }
    ADD_FAILURE() << "no error of the expected type";
    co_return "";
}

TEST(connection, speaks_over_the_socket_and_over_tcp_with_scram)
{
    run([]() -> asio::awaitable<void> {
        for (const auto& dsn : {test::dsn(), test::tcp_dsn()}) {
            const auto db = co_await connect(dsn);
            EXPECT_EQ(co_await db->fetchval<int>("SELECT 41 + $1::int", 1), 42);
            EXPECT_GT(db->backend_pid(), 0);
            EXPECT_TRUE(db->parameter("server_version").starts_with("15")) << db->parameter("server_version");
            EXPECT_EQ(db->status(), pg::transaction_status::idle);
        }
    });
}

TEST(connection, names_what_stops_it_from_connecting)
{
    run([]() -> asio::awaitable<void> {
        const auto wrong = test::tcp_dsn_for(test::scram_role, "not it");
        EXPECT_NE((co_await message_of<pg::invalid_password>(connect(wrong))).find("28P01"), std::string::npos);
        const auto cleartext =
            co_await message_of<pg::connection_error>(connect(test::tcp_dsn_for("tc_password", test::scram_password)));
        EXPECT_NE(cleartext.find("clear text"), std::string::npos) << cleartext;
        EXPECT_EQ(cleartext.find(test::scram_password), std::string::npos);
        co_await message_of<pg::invalid_catalog_name>(connect(test::dsn("no_such_database")));
        const auto refused = co_await message_of<pg::connection_error>(connect("host=127.0.0.1 port=1 user=x"));
        EXPECT_NE(refused.find("127.0.0.1"), std::string::npos) << refused;
        co_await message_of<pg::connection_error>(connect("host=/nonexistent-folder user=x"));
    });
}

TEST(connection, tells_the_type_of_rows_from_the_type_of_an_argument)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetch<std::int32_t>("SELECT $1::int4", 7), std::vector<std::int32_t>{7});
        EXPECT_EQ((co_await db->fetch("SELECT $1::int4", 7))[0][0].as<std::int32_t>(), 7);
    });
}

TEST(connection, goes_on_after_an_error_of_the_server)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await message_of<pg::syntax_error>(db->execute("SELEC 1"));
        co_await message_of<pg::division_by_zero>(db->fetch("SELECT 1 / $1::int", 0));
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(connection, reports_the_constraint_that_was_violated)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (id int CONSTRAINT t_key PRIMARY KEY)");
        EXPECT_EQ((co_await db->execute("INSERT INTO t VALUES ($1)", 1)).text(), "INSERT 0 1");
        try {
            co_await db->execute("INSERT INTO t VALUES ($1)", 1);
            ADD_FAILURE();
        }
        catch (const pg::unique_violation& error) {
            EXPECT_EQ(error.diagnostics().constraint, "t_key");
            EXPECT_EQ(error.code(), pg::condition::unique_violation);
        }
    });
}

TEST(connection, takes_a_deferred_constraint_as_failure_of_its_statement)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE p (id int PRIMARY KEY)");
        co_await db->execute("CREATE TEMP TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
        co_await message_of<pg::foreign_key_violation>(db->execute("INSERT INTO c VALUES ($1)", 5));
    });
}

TEST(connection, refuses_arguments_that_do_not_fit_and_goes_on)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto message = co_await message_of<pg::argument_error>(db->fetch("SELECT $1::int2", 70'000));
        EXPECT_NE(message.find("$1"), std::string::npos) << message;
        EXPECT_EQ(co_await db->fetchval<int>("SELECT $1::int2 + 0", 7), 7);
    });
}

TEST(connection, answers_many_callers_in_their_order)
{
    run([]() -> asio::awaitable<void> {
        const std::shared_ptr<pg::connection> db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer all_answered(executor, asio::steady_timer::time_point::max());
        std::vector<int> answers;
        constexpr int callers = 100;
        for (int i = 0; i < callers; ++i) {
            auto ask = [](std::shared_ptr<pg::connection> on, int n, std::vector<int>& into,
                          asio::steady_timer& done) -> asio::awaitable<void> {
                // Every tenth caller's error must stay its own.
                try {
                    into.push_back(co_await on->fetchval<int>("SELECT $1::int / ($2::int % 10)", n * 10, n));
                }
                catch (const pg::division_by_zero&) {
                    into.push_back(-1);
                }
                if (into.size() == callers)
                    done.cancel();
            };
            asio::co_spawn(executor, ask(db, i, answers, all_answered), asio::detached);
        }
        boost::system::error_code ignored;
        co_await all_answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        for (int i = 0; i < callers; ++i)
            EXPECT_EQ(answers[static_cast<std::size_t>(i)], i % 10 == 0 ? -1 : i * 10 / (i % 10));
    });
}

TEST(connection, runs_commands_in_the_same_round_trip_or_not_at_all)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto in_transaction = [](std::string_view text, std::vector<std::string> before) {
            return pg::statement{.sql = {text, nullptr}, .arguments = {}, .before = std::move(before)};
        };
        const auto level =
            co_await db->run(in_transaction("SHOW transaction_isolation", {"BEGIN ISOLATION LEVEL SERIALIZABLE"}));
        EXPECT_EQ(level[0][std::size_t{0}].as<std::string>(), "serializable");
        EXPECT_EQ(db->status(), pg::transaction_status::in_transaction);
        co_await db->execute("ROLLBACK");
        co_await db->execute("CREATE TEMP TABLE t (id int)");
        co_await message_of<pg::syntax_error>(
            db->run(in_transaction("INSERT INTO t VALUES (1)", {"BEGIN", "NONSENSE"})));
        EXPECT_EQ(db->status(), pg::transaction_status::failed);
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t"), 0);
    });
}

TEST(connection, prepares_anew_when_what_it_had_prepared_is_out_of_date)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (a int)");
        co_await db->execute("INSERT INTO t VALUES (1)");
        EXPECT_EQ((co_await db->fetch("SELECT * FROM t")).columns().size(), 1U);
        co_await db->run_script({"ALTER TABLE t ADD b text", nullptr});
        EXPECT_EQ((co_await db->fetch("SELECT * FROM t")).columns().size(), 2U);
        co_await db->run_script({"DEALLOCATE ALL", nullptr});
        EXPECT_EQ((co_await db->fetch("SELECT * FROM t")).columns().size(), 2U);
        // Inside a transaction nothing can be repeated: the error is the caller's.
        co_await db->execute("BEGIN");
        co_await db->run_script({"DEALLOCATE ALL", nullptr});
        co_await message_of<pg::invalid_sql_statement_name>(db->fetch("SELECT * FROM t"));
        co_await db->execute("ROLLBACK");
    });
}

TEST(connection, keeps_no_more_prepared_statements_than_asked)
{
    for (const std::size_t most : {0U, 1U, 4U}) {
        run([most]() -> asio::awaitable<void> {
            auto options = pg::connect_options::parse(test::dsn());
            options.statement_cache_size = most;
            const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
            for (int i = 0; i < 20; ++i) {
                EXPECT_EQ(co_await db->fetchval<int>(runtime_sql("SELECT " + std::to_string(i))), i);
                // What could not be closed beside a statement that failed is closed later.
                co_await message_of<pg::division_by_zero>(
                    db->execute(runtime_sql("SELECT " + std::to_string(i) + " / 0")));
            }
            const auto kept = co_await db->fetchval<std::int64_t>("SELECT count(*) FROM pg_prepared_statements");
            EXPECT_LE(kept, static_cast<std::int64_t>(most) + 3);
        });
    }
}

TEST(connection, closes_itself_when_a_notice_handler_throws)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        db->on_notice([](const pg::diagnostics&) { throw std::runtime_error("the handler's own"); });
        const auto message = co_await message_of<std::runtime_error>(
            db->run_script({"DO $$ BEGIN RAISE NOTICE 'now'; END $$", nullptr}));
        EXPECT_EQ(message, "the handler's own");
        EXPECT_FALSE(db->is_open());
    });
}

TEST(connection, stops_what_takes_too_long_and_serves_on)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        pg::statement slow{
            .sql = {"SELECT pg_sleep(60)", nullptr}, .arguments = {}, .options = {.timeout = 50ms, .name = "nap"}};
        const auto message = co_await message_of<pg::timeout_error>(db->run(std::move(slow)));
        EXPECT_THAT(message, testing::MatchesRegex("nap: the time limit passed before .* had answered; it was .*"));
        EXPECT_TRUE(db->is_open());
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(connection, honours_the_servers_statement_timeout)
{
    run([]() -> asio::awaitable<void> {
        auto options = pg::connect_options::parse(test::dsn());
        options.statement_timeout = 30ms;
        const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        co_await message_of<pg::query_canceled>(db->execute("SELECT pg_sleep(60)"));
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(connection, stops_a_statement_that_is_cancelled_and_serves_on)
{
    run([]() -> asio::awaitable<void> {
        const std::shared_ptr<pg::connection> db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        asio::cancellation_signal stop;
        asio::steady_timer ended(executor, asio::steady_timer::time_point::max());
        std::exception_ptr outcome;
        auto sleep = [](std::shared_ptr<pg::connection> on) -> asio::awaitable<void> {
            co_await on->execute("SELECT pg_sleep(60)");
        };
        asio::co_spawn(executor, sleep(db), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown) {
                           outcome = std::move(thrown);
                           ended.cancel();
                       }));
        while (db->in_flight() == 0)
            co_await asio::post(executor, asio::use_awaitable);
        stop.emit(asio::cancellation_type::terminal);
        boost::system::error_code ignored;
        co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        EXPECT_THROW(std::rethrow_exception(outcome), boost::system::system_error);
        EXPECT_TRUE(db->is_open());
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(connection, notices_while_idle_that_its_backend_was_terminated)
{
    run([]() -> asio::awaitable<void> {
        const auto victim = co_await connect();
        const auto killer = co_await connect();
        co_await killer->execute("SELECT pg_terminate_backend($1)", victim->backend_pid());
        while (victim->is_open())
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        const auto message = co_await message_of<pg::connection_error>(victim->execute("SELECT 1"));
        EXPECT_NE(message.find("57P01"), std::string::npos) << message;
    });
}

TEST(connection, fails_what_is_in_flight_with_the_servers_reason)
{
    run([]() -> asio::awaitable<void> {
        const std::shared_ptr<pg::connection> victim = co_await connect();
        const auto message =
            co_await message_of<pg::admin_shutdown>(victim->execute("SELECT pg_terminate_backend(pg_backend_pid())"));
        EXPECT_NE(message.find("57P01"), std::string::npos) << message;
        EXPECT_FALSE(victim->is_open());
    });
}

TEST(connection, hands_notices_to_its_handler)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        std::vector<std::string> notices;
        db->on_notice([&](const pg::diagnostics& said) { notices.push_back(said.message); });
        co_await db->run_script({"DO $$ BEGIN RAISE NOTICE 'first'; RAISE WARNING 'second'; END $$", nullptr});
        EXPECT_EQ(notices, (std::vector<std::string>{"first", "second"}));
    });
}

TEST(connection, carries_large_values_both_ways)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const std::string large(std::size_t{20} * 1024 * 1024, 'x');
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::text", large), large);
    });
}

TEST(connection, runs_scripts_of_many_statements)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto results = co_await db->run_script(
            {"CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a FROM t ORDER BY a", nullptr});
        EXPECT_EQ(results.size(), 3U);
        EXPECT_EQ(results[1].tag().rows_affected(), 2U);
        EXPECT_EQ(results[2][1]["a"].as<int>(), 2);
    });
}

TEST(connection, ends_when_sql_changes_the_encoding_of_texts)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("SET client_encoding = 'UTF8'");
        const auto message = co_await message_of<pg::connection_error>(db->execute("SET client_encoding = 'LATIN1'"));
        EXPECT_NE(message.find("client_encoding is now LATIN1"), std::string::npos) << message;
        EXPECT_FALSE(db->is_open());
    });
}

TEST(connection, declines_copy_and_stays_usable)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->execute("CREATE TEMP TABLE t (a int)");
        for (const auto* sql : {"COPY t FROM STDIN", "COPY (SELECT 1) TO STDOUT"}) {
            const auto message = co_await message_of<pg::argument_error>(db->execute(runtime_sql(sql)));
            EXPECT_NE(message.find("copy_in"), std::string::npos) << message;
        }
        co_await message_of<pg::argument_error>(db->run_script({"COPY (SELECT 1) TO STDOUT", nullptr}));
        co_await message_of<pg::argument_error>(db->run_script({"SELECT 1; COPY t FROM STDIN", nullptr}));
        // Files are the server's business.
        co_await message_of<pg::undefined_file>(db->execute("COPY t FROM '/nowhere/at all'"));
        EXPECT_EQ((co_await db->execute("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'")).rows_affected(), 1U);
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(connection, leaves_nothing_behind_when_the_loop_is_destroyed_in_mid_flight)
{
    run([]() -> asio::awaitable<void> {
        const std::shared_ptr<pg::connection> db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        auto sleep = [](std::shared_ptr<pg::connection> on) -> asio::awaitable<void> {
            co_await on->execute("SELECT pg_sleep(60)");
        };
        for (int i = 0; i < 3; ++i)
            asio::co_spawn(executor, sleep(db), asio::detached);
        while (db->in_flight() < 3)
            co_await asio::post(executor, asio::use_awaitable);
        // The loop ends here with three statements unanswered; the leak checker watches.
    });
}

TEST(connection, may_outlive_its_event_loop)
{
    std::unique_ptr<pg::connection> kept;
    run([&]() -> asio::awaitable<void> {
        kept = co_await connect();
        EXPECT_EQ(co_await kept->fetchval<int>("SELECT 1"), 1);
    });
    EXPECT_FALSE(kept->is_open());
    kept->close();
}

} // namespace
