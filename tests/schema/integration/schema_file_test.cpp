// SPDX-License-Identifier: Apache-2.0
#include "schema/checksum.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/schema/schema_file.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace tradecore::schema {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

template <class E, class T>
asio::awaitable<std::optional<E>> thrown_by(asio::awaitable<T> work)
{
    std::optional<E> caught;
    try {
        static_cast<void>(co_await std::move(work));
    }
    catch (const E& error) {
        caught = error;
    }
    co_return caught;
}

class SchemaFile : public ::testing::Test {
protected:
    [[nodiscard]] database_options options() const
    {
        database_options wanted;
        wanted.name = "main";
        wanted.connect = pg::connect_options::parse(scratch_.dsn());
        wanted.pool = {.minimum = 0, .maximum = 2};
        return wanted;
    }

    /// Runs a test body with so many workers, each with a pool of its own.
    template <class Body>
    void with_workers(std::size_t count, Body body)
    {
        test::run([&]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            std::vector<database> workers;
            for (std::size_t i = 0; i < count; ++i) {
                workers.emplace_back(executor, options());
                co_await workers.back().open();
            }
            co_await body(workers);
            for (auto& each : workers) {
                co_await each.close();
            }
        });
    }

    std::string run(const std::string& sql) const { return scratch_.run(sql); }

    /// @returns a session that has the lock of tradecore.sql.
    [[nodiscard]] std::unique_ptr<PGconn, decltype(&PQfinish)> lock() const
    {
        std::unique_ptr<PGconn, decltype(&PQfinish)> holder(PQconnectdb(scratch_.dsn().c_str()), &PQfinish);
        PQclear(PQexec(holder.get(), "SELECT pg_advisory_lock(hashtextextended('schema_init_main_tradecore.sql', 0))"));
        return holder;
    }

private:
    test::scratch_database scratch_{"schema"};
};

// Fails when it is run twice: the table is there then.
constexpr auto text = "CREATE TABLE things (n int); INSERT INTO things VALUES (1); SELECT pg_sleep(0.05);";

TEST_F(SchemaFile, IsAppliedByOneOfManyWorkersAndSkippedByTheOthers)
{
    with_workers(8, [this](std::vector<database>& workers) -> asio::awaitable<void> {
        std::vector<asio::awaitable<schema_outcome>> all;
        all.reserve(workers.size());
        for (auto& each : workers) {
            all.push_back(run_schema(each, "tradecore.sql", text, {.retry_every = 5ms}));
        }
        const auto outcomes = co_await when_all(std::move(all));
        EXPECT_EQ(std::ranges::count(outcomes, schema_outcome::applied), 1);
        EXPECT_EQ(std::ranges::count(outcomes, schema_outcome::skipped), 7);
        EXPECT_EQ(run("SELECT count(*) FROM things"), "1");
        EXPECT_EQ(run("SELECT name || ' ' || checksum FROM tradecore_schema"), "tradecore.sql " + sha256(text));
        const auto later = co_await run_schema(workers.front(), "tradecore.sql", text);
        EXPECT_EQ(later, schema_outcome::skipped);
    });
}

TEST_F(SchemaFile, LeavesNothingWhenItFails)
{
    with_workers(1, [this](std::vector<database>& workers) -> asio::awaitable<void> {
        const auto refused = co_await thrown_by<undefined_table>(
            run_schema(workers.front(), "bad.sql", "CREATE TABLE things (n int); SELECT * FROM nowhere;"));
        EXPECT_TRUE(refused);
        EXPECT_EQ(run("SELECT to_regclass('things')"), "");
        EXPECT_EQ(run("SELECT count(*) FROM tradecore_schema"), "0");
        const auto mended = co_await run_schema(workers.front(), "bad.sql", "CREATE TABLE things (n int);");
        EXPECT_EQ(mended, schema_outcome::applied);
    });
}

TEST_F(SchemaFile, IsRefusedWhenItChanged)
{
    with_workers(1, [this](std::vector<database>& workers) -> asio::awaitable<void> {
        const std::string changed = "DROP TABLE things; CREATE TABLE things (m int);";
        co_await run_schema(workers.front(), "tradecore.sql", text);
        const auto refused = co_await thrown_by<schema_changed>(run_schema(workers.front(), "tradecore.sql", changed));
        EXPECT_TRUE(refused);
        if (refused) {
            EXPECT_EQ(refused->name(), "tradecore.sql");
            EXPECT_EQ(refused->recorded_checksum(), sha256(text));
            EXPECT_EQ(refused->found_checksum(), sha256(changed));
            const std::string said = refused->what();
            EXPECT_NE(said.find("migrate"), std::string::npos) << said;
            EXPECT_NE(said.find("--recreate"), std::string::npos) << said;
        }
        EXPECT_EQ(run("SELECT n FROM things"), "1") << "what was there is there";
        const auto other = co_await run_schema(workers.front(), "other.sql", "CREATE TABLE others (n int);");
        EXPECT_EQ(other, schema_outcome::applied) << "another name is another schema";
    });
}

TEST_F(SchemaFile, IsRunAgainOnceWhenItIsToBeRecreated)
{
    with_workers(4, [this](std::vector<database>& workers) -> asio::awaitable<void> {
        constexpr auto first = "CREATE TABLE things (n int);";
        constexpr auto second = "DROP TABLE things; CREATE TABLE things (n int);"
                                "INSERT INTO things SELECT count(*) FROM tradecore_schema "
                                "WHERE current_setting('tradecore.recreate', true) = 'on'; SELECT pg_sleep(0.05);";
        co_await run_schema(workers.front(), "tradecore.sql", first);
        // Who begins when another is done already recreates it again, so all of them begin before anybody may.
        const auto holder = lock();
        const observe::capture log;
        const auto let_go = [&]() -> asio::awaitable<std::monostate> {
            const std::string waits = "waiting for another worker that applies a schema";
            while (std::ranges::count(log.messages(), waits) < std::ssize(workers)) {
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            }
            PQclear(PQexec(holder.get(), "SELECT pg_advisory_unlock_all()"));
            co_return std::monostate();
        };
        std::vector<asio::awaitable<schema_outcome>> all;
        all.reserve(workers.size());
        for (auto& each : workers) {
            all.push_back(run_schema(each, "tradecore.sql", second, {.recreate = true, .retry_every = 5ms}));
        }
        const auto [outcomes, nothing] = co_await when_all(when_all(std::move(all)), let_go());
        EXPECT_EQ(std::ranges::count(outcomes, schema_outcome::applied), 1);
        EXPECT_EQ(run("SELECT n FROM things"), "1") << "the file can tell that it is recreated";
        const auto skipped = co_await run_schema(workers.front(), "tradecore.sql", second);
        EXPECT_EQ(skipped, schema_outcome::skipped);
        const auto again = co_await run_schema(workers.front(), "tradecore.sql", second, {.recreate = true});
        EXPECT_EQ(again, schema_outcome::applied);
        co_await run_schema(
            workers.front(), "setting.sql",
            "CREATE TABLE setting AS SELECT current_setting('tradecore.recreate', true) AS value;");
        EXPECT_EQ(run("SELECT value FROM setting"), "off");
    });
}

TEST_F(SchemaFile, GivesUpWhenAnotherSessionKeepsTheLock)
{
    const auto holder = lock();
    with_workers(1, [this, &holder](std::vector<database>& workers) -> asio::awaitable<void> {
        const auto gave_up = co_await thrown_by<schema_lock_timeout>(
            run_schema(workers.front(), "tradecore.sql", text, {.wait = 20ms, .retry_every = 5ms}));
        EXPECT_EQ(gave_up ? gave_up->key() : "", "schema_init_main_tradecore.sql");
        EXPECT_EQ(run("SELECT to_regclass('things')"), "");
        PQclear(PQexec(holder.get(), "SELECT pg_advisory_unlock_all()"));
        const auto applied = co_await run_schema(workers.front(), "tradecore.sql", text, {.wait = 0ms});
        EXPECT_EQ(applied, schema_outcome::applied);
    });
}

TEST_F(SchemaFile, IsRefusedInsideATransaction)
{
    with_workers(1, [](std::vector<database>& workers) -> asio::awaitable<void> {
        auto& db = workers.front();
        const auto body = [&]() -> asio::awaitable<void> { co_await run_schema(db, "tradecore.sql", text); };
        const auto refused = co_await thrown_by<std::logic_error>(db.transaction(body));
        EXPECT_TRUE(refused);
    });
}

TEST_F(SchemaFile, IsNamedAfterTheFileWithoutItsFolder)
{
    const auto folder = std::filesystem::temp_directory_path() / ("tradecore-schema-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "some.sql") << text;
    with_workers(1, [&](std::vector<database>& workers) -> asio::awaitable<void> {
        const auto applied = co_await run_schema_from_file(workers.front(), folder / "some.sql");
        EXPECT_EQ(applied, schema_outcome::applied);
        EXPECT_EQ(run("SELECT name FROM tradecore_schema"), "some.sql");
        std::optional<std::filesystem::filesystem_error> missing;
        try {
            co_await run_schema_from_file(workers.front(), folder / "missing.sql");
        }
        catch (const std::filesystem::filesystem_error& error) {
            missing = error;
        }
        EXPECT_TRUE(missing && missing->path1().filename() == "missing.sql");
    });
    std::filesystem::remove_all(folder);
}

TEST_F(SchemaFile, AppliesAndRecreatesTheEventStore)
{
    with_workers(1, [this](std::vector<database>& workers) -> asio::awaitable<void> {
        const auto file = std::filesystem::path(TRADECORE_SOURCE_ROOT) / "database/event_store.sql";
        const auto applied = co_await run_schema_from_file(workers.front(), file);
        EXPECT_EQ(applied, schema_outcome::applied);
        const auto epoch = run("SELECT epoch FROM es.store");
        const auto recreated = co_await run_schema_from_file(workers.front(), file, {.recreate = true});
        EXPECT_EQ(recreated, schema_outcome::applied);
        EXPECT_NE(run("SELECT epoch FROM es.store"), epoch);
    });
}

} // namespace
} // namespace tradecore::schema
