// SPDX-License-Identifier: Apache-2.0
// The code of docs/driver.md, run against a real server.
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/trace.hpp>
#include <tradecore/pg/types.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/describe.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
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

// [transaction]
asio::awaitable<void> rename(pg::connection& connection, std::int64_t id, std::string symbol)
{
    co_await connection.execute("BEGIN");
    std::exception_ptr failed;
    try {
        co_await connection.execute("UPDATE trades SET symbol = $1 WHERE id = $2", symbol, id);
    }
    catch (...) { // nothing can be awaited in here
        failed = std::current_exception();
    }
    if (failed) {
        co_await connection.execute("ROLLBACK");
        std::rethrow_exception(failed);
    }
    co_await connection.execute("COMMIT");
}
// [/transaction]

// [failed]
asio::awaitable<bool> swallowed(pg::connection& connection)
{
    co_await connection.execute("BEGIN");
    try {
        co_await connection.execute("INSERT INTO trades (id, symbol, price) VALUES (1, 'AAPL', 1)");
    }
    catch (const tradecore::unique_violation&) {
    }
    EXPECT_EQ(connection.status(), pg::transaction_status::failed);
    auto end = co_await connection.execute("COMMIT"); // no error,
    co_return end.text() == "COMMIT";                 // but the tag says ROLLBACK
}
// [/failed]

// [script]
asio::awaitable<std::int64_t> script(pg::connection& connection)
{
    auto answers = co_await connection.run_script("CREATE TEMP TABLE seen (id int8);"
                                                  "INSERT INTO seen VALUES (1), (2);"
                                                  "SELECT count(*) AS n FROM seen");
    co_return answers.back()[0]["n"].as<std::int64_t>(); // one result for each statement
}
// [/script]

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
    pg::statement slow{
        .sql = tradecore::sql<double>("SELECT pg_sleep($1)").text(),
        .arguments = pg::parameters::encode(60.0),
        .options = {.timeout = 50ms}};
    try {
        co_await connection.run(std::move(slow)); // the result, as fetch has it without a type
    }
    catch (const tradecore::timeout_error&) {
        // The server was asked to stop and has said that it did.
    }
    EXPECT_TRUE(connection.is_open());
    EXPECT_EQ(co_await connection.fetchval<std::int32_t>("SELECT 1"), 1);
}
// [/limits]

// [with]
asio::awaitable<std::int64_t> limited(tradecore::database& db)
{
    co_return co_await db.with({.timeout = 10s}).fetchval<std::int64_t>("SELECT count(*) FROM trades");
}
// [/with]

// [either]
asio::awaitable<void> either(pg::connection& connection)
{
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer(co_await asio::this_coro::executor, 50ms);
    auto first = co_await (connection.execute("SELECT pg_sleep(60)") || timer.async_wait(asio::use_awaitable));
    EXPECT_EQ(first.index(), 1U); // the timer
    EXPECT_EQ(co_await connection.fetchval<std::int32_t>("SELECT 1"), 1);
}
// [/either]

// [signal]
asio::awaitable<void> signalled(pg::connection& connection)
{
    auto executor = co_await asio::this_coro::executor;
    asio::cancellation_signal stop;
    asio::steady_timer timer(executor, 50ms);
    timer.async_wait([&](boost::system::error_code) { stop.emit(asio::cancellation_type::terminal); });
    try {
        co_await asio::co_spawn(
            executor, connection.execute("SELECT pg_sleep(60)"),
            asio::bind_cancellation_slot(stop.slot(), asio::use_awaitable));
    }
    catch (const boost::system::system_error& given_up) { // not a pg::error
        EXPECT_EQ(given_up.code(), asio::error::operation_aborted);
    }
    EXPECT_EQ(co_await connection.fetchval<std::int32_t>("SELECT 1"), 1);
}
// [/signal]

// [lost]
asio::awaitable<std::int64_t> count_again(std::unique_ptr<pg::connection>& connection, std::string dsn)
{
    try {
        co_return co_await connection->fetchval<std::int64_t>("SELECT count(*) FROM trades");
    }
    catch (const pg::error&) {
        if (connection->is_open())
            throw; // the statement's own error
    }
    connection = co_await connect_safely(dsn);
    co_return co_await connection->fetchval<std::int64_t>("SELECT count(*) FROM trades");
}
// [/lost]

// [blocking]
template <class T>
T wait_for(asio::io_context& context, asio::awaitable<T> work)
{
    context.restart();
    auto answer = asio::co_spawn(context, std::move(work), asio::use_future);
    while (answer.wait_for(0s) != std::future_status::ready)
        context.run_one(); // run() would not return: the open connection is work
    return answer.get();
}

std::int64_t count_trades(const std::string& dsn)
{
    asio::io_context context;
    auto connection =
        wait_for(context, pg::connection::connect(context.get_executor(), pg::connect_options::parse(dsn)));
    return wait_for(context, connection->fetchval<std::int64_t>("SELECT count(*) FROM trades"));
}
// [/blocking]

// [notices]
asio::awaitable<void> notices(pg::connection& connection)
{
    std::vector<std::string> heard;
    connection.on_notice([&](const pg::diagnostics& notice) { heard.push_back(notice.message); });
    co_await connection.execute("DO $$ BEGIN RAISE NOTICE 'half way'; END $$");
    connection.on_notice({}); // heard dies with this function
    EXPECT_EQ(heard, std::vector<std::string>{"half way"});

    EXPECT_EQ(connection.parameter("client_encoding"), "UTF8"); // on_parameter: when one changes
}
// [/notices]

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

// [cursor-in-transaction]
asio::awaitable<void> mark_all(pg::connection& connection)
{
    co_await connection.execute("BEGIN"); // without it, the UPDATE below would wait for ever
    auto cursor = co_await connection.cursor<std::int64_t>("SELECT id FROM trades");
    for (auto slice = co_await cursor.next(); !slice.empty(); slice = co_await cursor.next())
        co_await connection.execute("UPDATE trades SET note = 'seen' WHERE id = ANY($1)", slice);
    co_await connection.execute("COMMIT");
}
// [/cursor-in-transaction]

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

TEST(driver_page, its_code_about_whole_connections_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run(R"(
        CREATE TABLE trades (id bigint PRIMARY KEY, symbol text NOT NULL, price numeric NOT NULL, note text);
        INSERT INTO trades VALUES (1, 'FB', 190.10), (2, 'MSFT', 411.25))");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        auto connection = co_await connect_safely(scratch.dsn());
        co_await rename(*connection, 1, "META");
        EXPECT_THROW(co_await rename(*connection, 1, std::string(1, '\xff')), pg::error);
        EXPECT_EQ(connection->status(), pg::transaction_status::idle);
        EXPECT_FALSE(co_await swallowed(*connection));
        EXPECT_EQ(co_await script(*connection), 2);
        co_await either(*connection);
        co_await signalled(*connection);
        co_await notices(*connection);
        co_await mark_all(*connection);

        auto killer = co_await connect_safely(scratch.dsn());
        const auto before = connection->backend_pid();
        co_await killer->execute("SELECT pg_terminate_backend($1, 10000)", before); // returns when it is gone
        EXPECT_EQ(co_await count_again(connection, scratch.dsn()), 2);
        EXPECT_NE(connection->backend_pid(), before);

        tradecore::database_options options;
        options.connect = pg::connect_options::parse(scratch.dsn());
        options.pool = {.minimum = 1, .maximum = 1};
        tradecore::database db(co_await asio::this_coro::executor, options);
        co_await db.open();
        EXPECT_EQ(co_await limited(db), 2);
        EXPECT_EQ((co_await db.run_script("SELECT 1; SELECT 2")).size(), 2U);
        co_await db.close();
    });
    EXPECT_EQ(
        scratch.run("SELECT string_agg(symbol || ' ' || note, ', ' ORDER BY id) FROM trades"), "META seen, MSFT seen");
    EXPECT_EQ(count_trades(scratch.dsn()), 2);
}

TEST(driver_page, an_open_connection_is_work_for_its_context)
{
    const tradecore::test::scratch_database scratch;
    asio::io_context context;
    auto connection =
        wait_for(context, pg::connection::connect(context.get_executor(), pg::connect_options::parse(scratch.dsn())));
    context.poll();
    EXPECT_FALSE(context.stopped());
    connection->close();
    context.run();
    EXPECT_TRUE(context.stopped());
}

} // namespace
