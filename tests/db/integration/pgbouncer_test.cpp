// SPDX-License-Identifier: Apache-2.0
#include "support/errors.hpp"
#include "support/pgbouncer.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>

#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// A database whose connections share one of the server's.
class database_behind_pgbouncer : public testing::Test {
protected:
    asio::awaitable<database> open(std::chrono::milliseconds command_timeout = 60s)
    {
        database_options options;
        options.connect = pg::connect_options::parse(pooler_.dsn());
        options.connect.prepared_statements = pg::prepared_statements::unnamed;
        options.pool = {.minimum = 1, .maximum = 4};
        options.command_timeout = command_timeout;
        database made(co_await asio::this_coro::executor, std::move(options));
        co_await made.open();
        co_await made.with({.timeout = 60s}).execute("CREATE TABLE behind_pgbouncer (id int PRIMARY KEY, note text)");
        co_return made;
    }

    test::pgbouncer pooler_;
};

asio::awaitable<void> insert(database db, int id)
{
    co_await db.transaction([db, id]() mutable -> asio::awaitable<void> {
        co_await db.execute("INSERT INTO behind_pgbouncer VALUES ($1, 'transaction')", id);
        co_await db.transaction([db, id]() mutable -> asio::awaitable<void> {
            co_await db.execute("UPDATE behind_pgbouncer SET note = 'nested' WHERE id = $1", id);
        });
    });
}

TEST_F(database_behind_pgbouncer, has_the_five_verbs)
{
    test::run([this]() -> asio::awaitable<void> {
        auto db = co_await open();
        // More at once than there are server connections, so that they take turns between the transactions.
        std::vector<asio::awaitable<void>> work;
        for (int id = 1; id <= 4; ++id)
            work.push_back(insert(db, id));
        co_await when_all(std::move(work));
        for (int round = 0; round < 3; ++round) {
            EXPECT_EQ(co_await db.fetchval<int>("SELECT count(*)::int FROM behind_pgbouncer WHERE note = 'nested'"), 4);
            const auto one = co_await db.fetchrow<std::tuple<int, std::string>>(
                "SELECT id, note FROM behind_pgbouncer WHERE id = $1", round + 1);
            EXPECT_EQ(one, std::tuple(round + 1, std::string("nested")));
        }
        const auto all = co_await db.fetch<std::tuple<int>>("SELECT id FROM behind_pgbouncer ORDER BY id");
        EXPECT_THAT(all, testing::ElementsAre(std::tuple(1), std::tuple(2), std::tuple(3), std::tuple(4)));
        EXPECT_EQ((co_await db.execute("DELETE FROM behind_pgbouncer WHERE id > $1", 1)).rows_affected(), 3U);
        co_await db.close();
    });
}

TEST_F(database_behind_pgbouncer, has_the_bulk_verbs)
{
    test::run([this]() -> asio::awaitable<void> {
        auto db = co_await open();
        using row = std::tuple<int, std::string>;
        const std::vector<row> rows{{1, "a"}, {2, "b"}, {3, "c"}};
        EXPECT_EQ(co_await db.execute_many("INSERT INTO behind_pgbouncer VALUES ($1, $2)", rows), 3U);
        EXPECT_EQ(co_await db.copy_in("behind_pgbouncer", {"id", "note"}, std::vector<row>{{4, "d"}, {5, "e"}}), 2U);
        std::vector<int> seen;
        auto slices = co_await db.cursor<int>("SELECT id FROM behind_pgbouncer ORDER BY id");
        for (auto slice = co_await slices.next(); !slice.empty(); slice = co_await slices.next())
            seen.insert(seen.end(), slice.begin(), slice.end());
        EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4, 5));
        co_await db.close();
    });
}

TEST_F(database_behind_pgbouncer, ends_statements_that_take_too_long)
{
    test::run([this]() -> asio::awaitable<void> {
        auto db = co_await open(100ms);
        bool late = false;
        try {
            co_await db.execute("SELECT pg_sleep(60)");
        }
        catch (const pg::error& e) {
            late = e.code() == pg::disposition::timeout || e.code() == pg::disposition::canceled;
        }
        EXPECT_TRUE(late);
        auto patient = db.with({.timeout = 60s});
        EXPECT_EQ(co_await patient.fetchval<int>("SELECT 1"), 1);
        const auto sleep = [&db]() -> asio::awaitable<void> { co_await db.execute("SELECT pg_sleep(60)"); };
        std::exception_ptr error;
        do // the client's limit is a little later, and may be noticed first when the machine is busy
            error = co_await test::error_of(db.transaction(sleep));
        while (test::is<timeout_error>(error));
        EXPECT_TRUE(test::is<query_canceled>(error)) << "the server's own limit, which belongs to the transaction";
        EXPECT_EQ(
            co_await patient.fetchval<std::string>("SELECT current_setting('statement_timeout')"),
            "0"); // nothing is left behind
        co_await db.close();
    });
}

TEST_F(database_behind_pgbouncer, refuses_to_listen)
{
    test::run([this]() -> asio::awaitable<void> {
        auto db = co_await open();
        std::string refusal;
        try {
            (void)co_await db.listen("news");
        }
        catch (const pg::argument_error& e) {
            refusal = e.what();
        }
        EXPECT_THAT(refusal, testing::HasSubstr("prepared_statements=unnamed"));
        co_await db.close();
    });
}

} // namespace
} // namespace tradecore
