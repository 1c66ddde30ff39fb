// SPDX-License-Identifier: Apache-2.0
#include "bulk/support.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;

asio::awaitable<std::uint64_t> real_id(pg::connection& db)
{
    co_return static_cast<std::uint64_t>(
        co_await db.fetchval<std::int64_t>("SELECT pg_current_xact_id_if_assigned()::text::bigint"));
}

/// Begins a transaction, runs `work` and expects that the id is known behind it.
asio::awaitable<void> expect_known(pg::connection& db, std::function<asio::awaitable<void>()> work)
{
    co_await db.run_script("BEGIN");
    db.ask_for_transaction_id(true);
    co_await work();
    const auto known = db.transaction_id();
    db.ask_for_transaction_id(false);
    EXPECT_EQ(known, co_await real_id(db));
    EXPECT_NE(known.value_or(0), 0U);
    co_await db.run_script("ROLLBACK");
}

class transaction_id : public testing::TestWithParam<pg::prepared_statements> {};

TEST_P(transaction_id, is_known_behind_every_verb_that_writes)
{
    auto options = pg::connect_options::parse(dsn());
    options.prepared_statements = GetParam();
    run([&]() -> asio::awaitable<void> {
        const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        co_await db->run_script("CREATE TEMP TABLE t (id bigint, note text)");
        const std::vector<std::int64_t> ids{1, 2, 3};
        for (int round = 0; round < 2; ++round) {
            co_await expect_known(
                *db, [&]() -> asio::awaitable<void> { co_await db->execute("INSERT INTO t VALUES (1)"); });
            co_await expect_known(*db, [&]() -> asio::awaitable<void> {
                (void)co_await db->execute_many("INSERT INTO t VALUES ($1)", ids);
            });
            for (const auto mode : {pg::batch_mode::one_transaction, pg::batch_mode::each_alone}) {
                co_await expect_known(*db, [&]() -> asio::awaitable<void> {
                    pg::batch todo(mode);
                    (void)todo.add<std::int32_t>("SELECT 1");
                    (void)todo.add_execute("INSERT INTO t VALUES (2)");
                    const auto answers = co_await db->run(std::move(todo));
                    answers.require_success();
                    EXPECT_EQ(answers.size(), 2U);
                    EXPECT_EQ(answers.tag(1), "INSERT 0 1");
                });
            }
            co_await expect_known(
                *db, [&]() -> asio::awaitable<void> { (void)co_await db->copy_in(pg::table_name("t"), {"id"}, ids); });
            co_await expect_known(*db, [&]() -> asio::awaitable<void> {
                auto rows = co_await db->copy_out<std::int64_t>("INSERT INTO t VALUES (7) RETURNING id");
                while (!(co_await rows.next()).empty()) {
                }
            });
            co_await expect_known(*db, [&]() -> asio::awaitable<void> {
                auto rows = co_await db->cursor<std::int64_t>(
                    pg::cursor_options{.rows = 2}, "INSERT INTO t SELECT generate_series(1, 5) RETURNING id");
                while (!(co_await rows.next()).empty()) {
                }
            });
        }
    });
}

TEST_P(transaction_id, is_asked_for_until_there_is_one)
{
    auto options = pg::connect_options::parse(dsn());
    options.prepared_statements = GetParam();
    run([&]() -> asio::awaitable<void> {
        const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        co_await db->run_script("CREATE TEMP TABLE t (id bigint)");
        co_await db->run_script("BEGIN");
        db->ask_for_transaction_id(true);
        EXPECT_EQ(db->transaction_id(), std::nullopt);
        EXPECT_EQ(co_await db->fetchval<std::int32_t>("SELECT 1"), 1);
        EXPECT_EQ(db->transaction_id(), 0U);
        // What goes without the question leaves it open.
        co_await db->execute("DEALLOCATE ALL");
        EXPECT_EQ(db->transaction_id(), std::nullopt);
        co_await db->execute("SAVEPOINT s");
        EXPECT_EQ(db->transaction_id(), 0U);
        co_await db->execute("INSERT INTO t VALUES (1)");
        const auto known = db->transaction_id();
        EXPECT_NE(known.value_or(0), 0U);
        // The id is that of the whole, whichever part has written.
        co_await db->execute("ROLLBACK TO SAVEPOINT s");
        co_await db->execute("INSERT INTO t VALUES (2)");
        EXPECT_EQ(db->transaction_id(), known);
        EXPECT_EQ(known, co_await real_id(*db));
        co_await db->run_script("COMMIT");
        EXPECT_EQ(db->transaction_id(), known);
        EXPECT_EQ(
            co_await db->fetchval<std::string>(
                "SELECT pg_xact_status($1::text::xid8)", std::to_string(known.value_or(0))),
            "committed");
    });
}

TEST_P(transaction_id, is_not_known_behind_what_failed)
{
    auto options = pg::connect_options::parse(dsn());
    options.prepared_statements = GetParam();
    run([&]() -> asio::awaitable<void> {
        const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        co_await db->run_script("CREATE TEMP TABLE t (id bigint PRIMARY KEY); INSERT INTO t VALUES (1)");
        co_await db->run_script("BEGIN; SAVEPOINT s");
        db->ask_for_transaction_id(true);
        EXPECT_EQ(co_await db->fetchval<std::int32_t>("SELECT 1"), 1);
        EXPECT_EQ(db->transaction_id(), 0U);
        bool failed = false;
        try {
            co_await db->execute("INSERT INTO t VALUES (1)");
        }
        catch (const pg::unique_violation&) {
            failed = true;
        }
        EXPECT_TRUE(failed);
        EXPECT_EQ(db->transaction_id(), std::nullopt);
        co_await db->run_script("ROLLBACK TO SAVEPOINT s");
        EXPECT_EQ(co_await db->fetchval<std::int32_t>("SELECT 1"), 1);
        EXPECT_NE(db->transaction_id().value_or(0), 0U);
        co_await db->run_script("ROLLBACK");
    });
}

INSTANTIATE_TEST_SUITE_P(
    each_way, transaction_id, testing::Values(pg::prepared_statements::named, pg::prepared_statements::unnamed),
    [](const auto& how) { return how.param == pg::prepared_statements::named ? "named" : "unnamed"; });

} // namespace
