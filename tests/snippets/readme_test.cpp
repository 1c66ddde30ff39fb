// SPDX-License-Identifier: Apache-2.0
// The page of code in README.md, run.
#define main program_of_readme
// [readme]
#include <tradecore/db/database.hpp>
#include <tradecore/db/registry.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/describe.hpp>
#include <boost/uuid/random_generator.hpp>
#include <fmt/format.h>

namespace asio = boost::asio;

struct user {
    tradecore::uuid id;
    std::string email;
    std::optional<std::string> first_name; // NULL
    tradecore::timestamptz created_at;     // UTC, microseconds
};
BOOST_DESCRIBE_STRUCT(user, (), (id, email, first_name, created_at))

asio::awaitable<void> charge(tradecore::database& db, const user& who)
{
    // Below the transaction's body: the same transaction, nothing passed.
    co_await db.execute("UPDATE accounts SET balance = balance - $1 WHERE user_id = $2", 10, who.id);
}

asio::awaitable<void> demo(tradecore::database& db, tradecore::uuid order_id)
{
    // SQL is a literal, its $n are counted by the compiler; rows map by name, types are checked.
    std::vector<user> users = co_await db.fetch<user>("SELECT * FROM users WHERE status = $1", "active");
    auto orders = co_await db.fetchval<std::int64_t>("SELECT count(*) FROM orders WHERE user_id = $1", users[0].id);
    auto done = co_await db.execute("UPDATE users SET last_login = $1 WHERE id = $2", tradecore::now(), users[0].id);
    fmt::print("{} orders so far; users touched: {}\n", orders, done.rows_affected());

    try {
        co_await db.transaction([&]() -> asio::awaitable<void> {
            co_await db.execute(
                "INSERT INTO orders (id, user_id, symbol) VALUES ($1, $2, $3)", order_id, users[0].id, "AAPL");
            co_await charge(db, users[0]);
        }); // commits; rolls back when the body throws
    }
    catch (const tradecore::unique_violation& again) {
        fmt::print("there already, says {}\n", again.diagnostics().constraint); // orders_pkey
    }
}

asio::awaitable<void> run()
{
    co_await tradecore::init_db_pool(); // `main`, from POSTGRES_DSN; init_all() opens `vb` as well
    co_await demo(tradecore::db, boost::uuids::random_generator()());
    co_await tradecore::shutdown(); // open connections are work for the context
}

int main()
{
    asio::io_context context;
    asio::co_spawn(context, run(), [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error); // out of context.run()
    });
    context.run();
    return 0;
}
// [/readme]
#undef main

#include "support/postgres.hpp"
#include "support/run.hpp"

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include <cstdlib>

namespace {

TEST(readme, its_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run(R"(
        CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL, first_name text, created_at timestamptz NOT NULL DEFAULT now(),
            status text NOT NULL, last_login timestamptz);
        CREATE TABLE accounts (user_id uuid REFERENCES users, balance int NOT NULL);
        CREATE TABLE orders (id uuid PRIMARY KEY, user_id uuid REFERENCES users, symbol text NOT NULL);
        INSERT INTO users (id, email, status) VALUES (gen_random_uuid(), 'ada@example.com', 'active');
        INSERT INTO accounts SELECT id, 100 FROM users)");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        tradecore::database_options options;
        options.connect = tradecore::pg::connect_options::parse(scratch.dsn());
        tradecore::database db(co_await asio::this_coro::executor, options);
        co_await db.open();
        const auto order = boost::uuids::random_generator()();
        co_await demo(db, order);
        co_await demo(db, order); // the second time the order is there already, and nothing is charged
        co_await db.close();
    });
    EXPECT_EQ(scratch.run("SELECT balance FROM accounts"), "90");
    EXPECT_EQ(scratch.run("SELECT count(*) FROM orders"), "1");
    EXPECT_EQ(scratch.run("SELECT last_login IS NOT NULL FROM users"), "t");

    ::setenv("POSTGRES_DSN", scratch.dsn().c_str(), 1);
    ::setenv("PG_POOL_MAX_SIZE", "2", 1);
    EXPECT_EQ(program_of_readme(), 0);
    ::unsetenv("POSTGRES_DSN");
    ::unsetenv("PG_POOL_MAX_SIZE");
    EXPECT_EQ(scratch.run("SELECT balance FROM accounts"), "80");
    EXPECT_EQ(scratch.run("SELECT count(*) FROM orders"), "2");
}

} // namespace
