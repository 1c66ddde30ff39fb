// SPDX-License-Identifier: Apache-2.0
// The code of docs/driver.md, run against a real server.
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/trace.hpp>
#include <tradecore/pg/types.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/describe.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace driver_snippets {

namespace asio = boost::asio;
namespace pg = tradecore::pg;
using namespace std::chrono_literals;

// [options]
asio::awaitable<std::unique_ptr<pg::connection>> connect_safely(std::string dsn)
{
    auto options = pg::connect_options::parse(dsn); // and the PG* variables, the service file, the passfile
    options.application_name = "risk";
    options.connect_timeout = 3s; // for each host: DNS, TCP, TLS and authentication together
    options.settings["search_path"] = "trading,public";
    co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
}
// [/options]

// [rotation]
pg::connect_options with_rotating_password(pg::connect_options options)
{
    options.password.clear();
    options.provide_password = [](pg::host_address) -> asio::awaitable<std::string> {
        co_return "what the vault says now"; // asked at each attempt to connect
    };
    return options;
}
// [/rotation]

// [structs]
struct trade {
    std::int64_t id = 0;
    std::string symbol;
    pg::numeric price;               // digits and scale as the server has them
    std::optional<std::string> note; // NULL
    tradecore::timestamptz at;       // std::chrono::sys_time<std::chrono::microseconds>
};
BOOST_DESCRIBE_STRUCT(trade, (), (id, symbol, price, note, at))
// [/structs]

// [verbs]
asio::awaitable<void> verbs(pg::session& db)
{
    std::vector<trade> all = co_await db.fetch<trade>("SELECT * FROM trades WHERE symbol = $1", "AAPL");
    std::optional<trade> one = co_await db.fetchrow<trade>("SELECT * FROM trades WHERE id = $1", 1);
    auto count = co_await db.fetchval<std::int64_t>("SELECT count(*) FROM trades");
    auto done = co_await db.execute("UPDATE trades SET note = $1 WHERE id = $2", "checked", 1);

    for (auto row : co_await db.fetch("SELECT symbol, price FROM trades")) // untyped
        EXPECT_EQ(row["symbol"].as<std::string_view>(), "AAPL");

    auto pairs = co_await db.fetch<std::tuple<std::string, pg::numeric>>("SELECT symbol, price FROM trades");

    EXPECT_EQ(done.rows_affected(), 1U);
    EXPECT_TRUE(one.has_value());
    EXPECT_EQ(static_cast<std::size_t>(count), all.size());
    EXPECT_EQ(pairs.size(), all.size());
}
// [/verbs]

// [types]
enum class mood { happy, sad };
BOOST_DESCRIBE_ENUM(mood, happy, sad)

struct address {
    std::string street;
    std::optional<std::int32_t> number;
};
BOOST_DESCRIBE_STRUCT(address, (), (street, number))

// CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE TYPE address AS (street text, number int);
asio::awaitable<void> types(pg::session& db)
{
    auto feeling = co_await db.fetchval<mood>("SELECT $1::mood", mood::sad);
    auto home = co_await db.fetchval<address>("SELECT $1::address", address{"Main Street", 7});
    auto homes =
        co_await db.fetchval<std::vector<address>>("SELECT $1::address[]", std::vector{home, address{"Elm", {}}});

    auto matrix = std::vector<std::vector<std::int32_t>>{{1, 2, 3}, {4, 5, 6}};
    auto same = co_await db.fetchval<std::vector<std::vector<std::int32_t>>>("SELECT $1::int[]", matrix);

    auto during = pg::range<std::chrono::sys_days>(std::chrono::sys_days(2024y / 1 / 1), std::nullopt);
    auto back = co_await db.fetchval<pg::range<std::chrono::sys_days>>("SELECT $1::daterange", during);

    using ending = pg::extended<tradecore::timestamptz>; // the infinities are values of their own
    auto never = co_await db.fetchval<ending>("SELECT 'infinity'::timestamptz");

    EXPECT_EQ(feeling, mood::sad);
    EXPECT_EQ(homes.at(0).number, 7);
    EXPECT_EQ(same, matrix);
    EXPECT_EQ(back, during);
    EXPECT_TRUE(never.is_infinity());
}
// [/types]

// [errors]
asio::awaitable<std::string> errors(pg::session& db)
{
    try {
        co_await db.execute("INSERT INTO trades (id, symbol, price) VALUES (1, 'AAPL', 1)");
    }
    catch (const tradecore::unique_violation& twice) {
        co_return twice.diagnostics().constraint; // "trades_pkey"
    }
    catch (const tradecore::server_error& refused) {
        if (refused.code() == tradecore::disposition::transient) // a deadlock, a serialization failure …
            co_return "once more";
        throw;
    }
    co_return "";
}
// [/errors]

// [limits]
asio::awaitable<void> limits(pg::connection& connection)
{
    pg::call_options options;
    options.timeout = 50ms;
    pg::statement slow{.sql = {"SELECT pg_sleep(60)", nullptr}, .arguments = {}, .options = options};
    try {
        co_await connection.run(std::move(slow));
    }
    catch (const tradecore::timeout_error&) {
        // The server was asked to stop and has said that it did.
    }
    EXPECT_TRUE(connection.is_open());
    EXPECT_EQ(co_await connection.fetchval<std::int32_t>("SELECT 1"), 1);
}
// [/limits]

// [batch]
asio::awaitable<void> one_round_trip(pg::session& db)
{
    pg::batch todo; // one transaction; pg::batch_mode::each_alone: each entry its own
    auto id = todo.add<std::int64_t>("INSERT INTO trades (symbol, price) VALUES ($1, $2) RETURNING id", "MSFT", 410);
    auto marked = todo.add_execute("UPDATE trades SET note = 'old' WHERE symbol <> $1", "MSFT");
    auto answers = co_await db.run(std::move(todo));

    EXPECT_GT(answers.get(id), 0); // throws that entry's own error, if there is one
    EXPECT_EQ(answers.get(marked).rows_affected(), 1U);
}
// [/batch]

// [many]
asio::awaitable<void> many(pg::session& db)
{
    std::vector<std::tuple<std::string, double>> rows{{"AAPL", 190.5}, {"MSFT", 411.25}};
    auto stored = co_await db.execute_many("INSERT INTO trades (symbol, price) VALUES ($1, $2)", rows);
    EXPECT_EQ(stored, 2U);

    // Faster for many: binary COPY. Structs say the columns by their members.
    stored = co_await db.copy_in("trades", {"symbol", "price"}, rows);
    EXPECT_EQ(stored, 2U);
}
// [/many]

// [cursor]
asio::awaitable<std::size_t> slices(pg::session& db)
{
    std::size_t seen = 0;
    auto cursor = co_await db.cursor<trade>("SELECT * FROM trades ORDER BY id");
    for (auto slice = co_await cursor.next(); !slice.empty(); slice = co_await cursor.next())
        seen += slice.size(); // some thousand rows at a time, never all of them
    co_return seen;
}
// [/cursor]

// [csv]
asio::awaitable<std::string> csv(pg::session& db)
{
    auto to = co_await db.copy_in_stream("COPY trades (symbol, price) FROM STDIN (FORMAT csv)");
    co_await to.write("TSLA,250.10\nTSLA,250.20\n"); // waits while the server is slower than we are
    co_await to.finish();

    std::string text;
    auto from = co_await db.copy_out_stream(
        "COPY (SELECT symbol, price FROM trades WHERE symbol = 'TSLA') TO STDOUT (FORMAT csv)");
    for (auto piece = co_await from.read(); !piece.empty(); piece = co_await from.read())
        text += piece;
    co_return text;
}
// [/csv]

// [listen]
asio::awaitable<std::string> listening(pg::connection& connection, pg::session& elsewhere)
{
    auto feed = co_await connection.listen("orders");
    co_await elsewhere.notify("orders", "42 filled");
    auto heard = co_await feed.next();
    co_return heard.payload; // and heard.missed says what a full queue had to drop before it
}
// [/listen]

// [trace]
class slow_queries final : public pg::tracer {
public:
    void on_query_end(const pg::query_trace& query) noexcept override
    {
        slow += query.duration > limit ? 1 : 0; // query.label, query.text, query.rows, query.error_code
    }

    std::chrono::milliseconds limit{100};
    int slow = 0;
};

asio::awaitable<void> traced(std::string dsn)
{
    auto watcher = std::make_shared<slow_queries>();
    auto options = pg::connect_options::parse(dsn);
    options.trace = watcher;
    auto connection = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    co_await connection->execute("SELECT pg_sleep(0.11)");
    EXPECT_EQ(watcher->slow, 1);
}
// [/trace]

} // namespace driver_snippets

namespace {

using namespace driver_snippets;

TEST(driver_page, its_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run(R"(
        CREATE TABLE trades (id bigint GENERATED BY DEFAULT AS IDENTITY (START 100) PRIMARY KEY, symbol text NOT NULL, price numeric NOT NULL,
            note text, at timestamptz NOT NULL DEFAULT now());
        INSERT INTO trades (id, symbol, price) VALUES (1, 'AAPL', 190.10);
        CREATE TYPE mood AS ENUM ('happy', 'sad');
        CREATE TYPE address AS (street text, number int))");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        auto connection = co_await connect_safely(scratch.dsn());
        EXPECT_EQ(co_await connection->fetchval<std::string>("SHOW application_name"), "risk");
        EXPECT_TRUE(with_rotating_password({}).provide_password);
        co_await verbs(*connection);
        co_await types(*connection);
        EXPECT_EQ(co_await errors(*connection), "trades_pkey");
        co_await limits(*connection);
        co_await one_round_trip(*connection);
        co_await many(*connection);
        EXPECT_EQ(co_await slices(*connection), 6U);
        EXPECT_EQ(co_await csv(*connection), "TSLA,250.10\nTSLA,250.20\n");
        auto other = co_await connect_safely(scratch.dsn());
        EXPECT_EQ(co_await listening(*connection, *other), "42 filled");
        co_await traced(scratch.dsn());
    });
}

} // namespace
