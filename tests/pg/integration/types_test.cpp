// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/pg/connection.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/describe/class.hpp>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace types_test {

struct leg {
    std::string symbol;
    std::int32_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(leg, (), (symbol, quantity))

struct everything {
    std::int16_t small = 0;
    std::int32_t medium = 0;
    std::int64_t large = 0;
    float single = 0;
    double precise = 0;
    bool yes = false;
    std::string words;
    std::vector<std::byte> bytes;
    tradecore::uuid id{};
    tradecore::timestamptz at;
    tradecore::pg::numeric price;
    leg part;
    std::vector<std::optional<std::string>> tags;
    std::vector<tradecore::pg::numeric> prices;
    std::optional<std::int32_t> nothing;
};
BOOST_DESCRIBE_STRUCT(
    everything, (),
    (small, medium, large, single, precise, yes, words, bytes, id, at, price, part, tags, prices, nothing))

} // namespace types_test

namespace {

using namespace tradecore;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::run;
using types_test::everything;
using types_test::leg;

asio::awaitable<std::unique_ptr<pg::connection>> connect()
{
    const auto executor = co_await asio::this_coro::executor;
    co_return co_await pg::connection::connect(executor, pg::connect_options::parse(test::dsn()));
}

TEST(types, go_into_columns_and_come_back_unchanged)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        (void)co_await db->execute(
            "CREATE TEMP TABLE everything (small smallint, medium int, large bigint, single real, precise float8, yes "
            "bool, words varchar(20), bytes bytea, id uuid, at timestamptz, price numeric(20,4), part jsonb, tags "
            "text[], prices numeric[], nothing int)");
        const auto at = timestamptz(1'706'702'400'500'001us);
        uuid id{};
        id.data[3] = 7;
        const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
        const std::vector<std::optional<std::string>> tags = {"a\"b", std::nullopt, "", "NULL"};
        const std::vector<pg::numeric> prices = {pg::numeric::from_string("1.50"), pg::numeric::nan()};
        const auto tag = co_await db->execute(
            "INSERT INTO everything VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)", 7,
            std::int64_t{-8}, std::numeric_limits<std::int64_t>::min(), 1.5, 0.1, true, "w\xc3\xb6rds", bytes, id, at,
            pg::numeric::from_string("12.3400"), leg{"AAPL", 3}, tags, prices, std::nullopt);
        EXPECT_EQ(tag.rows_affected(), 1U);
        const auto row = (co_await db->fetch<everything>("SELECT * FROM everything")).at(0);
        EXPECT_EQ(row.small, 7);
        EXPECT_EQ(row.medium, -8);
        EXPECT_EQ(row.large, std::numeric_limits<std::int64_t>::min());
        EXPECT_EQ(row.single, 1.5F);
        EXPECT_EQ(row.precise, 0.1);
        EXPECT_TRUE(row.yes);
        EXPECT_EQ(row.words, "w\xc3\xb6rds");
        EXPECT_EQ(row.bytes, bytes);
        EXPECT_EQ(row.id, id);
        EXPECT_EQ(row.at, at);
        EXPECT_EQ(row.price.to_string(), "12.3400");
        EXPECT_EQ(row.part.symbol, "AAPL");
        EXPECT_EQ(row.tags, tags);
        EXPECT_EQ(row.prices, prices);
        EXPECT_EQ(row.nothing, std::nullopt);
    });
}

TEST(types, are_converted_to_what_the_server_expects)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ((co_await db->fetchval<pg::numeric>("SELECT $1::numeric", 0.1)).to_string(), "0.1");
        EXPECT_EQ((co_await db->fetchval<pg::numeric>("SELECT $1::numeric", -70'001)).to_string(), "-70001");
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT ($1::date + 1)::text", "2024-02-28"), "2024-02-29");
        EXPECT_EQ(
            co_await db->fetchval<bool>("SELECT $1::jsonb = '{\"symbol\":\"X\",\"quantity\":1}'", leg{"X", 1}), true);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::json->>'symbol'", leg{"X", 1}), "X");
        EXPECT_EQ(
            co_await db->fetchval<std::string>("SELECT $1::text", uuid{}), "00000000-0000-0000-0000-000000000000");
        const std::vector<int> numbers = {3, 1, 2};
        EXPECT_EQ(
            (co_await db->fetch<std::int64_t>("SELECT u FROM unnest($1::bigint[]) u ORDER BY u", numbers)),
            (std::vector<std::int64_t>{1, 2, 3}));
        const std::vector<std::string> days = {"2024-02-28", "2023-02-28"};
        EXPECT_EQ(
            (co_await db->fetch<std::string>("SELECT (d + 1)::text FROM unnest($1::date[]) d", days)),
            (std::vector<std::string>{"2024-02-29", "2023-03-01"}));
        const std::string instant = "1970-01-01 00:00:00.000001+00";
        EXPECT_EQ(co_await db->fetchval<timestamptz>("SELECT $1::timestamptz", instant), timestamptz(1us));
    });
}

TEST(types, that_users_create_take_text)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        (void)co_await db->run_script(
            {"CREATE TYPE pg_temp.mood AS ENUM ('calm', 'wild');"
             "CREATE DOMAIN pg_temp.quantity AS bigint CHECK (VALUE > 0);",
             nullptr});
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::pg_temp.mood::text", "wild"), "wild");
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT $1::pg_temp.quantity", 42), 42);
        std::string constraint;
        try {
            (void)co_await db->fetchval<std::int64_t>("SELECT $1::pg_temp.quantity", -1);
        }
        catch (const check_violation& error) {
            constraint = error.diagnostics().constraint;
        }
        EXPECT_EQ(constraint, "quantity_check");
        const std::vector<std::string> moods = {"calm", "wild"};
        EXPECT_EQ(co_await db->fetchval<std::int32_t>("SELECT cardinality($1::pg_temp.mood[])", moods), 2);
    });
}

TEST(types, of_arguments_that_do_not_fit_are_refused_and_the_connection_serves_on)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        std::string message;
        try {
            (void)co_await db->execute("SELECT $1::smallint", 70'000);
        }
        catch (const argument_error& error) {
            message = error.what();
        }
        EXPECT_EQ(message, "argument $1: 70000 does not fit int2");
        message.clear();
        try {
            (void)co_await db->execute("SELECT $1::timestamp", now());
        }
        catch (const argument_error& error) {
            message = error.what();
        }
        EXPECT_NE(message.find("AT TIME ZONE"), std::string::npos) << message;
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
    });
}

TEST(types, that_only_the_server_reads_come_as_text)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto all = co_await db->fetchrow<std::tuple<
            std::string, std::string, std::string, std::string, std::string, std::string, std::uint32_t, std::string,
            std::vector<std::string>>>(
            "SELECT 'pg_class'::regclass, pg_typeof(1), 'now'::regproc, 'pg_catalog'::regnamespace, '(0,1)'::tid, "
            "'7'::cid, '7'::cid, 'mine'::refcursor, ARRAY['pg_class'::regclass, 'pg_type']");
        EXPECT_EQ(
            all.value(), std::tuple(
                             "pg_class", "integer", "now", "pg_catalog", "(0,1)", "7", 7U, "mine",
                             std::vector<std::string>{"pg_class", "pg_type"}));
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT pg_sleep(0)"), "");
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT $1::regclass::oid::int8", "pg_class"), 1259);
        EXPECT_FALSE((co_await db->fetchval<std::string>("SELECT pg_current_snapshot()")).empty());
    });
}

TEST(types, come_in_text_format_from_scripts_too)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto all = co_await db->run_script(
            {"SELECT true AS b, -7::int AS i, 0.1::float8 AS f, '1.500'::numeric AS n, '\\x00ff'::bytea AS y, "
             "'1970-01-01 00:00:00.000001+00'::timestamptz AS t, '{\"symbol\":\"X\",\"quantity\":1}'::jsonb AS j, "
             "ARRAY['a\"b', NULL, '', 'NULL'] AS a",
             nullptr});
        const auto row = all.at(0)[0];
        EXPECT_TRUE(row["b"].as<bool>());
        EXPECT_EQ(row["i"].as<std::int32_t>(), -7);
        EXPECT_EQ(row["f"].as<double>(), 0.1);
        EXPECT_EQ(row["n"].as<pg::numeric>().to_string(), "1.500");
        EXPECT_EQ(row["y"].as<std::vector<std::byte>>().size(), 2U);
        EXPECT_EQ(row["t"].as<timestamptz>(), timestamptz(1us));
        EXPECT_EQ(row["j"].as<leg>().quantity, 1);
        EXPECT_EQ(
            row["a"].as<std::vector<std::optional<std::string>>>(),
            (std::vector<std::optional<std::string>>{"a\"b", std::nullopt, "", "NULL"}));
    });
}

} // namespace
