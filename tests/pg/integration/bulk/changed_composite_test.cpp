// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <boost/describe/class.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace bulk_composite_test {

struct place {
    std::string street;
    int zip = 0;
    bool operator==(const place&) const = default;
};
BOOST_DESCRIBE_STRUCT(place, (), (street, zip))

struct longer_place {
    std::string street;
    int zip = 0;
    std::optional<std::string> country;
    bool operator==(const longer_place&) const = default;
};
BOOST_DESCRIBE_STRUCT(longer_place, (), (street, zip, country))

} // namespace bulk_composite_test

namespace {

using namespace tradecore;
using namespace tradecore::test;
using bulk_composite_test::longer_place;
using bulk_composite_test::place;

/// A composite type gets another attribute behind the back of a connection that knows it, and loses it again.
class changed_composite : public testing::TestWithParam<pg::prepared_statements> {
protected:
    changed_composite() { database_.run("CREATE TYPE place AS (street text, zip int); CREATE TABLE t (p place)"); }

    asio::awaitable<connection_ptr> connect()
    {
        auto options = pg::connect_options::parse(database_.dsn());
        options.prepared_statements = GetParam();
        co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    }
    void add_attribute() { database_.run("ALTER TYPE place ADD ATTRIBUTE country text CASCADE"); }
    void drop_attribute() { database_.run("ALTER TYPE place DROP ATTRIBUTE country CASCADE"); }

    test::scratch_database database_{"changed_composite"};
};

/// A row of one column, which holds a composite.
template <class T>
using row_of = std::tuple<T>;

template <class T>
asio::awaitable<std::vector<row_of<T>>> read_with_batch(connection_ptr on)
{
    pg::batch todo;
    const auto rows = todo.add_rows<row_of<T>>("SELECT p FROM t");
    auto answers = co_await on->run(std::move(todo));
    co_return answers.get(rows);
}

/// @param slice 1: it is not over when the first row is read.
template <class T, std::size_t slice>
asio::awaitable<std::vector<row_of<T>>> read_with_cursor(connection_ptr on)
{
    auto rows = co_await on->cursor<row_of<T>>(pg::cursor_options{.rows = slice}, "SELECT p FROM t");
    std::vector<row_of<T>> all;
    for (auto some = co_await rows.next(); !some.empty(); some = co_await rows.next())
        all.insert(all.end(), some.begin(), some.end());
    co_return all;
}

template <class T>
asio::awaitable<std::vector<row_of<T>>> read_with_copy(connection_ptr on)
{
    auto rows = co_await on->copy_out<row_of<T>>("SELECT p FROM t");
    std::vector<row_of<T>> all;
    for (auto some = co_await rows.next(); !some.empty(); some = co_await rows.next())
        all.insert(all.end(), some.begin(), some.end());
    co_return all;
}

TEST_P(changed_composite, is_read_as_it_is_now)
{
    run([this]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        database_.run("INSERT INTO t VALUES ('(x,1)'), ('(y,2)')");
        const std::vector<row_of<place>> short_ones{place{"x", 1}, place{"y", 2}};
        const std::vector<row_of<longer_place>> longer_ones{
            longer_place{"x", 1, std::nullopt}, longer_place{"y", 2, std::nullopt}};
        const auto read_all = [&](auto with, const auto& expected) -> asio::awaitable<void> {
            EXPECT_EQ(co_await with(db), expected);
        };
        for (const bool in_transaction : {false, true}) {
            const auto check = [&](auto read_short, auto read_longer) -> asio::awaitable<void> {
                co_await read_all(read_short, short_ones);
                add_attribute();
                if (in_transaction)
                    co_await db->execute("BEGIN");
                co_await read_all(read_longer, longer_ones);
                if (in_transaction)
                    co_await db->execute("COMMIT");
                drop_attribute();
                co_await read_all(read_short, short_ones);
            };
            co_await check(read_with_batch<place>, read_with_batch<longer_place>);
            co_await check(read_with_cursor<place, 1>, read_with_cursor<longer_place, 1>);
            co_await check(read_with_cursor<place, 9>, read_with_cursor<longer_place, 9>);
            co_await check(read_with_copy<place>, read_with_copy<longer_place>);
        }
        co_await expect_usable(db);
    });
}

template <class T>
asio::awaitable<void> write_with_batch(connection_ptr on, T value)
{
    pg::batch todo;
    (void)todo.add_execute("INSERT INTO t VALUES ($1)", value);
    (co_await on->run(std::move(todo))).require_success();
}

template <class T>
asio::awaitable<void> write_with_many(connection_ptr on, T value)
{
    EXPECT_EQ(co_await on->execute_many("INSERT INTO t VALUES ($1)", std::vector{std::tuple(value)}), 1U);
}

template <class T>
asio::awaitable<void> write_with_cursor(connection_ptr on, T value)
{
    auto rows = co_await on->cursor<row_of<T>>("INSERT INTO t VALUES ($1) RETURNING p", value);
    EXPECT_EQ(co_await rows.next(), std::vector{std::tuple(value)});
    EXPECT_TRUE((co_await rows.next()).empty());
}

template <class T>
asio::awaitable<void> write_with_copy(connection_ptr on, T value)
{
    EXPECT_EQ(co_await on->copy_in("t", {"p"}, std::vector{std::tuple(value)}), 1U);
}

TEST_P(changed_composite, is_written_as_it_is_now)
{
    run([this]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const place short_one{"x", 1};
        const longer_place longer_one{"x", 1, "CH"};
        const auto check = [&](auto write_short, auto write_longer) -> asio::awaitable<void> {
            co_await write_short(db, short_one);
            add_attribute();
            co_await write_longer(db, longer_one);
            EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT count(*) FROM t WHERE (p).zip = 1"), 2);
            drop_attribute();
            co_await write_short(db, short_one);
            database_.run("TRUNCATE t");
        };
        co_await check(write_with_batch<place>, write_with_batch<longer_place>);
        co_await check(write_with_many<place>, write_with_many<longer_place>);
        co_await check(write_with_cursor<place>, write_with_cursor<longer_place>);
        co_await check(write_with_copy<place>, write_with_copy<longer_place>);
        co_await expect_usable(db);
    });
}

/// Anonymous records may hold anything, also types that nobody has met before.
TEST_P(changed_composite, is_known_in_anonymous_records)
{
    run([this]() -> asio::awaitable<void> {
        using record = row_of<std::tuple<int, place>>;
        const std::vector<record> expected{std::tuple(std::tuple(7, place{"x", 1}))};
        for (int verb = 0; verb < 2; ++verb) {
            const auto db = co_await connect();
            if (verb == 0) {
                pg::batch todo;
                const auto rows = todo.add_rows<record>("SELECT ROW(7, '(x,1)'::place)");
                auto answers = co_await db->run(std::move(todo));
                EXPECT_EQ(answers.get(rows), expected);
            }
            else {
                auto rows = co_await db->cursor<record>("SELECT ROW(7, '(x,1)'::place)");
                EXPECT_EQ(co_await rows.next(), expected);
                EXPECT_TRUE((co_await rows.next()).empty());
            }
        }
    });
}

INSTANTIATE_TEST_SUITE_P(
    with_and_without_names, changed_composite,
    testing::Values(pg::prepared_statements::named, pg::prepared_statements::unnamed),
    [](const auto& tested) { return tested.param == pg::prepared_statements::named ? "named" : "unnamed"; });

} // namespace
