// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "support/pgbouncer.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using test::run;
using test::task;
namespace asio = boost::asio;
using shared_connection = std::shared_ptr<pg::connection>;

class behind_pgbouncer : public testing::Test {
protected:
    asio::awaitable<shared_connection> connect()
    {
        co_return co_await pg::connection::connect(
            co_await asio::this_coro::executor, pg::connect_options::parse(pooler_.dsn()));
    }

private:
    test::pgbouncer pooler_;
};

asio::awaitable<int> sum(shared_connection on, int a, int b)
{
    return on->fetchval<int>("SELECT $1::int + $2::int", a, b);
}

TEST_F(behind_pgbouncer, many_clients_share_one_server_connection)
{
    run([this]() -> asio::awaitable<void> {
        std::vector<shared_connection> clients;
        for (int i = 0; i < 4; ++i)
            clients.push_back(co_await connect());
        // Each in turn, so that none could find what it had prepared before.
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 4; ++i) {
                const auto& db = clients[static_cast<std::size_t>(i)];
                EXPECT_EQ(co_await sum(db, round, i), round + i);
                EXPECT_EQ(
                    co_await db->fetchval<std::string>("SELECT $1::text || 'x'", std::to_string(i)),
                    std::to_string(i) + "x");
            }
        }
        EXPECT_EQ(co_await clients[0]->fetchval<std::int64_t>("SELECT count(*) FROM pg_prepared_statements"), 0);
    });
}

TEST_F(behind_pgbouncer, statements_go_in_a_pipeline)
{
    run([this]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto one = co_await connect();
        const auto two = co_await connect();
        std::vector<task<int>> sums;
        for (int i = 0; i < 50; ++i)
            sums.emplace_back(executor, sum(i % 2 == 0 ? one : two, i, 1));
        for (int i = 0; i < 50; ++i)
            EXPECT_EQ(co_await sums[static_cast<std::size_t>(i)].result(), i + 1);
    });
}

TEST_F(behind_pgbouncer, transactions_keep_their_server)
{
    run([this]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        pg::statement first{.sql = {"SELECT pg_backend_pid()", nullptr}, .arguments = {}, .before = {"BEGIN"}};
        const auto pid = (co_await db->run(std::move(first)))[0][std::size_t{0}].as<int>();
        co_await db->execute("CREATE TEMP TABLE pooled (id int) ON COMMIT DROP");
        co_await db->execute("INSERT INTO pooled VALUES ($1)", 7);
        EXPECT_EQ(co_await db->fetchval<int>("SELECT id FROM pooled"), 7);
        EXPECT_EQ(co_await db->fetchval<int>("SELECT pg_backend_pid()"), pid);
        co_await db->execute("COMMIT");
        EXPECT_EQ(db->status(), pg::transaction_status::idle);
    });
}

TEST_F(behind_pgbouncer, a_statement_can_be_cancelled)
{
    run([this]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto db = co_await connect();
        co_await sum(db, 1, 2);
        pg::statement slow{
            .sql = {"SELECT pg_sleep(60)", nullptr},
            .arguments = {},
            .options = {.timeout = std::chrono::milliseconds(50)}};
        task<pg::result> sleeper(executor, db->run(std::move(slow)));
        EXPECT_THROW((void)co_await sleeper.result(), pg::timeout_error);
        EXPECT_TRUE(db->is_open());
        EXPECT_EQ(co_await sum(db, 1, 2), 3);
    });
}

TEST_F(behind_pgbouncer, many_rows_come_and_go)
{
    run([this]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto other = co_await connect();
        co_await db->run_script({"DROP TABLE IF EXISTS pooled; CREATE TABLE pooled (id int PRIMARY KEY)", nullptr});
        for (int round = 0; round < 3; ++round) {
            co_await db->execute("TRUNCATE pooled");
            for (const auto mode : {pg::batch_mode::one_transaction, pg::batch_mode::each_alone}) {
                pg::batch todo(mode);
                const auto first = todo.add<int>("INSERT INTO pooled VALUES ($1) RETURNING id", -1);
                const auto gone = todo.add_execute("DELETE FROM pooled WHERE id = $1", -1);
                auto answers = co_await db->run(std::move(todo));
                EXPECT_EQ(answers.get(first), -1);
                EXPECT_EQ(answers.get(gone).rows_affected(), 1U);
            }
            EXPECT_EQ(co_await db->execute_many("INSERT INTO pooled VALUES ($1)", std::views::iota(0, 1'000)), 1'000U);
            EXPECT_EQ(co_await db->copy_in("pooled", {"id"}, std::views::iota(1'000, 2'000)), 1'000U);
            std::size_t rows = 0;
            auto slices = co_await db->cursor<int>(pg::cursor_options{.rows = 100}, "SELECT id FROM pooled");
            for (auto slice = co_await slices.next(); !slice.empty(); slice = co_await slices.next())
                rows += slice.size();
            EXPECT_EQ(co_await sum(other, 1, 2), 3);
            EXPECT_EQ(rows, 2'000U);
            auto copied = co_await db->copy_out<int>("SELECT id FROM pooled");
            for (auto slice = co_await copied.next(); !slice.empty(); slice = co_await copied.next())
                rows += slice.size();
            EXPECT_EQ(rows, 4'000U);
        }
        co_await db->execute("DROP TABLE pooled");
    });
}

TEST_F(behind_pgbouncer, streams_may_be_given_up)
{
    run([this]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await db->run_script({"DROP TABLE IF EXISTS pooled; CREATE TABLE pooled (id int)", nullptr});
        {
            auto rows = co_await db->cursor<int>(pg::cursor_options{.rows = 2}, "SELECT generate_series(1, 1000000)");
            EXPECT_EQ((co_await rows.next()).size(), 2U);
        }
        EXPECT_EQ(co_await sum(db, 1, 2), 3);
        {
            auto writer = co_await db->copy_writer("pooled", {"id"});
            co_await writer.write_row(1);
            co_await writer.flush();
        }
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM pooled"), 0);
        {
            auto rows = co_await db->copy_out<int>("SELECT generate_series(1, 1000000)");
            EXPECT_FALSE((co_await rows.next()).empty());
        }
        EXPECT_EQ(co_await sum(db, 1, 2), 3);
        EXPECT_TRUE(db->is_open());
        co_await db->execute("DROP TABLE pooled");
    });
}

} // namespace
