// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "support/pgbouncer.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
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

} // namespace
