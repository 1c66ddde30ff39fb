// SPDX-License-Identifier: Apache-2.0
// The code of docs/database.md, run.
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// [open]
asio::awaitable<tradecore::database> open_trading(std::string dsn)
{
    tradecore::database_options options;
    options.name = "trading"; // in the log and in metrics
    options.connect = tradecore::pg::connect_options::parse(dsn);
    options.pool = {.minimum = 2, .maximum = 10};
    tradecore::database db(co_await asio::this_coro::executor, options);
    co_await db.open(); // a wrong address or password shows here
    co_return db;       // a handle: copies are the same database
}
// [/open]

// [with]
asio::awaitable<void> set_price(tradecore::database& db, std::string symbol, std::int64_t price)
{
    co_await db.with({.timeout = 250ms, .idempotent = true, .name = "price_set"})
        .execute("UPDATE price SET last = $1 WHERE symbol = $2", price, symbol);
}
// [/with]

// [transaction]
asio::awaitable<bool> pay(tradecore::database& db, std::int64_t from, std::int64_t to, std::int64_t amount)
{
    const auto body = [&]() -> asio::awaitable<bool> { // may run more than once
        const auto balance = co_await db.fetchval<std::int64_t>("SELECT balance FROM account WHERE id = $1", from);
        if (balance < amount)
            co_return false;
        co_await db.execute("UPDATE account SET balance = balance - $1 WHERE id = $2", amount, from);
        co_await db.execute("UPDATE account SET balance = balance + $1 WHERE id = $2", amount, to);
        co_return true;
    };
    co_return co_await db.transaction(
        body, {.isolation = tradecore::isolation_level::serializable, .name = "pay", .timeout = 2s});
}
// [/transaction]

// [nested]
asio::awaitable<int> add_words(tradecore::database& db, std::vector<std::string> words)
{
    int known = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        known = 0; // the body may run again
        for (const auto& word : words) {
            const auto add = [&]() -> asio::awaitable<void> {
                co_await db.execute("INSERT INTO word VALUES ($1)", word);
            };
            try {
                co_await db.transaction(add); // a savepoint
            }
            catch (const tradecore::unique_violation&) {
                ++known; // and the transaction goes on
            }
        }
    };
    co_await db.transaction(body);
    co_return known;
}
// [/nested]

// [outside]
asio::awaitable<void> try_payment(tradecore::database& db, std::int64_t from)
{
    co_await db.transaction([&]() -> asio::awaitable<void> {
        co_await db.outside([&]() -> asio::awaitable<void> {
            co_await db.execute("INSERT INTO attempt (account) VALUES ($1)", from); // stays, whatever comes
        });
        co_await db.execute("UPDATE account SET balance = balance - 1000 WHERE id = $1", from); // CHECK (balance >= 0)
    });
}
// [/outside]

// [together]
asio::awaitable<std::int64_t> all_there_is(tradecore::database& db)
{
    const auto [accounts, words] = co_await tradecore::with_timeout(
        1s, tradecore::when_all(
                db.fetchval<std::int64_t>("SELECT count(*) FROM account"),
                db.fetchval<std::int64_t>("SELECT count(*) FROM word")));
    co_return accounts + words;
}
// [/together]

// [refused]
asio::awaitable<std::string> balance_or_excuse(tradecore::database& db, std::int64_t id)
{
    try {
        co_return std::to_string(co_await db.fetchval<std::int64_t>("SELECT balance FROM account WHERE id = $1", id));
    }
    catch (const tradecore::circuit_open& refused) { // nothing was sent, nothing was waited for
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(refused.come_again_in());
        co_return "503, Retry-After: " + std::to_string(seconds.count());
    }
    catch (const tradecore::pool_timeout&) { // its what() says who holds the connections
        co_return "503";
    }
}
// [/refused]

TEST(database_page, its_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run("CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));"
                "INSERT INTO account VALUES (1, 100), (2, 0); CREATE TABLE word (word text PRIMARY KEY);"
                "CREATE TABLE attempt (account bigint); CREATE TABLE price (symbol text, last bigint);"
                "INSERT INTO price VALUES ('AAPL', 1)");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        auto db = co_await open_trading(scratch.dsn());
        co_await set_price(db, "AAPL", 2);
        EXPECT_TRUE(co_await pay(db, 1, 2, 70));
        EXPECT_FALSE(co_await pay(db, 1, 2, 70));
        EXPECT_EQ(co_await add_words(db, {"a", "b", "a"}), 1);
        EXPECT_EQ(co_await all_there_is(db), 4);
        bool refused = false;
        try {
            co_await try_payment(db, 1);
        }
        catch (const tradecore::check_violation&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        EXPECT_EQ(co_await balance_or_excuse(db, 1), "30");
        co_await db.close();
    });
    EXPECT_EQ(scratch.run("SELECT last FROM price"), "2");
    EXPECT_EQ(scratch.run("SELECT balance FROM account WHERE id = 2"), "70");
    EXPECT_EQ(scratch.run("SELECT count(*) FROM attempt"), "1");
}

} // namespace
