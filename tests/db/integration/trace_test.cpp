// SPDX-License-Identifier: Apache-2.0
#include "db/support/recording_tracer.hpp"
#include "support/errors.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/trace.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using test::error_of;
using test::recording_tracer;
using testing::Contains;
using testing::Pair;

/// A database on a real server, with what is told of it.
struct traced_database {
    std::shared_ptr<recording_tracer> tracer = std::make_shared<recording_tracer>();
    database_options options;

    explicit traced_database(const std::string& dsn)
    {
        options.connect = pg::connect_options::parse(dsn);
        options.connect.application_name = "plain";
        options.pool = {.minimum = 1, .maximum = 1};
        options.pool.exhaustion_threshold = 1;
        options.tracer = tracer;
        options.propagate_trace = trace_propagation::application_name;
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
};

asio::awaitable<std::string> name_of_session(database& on)
{
    return on.fetchval<std::string>("SELECT current_setting('application_name')");
}

/// The server knows a transaction by its trace, and forgets it with its end, whatever that is.
asio::awaitable<void> expect_told(database& main, std::shared_ptr<recording_tracer> tracer)
{
    EXPECT_EQ(co_await name_of_session(main), "plain");
    for (const bool fails : {false, true}) {
        tracer->forget();
        const auto body = [&]() -> asio::awaitable<void> {
            const auto told = tracer->named("transaction").context;
            EXPECT_EQ(co_await name_of_session(main), to_traceparent(told));
            const auto nested = [&]() -> asio::awaitable<void> {
                EXPECT_EQ(co_await name_of_session(main), to_traceparent(told));
            };
            co_await main.transaction(nested, {.name = "nested"});
            if (fails)
                throw std::runtime_error("as asked");
        };
        const auto error = co_await error_of(main.transaction(body));
        EXPECT_EQ(error != nullptr, fails);
        EXPECT_EQ(co_await name_of_session(main), "plain");
    }
}

TEST(trace, is_what_the_server_knows_a_transaction_by)
{
    traced_database one(test::dsn());
    one.run([&](database& main) { return expect_told(main, one.tracer); });
}

TEST(trace, is_what_the_server_knows_a_transaction_by_behind_a_pooler)
{
    const test::pgbouncer pooler;
    traced_database one(pooler.dsn());
    one.options.connect.prepared_statements = pg::prepared_statements::unnamed;
    one.run([&](database& main) { return expect_told(main, one.tracer); });
}

TEST(trace, of_many_statements_and_streams_is_told)
{
    const test::scratch_database scratch("traced");
    scratch.run("CREATE TABLE a (b int PRIMARY KEY)");
    traced_database one(scratch.dsn());
    one.run([](database& main) -> asio::awaitable<void> {
        pg::batch batch;
        batch.add_execute("INSERT INTO a VALUES ($1)", 1);
        batch.add_execute("INSERT INTO a VALUES ($1)", 2);
        (void)co_await main.run(std::move(batch));
        const std::vector<std::tuple<int>> rows{{3}, {4}};
        (void)co_await main.execute_many("INSERT INTO a VALUES ($1)", rows);
        auto all = co_await main.cursor<int>("SELECT b FROM a ORDER BY b");
        int sum = 0;
        for (auto slice = co_await all.next(); !slice.empty(); slice = co_await all.next()) {
            for (const int each : slice)
                sum += each;
        }
        EXPECT_EQ(sum, 10);
        const auto again = [&]() -> asio::awaitable<void> { (void)co_await main.execute("INSERT INTO a VALUES (1)"); };
        EXPECT_TRUE(test::is<unique_violation>(co_await error_of(again())));
    });
    std::vector<std::string> names;
    for (const auto& each : one.tracer->spans()) {
        if (each.name != "acquire connection")
            names.push_back(each.name);
    }
    EXPECT_THAT(names, testing::ElementsAre("BATCH", "BATCH", "SELECT a", "INSERT a"));
    const auto failed = one.tracer->named("INSERT a");
    EXPECT_TRUE(failed.failed);
    EXPECT_THAT(failed.with, Contains(Pair("db.response.status_code", "23505")));
    EXPECT_THAT(failed.with, Contains(Pair("db.namespace", scratch.name())));
}

} // namespace
} // namespace tradecore
