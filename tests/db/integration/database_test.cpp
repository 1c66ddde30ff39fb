// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/describe.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::throws;

struct account {
    std::int64_t id;
    std::string owner;
    std::optional<std::int64_t> balance;
};
BOOST_DESCRIBE_STRUCT(account, (), (id, owner, balance))

class database_test : public testing::Test {
protected:
    database_test()
    {
        scratch_.run("CREATE TABLE account (id bigint PRIMARY KEY, owner text NOT NULL, balance bigint);"
                     "INSERT INTO account VALUES (1, 'ann', 100), (2, 'bob', 200), (3, 'cy', NULL)");
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.connect.cancel_timeout = 1min; // that connections survive is not left to how busy the machine is
        options_.pool = {.minimum = 1, .maximum = 4};
        options_.pool.exhaustion_threshold = 1;
    }

    /// Runs `body(database&)` with the options as they are, and closes the database.
    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await body(main);
            co_await main.close();
            EXPECT_EQ(main.pool_stats().size, 0U);
        });
    }

    static asio::awaitable<std::int32_t> pid(database& main)
    {
        return main.fetchval<std::int32_t>("SELECT pg_backend_pid()");
    }

    /// Runs what takes too long, again as long as the client's own limit, which is a little later, was noticed first:
    /// a machine may be that busy.
    /// @returns whether the server ended it.
    template <class F>
    static asio::awaitable<bool> is_ended_by_the_server(F sleep)
    {
        std::exception_ptr error;
        do
            error = co_await test::error_of(sleep());
        while (test::is<timeout_error>(error));
        co_return test::is<query_canceled>(error);
    }

    static asio::awaitable<void> add(database& main, std::int64_t id, std::int64_t amount)
    {
        (void)co_await main.execute("UPDATE account SET balance = balance + $2 WHERE id = $1", id, amount);
    }

    [[nodiscard]] std::string balance(int id) const
    {
        return scratch_.run("SELECT balance FROM account WHERE id = " + std::to_string(id));
    }

    test::scratch_database scratch_{"db"};
    database_options options_;
};

TEST_F(database_test, has_the_five_verbs)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto all = co_await main.fetch<account>("SELECT * FROM account ORDER BY id");
        EXPECT_EQ(all.size(), 3U);
        EXPECT_EQ(all.at(1).owner, "bob");
        EXPECT_FALSE(all.at(2).balance);
        const auto none = co_await main.fetchrow<account>("SELECT * FROM account WHERE id = $1", 9);
        EXPECT_FALSE(none);
        const auto count = co_await main.fetchval<std::int64_t>("SELECT count(*) FROM account");
        EXPECT_EQ(count, 3);
        const auto done = co_await main.execute("UPDATE account SET balance = 1 WHERE id > $1", 1);
        EXPECT_EQ(done.text(), "UPDATE 2");
        const auto doubled = co_await main.transaction([&]() -> asio::awaitable<std::int64_t> {
            co_await add(main, 1, 100);
            co_return co_await main.fetchval<std::int64_t>("SELECT balance FROM account WHERE id = 1");
        });
        EXPECT_EQ(doubled, 200);
    });
    EXPECT_EQ(balance(1), "200");
}

TEST_F(database_test, a_transaction_is_begun_as_asked)
{
    run([](database& main) -> asio::awaitable<void> {
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                EXPECT_EQ(co_await main.fetchval<std::string>("SHOW transaction_isolation"), "serializable");
                EXPECT_EQ(co_await main.fetchval<std::string>("SHOW transaction_read_only"), "on");
                EXPECT_EQ(co_await main.fetchval<std::string>("SHOW transaction_deferrable"), "on");
                EXPECT_EQ(co_await main.fetchval<std::string>("SHOW statement_timeout"), "1min");
            },
            {.isolation = isolation_level::serializable, .read_only = true, .deferrable = true});
        EXPECT_EQ(co_await main.fetchval<std::string>("SHOW transaction_isolation"), "read committed");
    });
}

TEST_F(database_test, a_failed_body_leaves_nothing)
{
    run([](database& main) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<std::logic_error>(main.transaction([&]() -> asio::awaitable<void> {
            co_await add(main, 1, 1);
            throw std::logic_error("no");
        })));
        EXPECT_TRUE(co_await throws<undefined_table>(main.transaction([&]() -> asio::awaitable<void> {
            co_await add(main, 1, 1);
            (void)co_await main.execute("INSERT INTO nowhere VALUES (1)");
        })));
    });
    EXPECT_EQ(balance(1), "100");
}

TEST_F(database_test, a_refused_first_statement_fails_the_transaction_like_any_other)
{
    run([](database& main) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
            const auto first = [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("INSERT INTO nowhere VALUES (1)");
            };
            EXPECT_TRUE(co_await throws<undefined_table>(first()));
            EXPECT_TRUE(co_await throws<in_failed_sql_transaction>(add(main, 1, 1)));
        })));
    });
    EXPECT_EQ(balance(1), "100");
}

TEST_F(database_test, nested_transactions_recover_from_any_error)
{
    run([](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            EXPECT_TRUE(co_await throws<undefined_table>(main.transaction(
                [&]() -> asio::awaitable<void> { (void)co_await main.execute("INSERT INTO nowhere VALUES (1)"); })));
            co_await add(main, 1, 1);
            EXPECT_TRUE(co_await throws<unique_violation>(main.transaction([&]() -> asio::awaitable<void> {
                co_await add(main, 2, 1);
                (void)co_await main.execute("INSERT INTO account VALUES (1, 'again')");
            })));
            co_await main.transaction([&]() -> asio::awaitable<void> { co_await add(main, 1, 10); });
        });
    });
    EXPECT_EQ(balance(1), "111");
    EXPECT_EQ(balance(2), "200");
}

TEST_F(database_test, children_share_the_transaction_and_its_connection)
{
    run([](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto mine = co_await pid(main);
            std::vector<asio::awaitable<std::int32_t>> children;
            for (int i = 0; i < 10; ++i)
                children.push_back(pid(main));
            const auto theirs = co_await when_all(std::move(children));
            EXPECT_EQ(theirs, std::vector<std::int32_t>(10, mine));
            const auto outside =
                co_await main.outside([&]() -> asio::awaitable<std::int32_t> { co_return co_await pid(main); });
            EXPECT_NE(outside, mine);
        });
    });
}

TEST_F(database_test, a_serialization_failure_is_repeated)
{
    run([](database& main) -> asio::awaitable<void> {
        int attempts = 0;
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                ++attempts;
                (void)co_await main.fetchval<std::int64_t>("SELECT balance FROM account WHERE id = 1");
                if (attempts == 1)
                    co_await main.outside([&]() -> asio::awaitable<void> { co_await add(main, 1, 1); });
                co_await add(main, 1, 10);
            },
            // What it does outside is done in the first attempt only.
            {.isolation = isolation_level::repeatable_read, .idempotent = true});
        EXPECT_EQ(attempts, 2);
    });
    EXPECT_EQ(balance(1), "111");
}

TEST_F(database_test, a_deadlock_is_repeated_until_both_have_succeeded)
{
    scratch_.run("ALTER DATABASE " + scratch_.name() + " SET deadlock_timeout = '10ms'");
    run([](database& main) -> asio::awaitable<void> {
        int attempts = 0;
        test::gate first_locked;
        test::gate second_locked;
        const auto move = [&](std::int64_t from, std::int64_t to, test::gate& mine, test::gate& other) {
            return main.transaction(
                [&, from, to]() -> asio::awaitable<void> {
                    ++attempts;
                    co_await add(main, from, -1);
                    mine.open();
                    (void)co_await other.wait();
                    co_await add(main, to, 1);
                },
                {.max_attempts = 20});
        };
        co_await when_all(move(1, 2, first_locked, second_locked), move(2, 1, second_locked, first_locked));
        // Three when one of them is the victim; more when that has its lock again before the other one wakes up.
        EXPECT_GE(attempts, 3);
    });
    EXPECT_EQ(balance(1), "100");
    EXPECT_EQ(balance(2), "200");
}

TEST_F(database_test, a_constraint_checked_at_commit_is_the_error_of_the_transaction)
{
    scratch_.run("CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (1)");
    run([](database& main) -> asio::awaitable<void> {
        const auto before = co_await pid(main);
        EXPECT_TRUE(co_await throws<unique_violation>(main.transaction(
            [&]() -> asio::awaitable<void> { (void)co_await main.execute("INSERT INTO late VALUES (1)"); })));
        EXPECT_EQ(co_await pid(main), before) << "the connection serves on";
    });
}

TEST_F(database_test, an_error_swallowed_by_the_body_is_not_a_success)
{
    run([](database& main) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
            co_await add(main, 1, 1);
            const auto again = [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("INSERT INTO account VALUES (1, 'again')");
            };
            EXPECT_TRUE(co_await throws<unique_violation>(again()));
        })));
    });
    EXPECT_EQ(balance(1), "100");
}

constexpr const char* dies_during_commit =
    "CREATE TABLE fatal (id int);"
    "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END $$;"
    "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON fatal DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION die()";

TEST_F(database_test, a_server_process_that_ends_during_commit_leaves_nothing)
{
    scratch_.run(dies_during_commit);
    run([](database& main) -> asio::awaitable<void> {
        const auto insert = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("INSERT INTO fatal VALUES (1)");
        };
        EXPECT_TRUE(co_await throws<pg::connection_error>(main.transaction(insert, {.max_attempts = 1})));
    });
    EXPECT_EQ(scratch_.run("SELECT count(*) FROM fatal"), "0");
}

TEST_F(database_test, a_server_process_that_ends_during_commit_leaves_it_unknown_when_nobody_asks)
{
    scratch_.run(dies_during_commit);
    options_.commit_resolution = 0ms;
    run([](database& main) -> asio::awaitable<void> {
        std::int32_t process = 0;
        std::int32_t named = 0;
        try {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                process = co_await pid(main);
                (void)co_await main.execute("INSERT INTO fatal VALUES (1)");
            });
        }
        catch (const commit_unknown& e) {
            named = e.backend_pid();
            EXPECT_EQ(e.code(), pg::disposition::in_doubt);
            EXPECT_EQ(e.xid(), std::nullopt);
        }
        EXPECT_NE(process, 0);
        EXPECT_EQ(named, process);
        EXPECT_NE(co_await pid(main), process) << "the pool goes on with another connection";
    });
}

TEST_F(database_test, a_connection_killed_inside_a_transaction_fails_it_and_is_replaced)
{
    run([&](database& main) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<pg::error>(main.transaction([&]() -> asio::awaitable<void> {
            co_await add(main, 1, 1);
            scratch_.run("SELECT pg_terminate_backend(" + std::to_string(co_await pid(main)) + ")");
            co_await add(main, 1, 1);
        })));
        co_await add(main, 1, 5);
    });
    EXPECT_EQ(balance(1), "105");
}

TEST_F(database_test, a_connection_killed_while_idle_is_replaced_before_anybody_notices)
{
    options_.pool.idle_check_after = 0ms;
    run([&](database& main) -> asio::awaitable<void> {
        const auto before = co_await pid(main);
        // Does not return before the process has gone.
        scratch_.run("SELECT pg_terminate_backend(" + std::to_string(before) + ", 10000)");
        EXPECT_NE(co_await pid(main), before);
    });
}

// --- limits ----------------------------------------------------------------------------------------

TEST_F(database_test, a_statement_that_takes_too_long_is_ended_by_the_server)
{
    options_.command_timeout = 20ms;
    run([](database& main) -> asio::awaitable<void> {
        const auto sleep = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT pg_sleep(60)"); };
        // Nothing else is asked, which the same limit might end.
        EXPECT_TRUE(co_await is_ended_by_the_server(sleep));
        EXPECT_EQ(main.statistics().pool.connects, 1U);
    });
}

TEST_F(database_test, the_limit_of_a_call_inside_a_transaction_spares_the_connection)
{
    run([](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto before = co_await pid(main);
            const auto sleep = [&]() -> asio::awaitable<void> {
                co_await main.transaction([&]() -> asio::awaitable<void> {
                    (void)co_await main.with({.timeout = 20ms}).execute("SELECT pg_sleep(60)");
                });
            };
            EXPECT_TRUE(co_await is_ended_by_the_server(sleep));
            EXPECT_EQ(co_await main.fetchval<std::string>("SHOW statement_timeout"), "1min");
            EXPECT_EQ(co_await pid(main), before);
        });
    });
}

TEST_F(database_test, the_limit_of_a_call_outside_of_transactions_ends_its_statement)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto sleep = [&]() -> asio::awaitable<void> {
            (void)co_await main.with({.timeout = 20ms}).execute("SELECT pg_sleep(60)");
        };
        EXPECT_TRUE(co_await throws<timeout_error>(sleep()));
        EXPECT_EQ(
            co_await main.fetchval<std::int64_t>(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(60)' "
                "AND datname = current_database()"),
            0);
    });
}

TEST_F(database_test, the_limit_of_a_transaction_ends_its_statement_and_rolls_back)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto before = co_await pid(main);
        EXPECT_TRUE(co_await throws<timeout_error>(main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await add(main, 1, 1);
                (void)co_await main.execute("SELECT pg_sleep(60)");
            },
            {.timeout = 50ms})));
        EXPECT_EQ(co_await pid(main), before) << "the server ended the statement, so the connection was kept";
    });
    EXPECT_EQ(balance(1), "100");
}

TEST_F(database_test, a_cancelled_statement_takes_its_connection_and_nothing_else)
{
    run([&](database& main) -> asio::awaitable<void> {
        asio::cancellation_signal cancel;
        std::exception_ptr thrown;
        const auto sleep = [&]() -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await add(main, 1, 1);
                (void)co_await main.execute("SELECT pg_sleep(60)");
            });
        };
        bool ended = false;
        asio::co_spawn(
            co_await asio::this_coro::executor, sleep(),
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) {
                thrown = std::move(e);
                ended = true;
            }));
        while (co_await main.fetchval<std::int64_t>(
                   "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                   "wait_event = 'PgSleep'") == 0) {
        }
        cancel.emit(asio::cancellation_type::terminal);
        while (!ended)
            co_await test::settle(1);
        EXPECT_TRUE(thrown);
        co_await main.with({.timeout = 10s}).execute("SELECT 1");
        EXPECT_EQ(main.pool_stats().active, 0U);
    });
    EXPECT_EQ(balance(1), "100");
}

// --- the pool --------------------------------------------------------------------------------------

TEST_F(database_test, many_callers_share_few_connections)
{
    run([](database& main) -> asio::awaitable<void> {
        std::vector<asio::awaitable<void>> callers;
        for (int i = 0; i < 200; ++i)
            callers.push_back(add(main, 1, 1));
        co_await when_all(std::move(callers));
        EXPECT_LE(main.pool_stats().size, 4U);
        EXPECT_EQ(main.pool_stats().active, 0U);
    });
    EXPECT_EQ(balance(1), "300");
}

TEST_F(database_test, a_connection_given_back_in_a_transaction_is_cleaned)
{
    options_.pool = {.minimum = 1, .maximum = 1};
    run([](database& main) -> asio::awaitable<void> {
        std::int32_t before = 0;
        {
            const auto mine = co_await main.pool().acquire({});
            co_await mine->run_script({"BEGIN; UPDATE account SET balance = 0", nullptr}, {});
            before = mine->backend_pid();
        }
        EXPECT_EQ(co_await pid(main), before);
    });
    EXPECT_EQ(balance(1), "100");
}

TEST_F(database_test, that_does_not_exist_cannot_be_opened)
{
    options_.connect.database = "there_is_no_such_database";
    test::run([&]() -> asio::awaitable<void> {
        database main(co_await asio::this_coro::executor, options_);
        EXPECT_TRUE(co_await throws<invalid_catalog_name>(main.open()));
        EXPECT_FALSE(main.is_open());
    });
}

TEST_F(database_test, says_how_it_is)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto health = co_await main.health_check();
        EXPECT_TRUE(health.reachable);
        EXPECT_EQ(health.role, "primary");
        EXPECT_THAT(health.server_version, testing::MatchesRegex("[0-9]+\\..*"));
        EXPECT_GT(health.latency.count(), 0);
        EXPECT_EQ(health.pool_info.size, 1U);
        EXPECT_EQ(health.pool_info.maximum, 4U);
        // It does not use the ambient transaction's connection, which may be busy or failed.
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto inside = co_await main.health_check();
            EXPECT_TRUE(inside.reachable);
        });
    });
}

TEST_F(database_test, runs_scripts_inside_and_outside_of_transactions)
{
    run([](database& main) -> asio::awaitable<void> {
        const auto answers =
            co_await main.run_script({"CREATE TABLE a (x int); INSERT INTO a VALUES (1), (2); SELECT 1", nullptr});
        EXPECT_EQ(answers.size(), 3U);
        EXPECT_EQ(answers.at(1).tag().text(), "INSERT 0 2");
        EXPECT_TRUE(co_await throws<std::logic_error>(main.transaction([&]() -> asio::awaitable<void> {
            co_await main.run_script({"CREATE TABLE b (x int); DELETE FROM a", nullptr});
            throw std::logic_error("no");
        })));
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT count(*) FROM a"), 2);
        EXPECT_EQ(co_await main.fetchval<bool>("SELECT to_regclass('b') IS NULL"), true);
    });
}

TEST_F(database_test, a_slow_query_is_logged_in_the_fixed_words)
{
    options_.slow_query = 10ms;
    const observe::capture log;
    run([](database& main) -> asio::awaitable<void> {
        (void)co_await main.fetch("SELECT pg_sleep(0.05), $1::text", "active");
    });
    EXPECT_THAT(
        log.messages(observe::level::warn),
        testing::ElementsAre(testing::MatchesRegex(
            "\\[SLOW QUERY\\] main FETCH took [0-9]+ms: SELECT pg_sleep\\(0.05\\), \\$1::text \\| args: 'active'")));
}

} // namespace
} // namespace tradecore
