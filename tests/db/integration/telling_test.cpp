// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <source_location>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;

/// What the log says of a database that works on a real server.
class telling_test : public testing::Test {
protected:
    telling_test()
    {
        scratch_.run("CREATE TABLE account (id bigint PRIMARY KEY, balance bigint);"
                     "INSERT INTO account SELECT n, 100 FROM generate_series(1, 100) n");
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.connect.settings["deadlock_timeout"] = "100ms";
        options_.pool = {.minimum = 0, .maximum = 6};
        options_.pool.exhaustion_threshold = 1;
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await body(main);
            co_await main.close();
        });
    }

    /// @returns whether a session of this test's database waits for another; locks of rows name no database.
    static asio::awaitable<bool> is_blocked(database& main)
    {
        return main.fetchval<bool>("SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid) "
                                   "WHERE NOT granted AND datname = current_database()");
    }

    static std::vector<observe::capture::entry> entries(const observe::capture& log, std::string_view mark)
    {
        std::vector<observe::capture::entry> found;
        for (const auto& one : log.entries()) {
            if (one.message.starts_with(mark))
                found.push_back(one);
        }
        return found;
    }

    test::scratch_database scratch_;
    database_options options_;
};

/// Updates one row, waits until all others have, and updates the next one's: a ring in which each waits for the next.
struct ring {
    std::size_t size;
    std::size_t arrived = 0;
    test::gate all{};
    int victims = 0;

    asio::awaitable<void> walk(database& on, std::size_t place, std::string_view name)
    {
        const auto body = [&]() -> asio::awaitable<void> {
            co_await on.execute("UPDATE account SET balance = balance - 1 WHERE id = $1", place + 1);
            if (++arrived == size)
                all.open();
            co_await all.wait();
            co_await on.with({.name = "second"})
                .execute("UPDATE account SET balance = balance + 1 WHERE id = $1", (place + 1) % size + 1);
        };
        try {
            co_await on.transaction(body, {.name = name, .max_attempts = 1});
        }
        catch (const pg::deadlock_detected&) {
            ++victims;
        }
    }
};

TEST_F(telling_test, a_deadlock_of_two_transactions_is_reported_with_both_sides)
{
    const observe::capture log;
    run([](database& main) -> asio::awaitable<void> {
        ring both{.size = 2};
        co_await when_all(both.walk(main, 0, "one"), both.walk(main, 1, "other"));
        EXPECT_EQ(both.victims, 1);
    });
    const auto reports = entries(log, "[DEADLOCK] ");
    ASSERT_EQ(reports.size(), 1U);
    const auto& said = reports.front();
    const auto victim = said.value("transaction");
    EXPECT_THAT(victim, testing::AnyOf("one", "other"));
    EXPECT_EQ(said.value("other_transaction"), victim == "one" ? "other" : "one");
    EXPECT_EQ(said.value("other_database"), "main");
    EXPECT_NE(said.value("process"), said.value("other_process"));
    for (const auto* which : {"", "other_"}) {
        EXPECT_EQ(said.value(fmt::format("{}statement", which)), "second");
        EXPECT_THAT(said.value(fmt::format("{}sql", which)), HasSubstr("balance + 1"));
        EXPECT_THAT(said.value(fmt::format("{}location", which)), HasSubstr("telling_test.cpp:"));
        EXPECT_THAT(said.value(fmt::format("{}transaction_location", which)), HasSubstr("telling_test.cpp:"));
    }
    EXPECT_EQ(said.value("sides"), "2");
    EXPECT_THAT(said.value("detail"), HasSubstr("Process " + said.value("process") + " waits for ShareLock"));
    EXPECT_THAT(said.message, HasSubstr(" | waited for main transaction "));
}

TEST_F(telling_test, a_deadlock_of_five_is_reported_with_all_of_them)
{
    const observe::capture log;
    run([](database& main) -> asio::awaitable<void> {
        ring all{.size = 5};
        co_await when_all(
            all.walk(main, 0, "a"), all.walk(main, 1, "b"), all.walk(main, 2, "c"), all.walk(main, 3, "d"),
            all.walk(main, 4, "e"));
        EXPECT_EQ(all.victims, 1);
    });
    const auto reports = entries(log, "[DEADLOCK] ");
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports.front().value("sides"), "5");
    for (const auto* name : {"a", "b", "c", "d", "e"})
        EXPECT_THAT(reports.front().message, HasSubstr(fmt::format("main transaction {} (process ", name)));
}

TEST_F(telling_test, a_deadlock_with_a_statement_of_its_own_is_reported_too)
{
    const observe::capture log;
    run([](database& main) -> asio::awaitable<void> {
        int victims = 0;
        const auto script = [&]() -> asio::awaitable<void> {
            try {
                (void)co_await main.run_script("UPDATE account SET balance = 0 WHERE id = 2; "
                                               "UPDATE account SET balance = 0 WHERE id = 1");
            }
            catch (const pg::deadlock_detected&) {
                ++victims;
            }
        };
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("UPDATE account SET balance = 1 WHERE id = 1");
            const auto second = [&]() -> asio::awaitable<void> {
                bool blocked = false;
                while (!blocked)
                    blocked = co_await main.outside([&] { return is_blocked(main); });
                (void)co_await main.execute("UPDATE account SET balance = 1 WHERE id = 2");
            };
            co_await when_all(main.outside(script), second());
        };
        try {
            co_await main.transaction(body, {.name = "holder", .max_attempts = 1});
        }
        catch (const pg::deadlock_detected&) {
            ++victims;
        }
        EXPECT_EQ(victims, 1);
    });
    const auto reports = entries(log, "[DEADLOCK] ");
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_THAT(reports.front().message, HasSubstr("main transaction holder (process "));
    EXPECT_THAT(reports.front().message, HasSubstr("main statement (process "));
}

TEST_F(telling_test, a_deadlock_with_another_program_says_who_that_is)
{
    options_.pool.minimum = 2; // one to ask with
    auto theirs = options_.connect;
    theirs.application_name = "a tool";
    theirs.settings["deadlock_timeout"] = "60s"; // ours looks first, and is the one to be rolled back
    const observe::capture log;
    std::int32_t process = 0;
    run([&](database& main) -> asio::awaitable<void> {
        auto tool = co_await pg::connection::connect(co_await asio::this_coro::executor, theirs);
        process = tool->backend_pid();
        (void)co_await tool->execute("BEGIN");
        (void)co_await tool->execute("UPDATE account SET balance = 0 WHERE id = 2");
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("UPDATE account SET balance = 1 WHERE id = 1");
            const auto other = [&]() -> asio::awaitable<void> {
                (void)co_await tool->execute("UPDATE account SET balance = 0 WHERE id = 1");
            };
            const auto own = [&]() -> asio::awaitable<void> {
                // Who waits last finds the deadlock.
                bool blocked = false;
                while (!blocked)
                    blocked = co_await main.outside([&] { return is_blocked(main); });
                (void)co_await main.execute("UPDATE account SET balance = 1 WHERE id = 2");
            };
            co_await when_all(other(), own());
        };
        try {
            co_await main.transaction(body, {.name = "ours", .max_attempts = 1});
            ADD_FAILURE() << "was not rolled back";
        }
        catch (const pg::deadlock_detected&) { // NOLINT(bugprone-empty-catch): as asked
        }
        // The server is asked meanwhile; the other one has to be there still.
        while (entries(log, "[DEADLOCK] ").empty())
            (void)co_await main.fetch("SELECT 1");
    });
    const auto reports = entries(log, "[DEADLOCK] ");
    ASSERT_EQ(reports.size(), 1U);
    const auto& said = reports.front();
    EXPECT_EQ(said.value("other_process"), std::to_string(process));
    EXPECT_EQ(said.value("other_database"), "");
    EXPECT_THAT(said.value("other_user"), testing::StartsWith("'a tool' of "));
    EXPECT_EQ(said.value("other_sql"), "UPDATE account SET balance = 0 WHERE id = 1");
    EXPECT_THAT(
        said.message, HasSubstr(fmt::format(" | waited for process {}, which is not ours ('a tool' of ", process)));
}

TEST_F(telling_test, batches_and_execute_many_are_among_the_slow_queries_and_statistics)
{
    options_.slow_query = 1ms;
    const observe::capture log;
    unsigned batched = 0;
    unsigned many = 0;
    run([&](database& main) -> asio::awaitable<void> {
        const auto use = [&]() -> asio::awaitable<void> {
            pg::batch work;
            batched = std::source_location::current().line() + 1;
            (void)work.add_fetch("SELECT pg_sleep(0.01)");
            (void)work.add_fetch("SELECT 1");
            (void)co_await main.run(std::move(work));
            const std::vector<double> times{0.005, 0.005};
            many = std::source_location::current().line() + 1;
            (void)co_await main.execute_many("SELECT pg_sleep($1)", times);
        };
        co_await use();
        co_await main.transaction(use, {.name = "inside"});
        const auto counted = main.statistics();
        EXPECT_EQ(counted.statements.size(), 2U);
        EXPECT_EQ(counted.statements.at(0).sql, "(batch)");
        EXPECT_EQ(counted.statements.at(0).calls, 2U);
        EXPECT_EQ(counted.statements.at(0).rows, 4U);
        EXPECT_EQ(counted.statements.at(1).sql, "SELECT pg_sleep($1)");
        EXPECT_EQ(counted.statements.at(1).calls, 2U);
    });
    const auto batches = entries(log, "[SLOW QUERY] main BATCH took ");
    const auto repeated = entries(log, "[SLOW QUERY] main EXECUTE_MANY took ");
    ASSERT_EQ(batches.size(), 2U);
    ASSERT_EQ(repeated.size(), 2U);
    EXPECT_THAT(batches[0].message, testing::EndsWith("ms: SELECT pg_sleep(0.01) (and 1 more)"));
    EXPECT_THAT(repeated[0].message, testing::EndsWith("ms: SELECT pg_sleep($1)"));
    EXPECT_EQ(batches[0].value("transaction"), "");
    EXPECT_EQ(batches[1].value("transaction"), "inside");
    EXPECT_EQ(repeated[1].value("transaction"), "inside");
    EXPECT_THAT(batches[1].value("location"), testing::EndsWith(fmt::format("telling_test.cpp:{}", batched)));
    EXPECT_THAT(repeated[1].value("location"), testing::EndsWith(fmt::format("telling_test.cpp:{}", many)));
}

TEST_F(telling_test, rows_of_real_statements_are_counted)
{
    run([](database& main) -> asio::awaitable<void> {
        (void)co_await main.fetch("SELECT * FROM account WHERE id <= $1", 7);
        (void)co_await main.execute("UPDATE account SET balance = 0 WHERE id <= 5");
        const auto counted = main.statistics();
        EXPECT_EQ(counted.statements.at(0).rows, 7U);
        EXPECT_EQ(counted.statements.at(1).rows, 5U);
        EXPECT_EQ(counted.pool.connects, 1U);
        EXPECT_EQ(counted.pool.acquire.count(), 2U);
    });
}

} // namespace
} // namespace tradecore
