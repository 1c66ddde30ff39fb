// SPDX-License-Identifier: Apache-2.0
#include "db/support/recording_tracer.hpp"
#include "support/errors.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/db/trace.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using test::error_of;
using test::recording_tracer;
using testing::EndsWith;

/// A database on a real server that writes traces into its statements, over one connection.
struct commented_database {
    std::shared_ptr<recording_tracer> tracer = std::make_shared<recording_tracer>();
    database_options options;

    explicit commented_database(const std::string& dsn)
    {
        options.connect = pg::connect_options::parse(dsn);
        options.pool = {.minimum = 1, .maximum = 1};
        options.pool.exhaustion_threshold = 1;
        options.tracer = tracer;
        options.propagate_trace = trace_propagation::sql_comment;
    }
    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options);
            co_await main.open();
            co_await body(main);
            co_await main.close();
        });
        for (const auto& each : tracer->spans())
            EXPECT_EQ(each.ends, 1) << each.name;
    }
    /// @returns the comment of the span of that name.
    [[nodiscard]] std::string comment_of(const std::string& span) const
    {
        return "/*traceparent='" + to_traceparent(tracer->named(span).context) + "'*/";
    }
};

/// What the server shows of a statement while it runs.
asio::awaitable<std::string> activity_of_itself(database& on, std::string_view name)
{
    return on.with({.only_reads = true, .name = name})
        .fetchval<std::string>("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()");
}

TEST(trace_comment, is_seen_in_the_activity_of_the_server)
{
    commented_database one(test::dsn());
    one.run([&](database& main) -> asio::awaitable<void> {
        for (const std::string_view name : {"first", "second"}) {
            const auto shown = co_await activity_of_itself(main, name);
            EXPECT_EQ(
                shown,
                "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() " + one.comment_of(std::string(name)));
        }
        const auto body = [&]() -> asio::awaitable<void> {
            const auto shown = co_await activity_of_itself(main, "third");
            EXPECT_THAT(shown, EndsWith(one.comment_of("third")));
        };
        co_await main.transaction(body, {.name = "pay"});
    });
    EXPECT_EQ(one.tracer->named("third").parent, one.tracer->named("pay").context);
    EXPECT_EQ(one.tracer->tree(), "first, second, pay(acquire connection, third)");
}

TEST(trace_comment, is_seen_behind_a_pooler)
{
    const test::pgbouncer pooler;
    commented_database one(pooler.dsn());
    one.options.connect.prepared_statements = pg::prepared_statements::unnamed;
    one.run([&](database& main) -> asio::awaitable<void> {
        for (const std::string_view name : {"first", "second"}) {
            const auto shown = co_await activity_of_itself(main, name);
            EXPECT_THAT(shown, EndsWith(one.comment_of(std::string(name))));
        }
    });
}

TEST(trace_comment, leaves_no_statement_behind)
{
    commented_database one(test::dsn());
    one.options.connect.statement_cache_size = 4;
    one.run([&](database& main) -> asio::awaitable<void> {
        const auto kept = [&]() -> asio::awaitable<std::string> {
            return main.fetchval<std::string>(
                "SELECT string_agg(statement, ' | ' ORDER BY statement) FROM pg_prepared_statements");
        };
        EXPECT_EQ(co_await main.fetchval<int>("SELECT $1 + 1", 1), 2);
        const auto before = co_await kept();
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(co_await main.fetchval<int>("SELECT $1 + 1", i), i + 1);
        EXPECT_EQ(co_await kept(), before);
        EXPECT_EQ(
            before,
            "SELECT $1 + 1 | SELECT string_agg(statement, ' | ' ORDER BY statement) FROM pg_prepared_statements");
        // What is not sampled is run by the statement that is kept.
        one.tracer->flags = 0;
        EXPECT_EQ(co_await main.fetchval<int>("SELECT $1 + 1", 41), 42);
        EXPECT_EQ(co_await kept(), before);
    });
}

TEST(trace_comment, does_not_change_what_a_statement_means)
{
    const test::scratch_database scratch("commented");
    scratch.run("CREATE TABLE a (b int PRIMARY KEY, c text)");
    commented_database one(scratch.dsn());
    one.run([](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(co_await main.fetchval<int>("SELECT 1 -- x"), 1);
        EXPECT_EQ(co_await main.fetchval<int>("SELECT 2;"), 2);
        EXPECT_EQ(co_await main.fetchval<int>("SELECT 3; -- x"), 3);
        EXPECT_EQ(co_await main.fetchval<int>("SELECT 4 /* a /* b */ */"), 4);
        EXPECT_EQ(co_await main.fetchval<std::string>("SELECT '--' || $1", std::string("'")), "--'");
        (void)co_await main.execute("INSERT INTO a SELECT n, n::text FROM generate_series(1, 3) AS n");
        // Of another type than is remembered, first of a column and then of a parameter.
        EXPECT_EQ(co_await main.fetchval<std::string>("SELECT c FROM a WHERE b = $1", 1), "1");
        co_await main.run_script("ALTER TABLE a ALTER b TYPE bigint");
        EXPECT_EQ(co_await main.fetchval<std::string>("SELECT c FROM a WHERE b = $1", 2), "2");
        co_await main.run_script("ALTER TABLE a ALTER b TYPE text");
        EXPECT_EQ(co_await main.fetchval<std::string>("SELECT c FROM a WHERE b = $1", std::string("3")), "3");
    });
}

TEST(trace_comment, does_not_change_what_is_wrong_with_a_statement)
{
    for (const auto how : {trace_propagation::none, trace_propagation::sql_comment}) {
        commented_database one(test::dsn());
        one.options.propagate_trace = how;
        one.run([](database& main) -> asio::awaitable<void> {
            const auto told = [](const std::exception_ptr& error) -> std::string {
                try {
                    if (error)
                        std::rethrow_exception(error);
                }
                catch (const pg::server_error& e) {
                    return e.diagnostics().message + " at " + e.diagnostics().position;
                }
                return "nothing";
            };
            const auto executed = [&](std::string sql) -> asio::awaitable<std::string> {
                co_return told(co_await error_of(main.execute(runtime_sql(std::move(sql)))));
            };
            const auto scripted = [&](std::string sql) -> asio::awaitable<std::string> {
                co_return told(co_await error_of(main.run_script(runtime_sql(std::move(sql)))));
            };
            EXPECT_EQ(co_await executed("SELECT 1 +"), "syntax error at end of input at 11");
            EXPECT_EQ(co_await executed("SELECT é"), "column \"é\" does not exist at 8");
            EXPECT_EQ(co_await executed("SELECT 'a"), "unterminated quoted string at or near \"'a\" at 8");
            EXPECT_EQ(co_await scripted("SELECT 'é' +"), "syntax error at end of input at 13");
            EXPECT_EQ(co_await scripted("SELECT 1 /* a"), "unterminated /* comment at or near \"/* a\" at 10");
            EXPECT_EQ(co_await scripted("SELECT 1; SELECT 'a"), "unterminated quoted string at or near \"'a\" at 18");
            const auto copied = [&]() -> asio::awaitable<void> { (void)co_await main.copy_in_stream("COPY a FROM"); };
            EXPECT_EQ(told(co_await error_of(copied())), "syntax error at end of input at 12");
        });
    }
}

TEST(trace_comment, is_on_batches_many_cursors_copies_and_scripts)
{
    const test::scratch_database scratch("commented");
    scratch.run("CREATE TABLE seen (id int PRIMARY KEY, by text DEFAULT current_query())");
    commented_database one(scratch.dsn());
    one.run([&](database& main) -> asio::awaitable<void> {
        pg::batch batch;
        batch.options.name = "batch";
        for (const int id : {1, 2})
            batch.add_execute("INSERT INTO seen (id) VALUES ($1)", id);
        const auto current = batch.add<std::string>("SELECT current_query() -- last");
        auto answers = co_await main.run(std::move(batch));
        EXPECT_EQ(answers.get(current), "SELECT current_query() -- last\n" + one.comment_of("batch"));

        const std::vector<std::tuple<int>> rows{{3}, {4}};
        EXPECT_EQ(co_await main.with({.name = "many"}).execute_many("INSERT INTO seen (id) VALUES ($1)", rows), 2U);

        auto slices = co_await main.with({.name = "cursor"})
                          .cursor<std::string>({.rows = 1}, "SELECT current_query() FROM generate_series(1, 3)");
        int slices_seen = 0;
        for (auto slice = co_await slices.next(); !slice.empty(); slice = co_await slices.next()) {
            for (const auto& each : slice)
                EXPECT_THAT(each, EndsWith(one.comment_of("cursor")));
            ++slices_seen;
        }
        EXPECT_EQ(slices_seen, 3);

        const std::vector<std::tuple<int>> copied{{5}, {6}};
        EXPECT_EQ(co_await main.copy_in({"seen"}, {"id"}, copied, {.call = {.name = "in"}}), 2U);
        auto out = co_await main.copy_out<std::string>("SELECT current_query()", {.call = {.name = "out"}});
        EXPECT_THAT(co_await out.next(), testing::ElementsAre(EndsWith(one.comment_of("out"))));
        EXPECT_TRUE((co_await out.next()).empty());

        co_await main.run_script("INSERT INTO seen VALUES (7); INSERT INTO seen VALUES (8); -- x", {.name = "script"});
    });
    EXPECT_EQ(
        scratch.run("SELECT string_agg(n || ' ' || trace, ', ' ORDER BY first) FROM (SELECT min(id) AS first, "
                    "count(*) AS n, substring(by FROM '/\\*.*\\*/$') AS trace FROM seen GROUP BY 3) AS all_seen"),
        "2 " + one.comment_of("batch") + ", 2 " + one.comment_of("many") + ", 2 " + one.comment_of("in") + ", 2 " +
            one.comment_of("script"));
}

TEST(trace_comment, is_its_own_of_each_that_shares_a_connection)
{
    commented_database one(test::dsn());
    one.run([&](database& main) -> asio::awaitable<void> {
        const auto read = [&](std::string_view name) -> asio::awaitable<void> {
            const auto shown = co_await activity_of_itself(main, name);
            EXPECT_THAT(shown, EndsWith(one.comment_of(std::string(name))));
        };
        co_await read("alone"); // its time is known now
        co_await when_all(read("a"), read("b"), read("c"), read("d"));
        EXPECT_GT(main.statistics().pool.shared, 0U);
    });
}

TEST(trace_comment, is_no_obstacle_to_savepoints_scripts_and_commits)
{
    const test::scratch_database scratch("commented");
    scratch.run("CREATE TABLE a (b int)");
    commented_database one(scratch.dsn());
    one.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("INSERT INTO a VALUES (1)");
            co_await main.run_script("INSERT INTO a VALUES (2); INSERT INTO a VALUES (3)");
            const auto fails = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1 / 0"); };
            (void)co_await error_of(main.transaction(fails));
        };
        co_await main.transaction(body);
    });
    EXPECT_EQ(scratch.run("SELECT sum(b) FROM a"), "6");
}

} // namespace
} // namespace tradecore
