// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/recording_tracer.hpp"
#include "db/support/retry_world.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/trace.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/observe/utf8.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using observe::parse_traceparent;
using observe::span_kind;
using observe::trace_context;
using test::error_of;
using test::fake_server;
using test::recording_tracer;
using test::server_error_of;
using test::settle;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

const std::string incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

asio::awaitable<std::string> seen()
{
    const auto trace = trace_of(co_await asio::this_coro::executor);
    co_return trace ? to_traceparent(*trace) : "none";
}

TEST(trace, is_that_of_the_request_for_all_that_is_called_below)
{
    test::run([]() -> asio::awaitable<void> {
        EXPECT_EQ(co_await seen(), "none");
        const auto trace = parse_traceparent(incoming).value();
        const auto handle = []() -> asio::awaitable<std::string> {
            const auto [first, second] = co_await when_all(seen(), seen());
            EXPECT_EQ(first, incoming);
            EXPECT_EQ(second, incoming);
            co_return co_await seen();
        };
        EXPECT_EQ(co_await in_trace(trace, handle), incoming);
        EXPECT_EQ(co_await seen(), "none");
        EXPECT_FALSE(trace_of(with_trace(co_await asio::this_coro::executor, trace_context())));
    });
}

/// A database that is traced, on a scripted server.
struct traced_world : test::retry_world {
    std::shared_ptr<recording_tracer> tracer = std::make_shared<recording_tracer>();
    database_options options = test::without_breaker();

    traced_world()
    {
        options.tracer = tracer;
        options.pool.minimum = 1;
        options.connect.hosts = {{.host = "db.example", .port = 5433}};
        options.connect.user = "app";
        options.connect.database = "trading";
    }
    template <class F>
    void run(F body)
    {
        test::retry_world::run(body, options);
        for (const auto& each : tracer->spans())
            EXPECT_EQ(each.ends, 1) << each.name;
    }
};

TEST(trace, of_a_statement_has_what_opentelemetry_asks_for)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.execute("UPDATE users SET name = $1 WHERE id = $2", std::string("canary"), 7);
    });
    ASSERT_EQ(w.tracer->tree(), "UPDATE users");
    const auto told = w.tracer->spans().front();
    EXPECT_EQ(told.kind, span_kind::client);
    EXPECT_FALSE(told.parent);
    EXPECT_FALSE(told.failed);
    EXPECT_THAT(
        told.with,
        ElementsAre(
            Pair("db.namespace", "trading"), Pair("db.query.summary", "UPDATE users"),
            Pair("db.query.text", "UPDATE users SET name = $1 WHERE id = $2"), Pair("db.system.name", "postgresql"),
            Pair("server.address", "db.example"), Pair("server.port", "5433"), Pair("tradecore.database", "main")));
}

TEST(trace, of_a_call_is_named_by_the_call)
{
    traced_world w;
    w.options.connect.hosts = {{.host = "a"}, {.host = "b"}};
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.with({.name = "user_rename"}).execute("UPDATE users SET a = 1");
    });
    const auto told = w.tracer->named("user_rename");
    EXPECT_THAT(told.with, Contains(Pair("db.query.summary", "user_rename")));
    EXPECT_THAT(told.with, Contains(Pair("server.address", "a,b")));
    EXPECT_THAT(told.with, Not(Contains(Key("server.port")))) << "it is the usual one";
}

TEST(trace, is_utf8_whatever_statements_are_made_of)
{
    traced_world w;
    w.server.on_command = [](fake_server::connection&, const std::string&) {
        throw pg::argument_error("near caf\xe9");
    };
    w.run([&](database& main) -> asio::awaitable<void> {
        (void)co_await error_of(main.execute(runtime_sql("caf\xe9 $1"), 1));
    });
    const auto told = w.tracer->spans().front();
    EXPECT_EQ(observe::valid_utf8(told.name), told.name);
    EXPECT_THAT(told.error, HasSubstr("near caf\uFFFD"));
    EXPECT_THAT(told.with, Contains(Pair("db.query.text", "caf\uFFFD $1")));
    EXPECT_THAT(told.with, Contains(Pair("db.query.summary", told.name)));
}

TEST(trace, shows_no_text_that_may_have_values_in_it)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.execute(runtime_sql("INSERT INTO a VALUES ('canary')"));
        co_await main.run_script(runtime_sql("INSERT INTO b VALUES ('canary')").text());
        co_await main.execute(runtime_sql("INSERT INTO c VALUES ($1)"), std::string("canary"));
    });
    EXPECT_EQ(w.tracer->tree(), "INSERT a, SCRIPT(acquire connection), INSERT c");
    for (const auto& each : w.tracer->spans()) {
        for (const auto& [key, value] : each.with)
            EXPECT_THAT(value, Not(HasSubstr("canary"))) << key;
        EXPECT_EQ(each.with.contains("db.query.text"), each.name == "INSERT c");
    }
}

TEST(trace, of_calls_are_children_of_the_transaction_and_that_of_the_request)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto inner = [&]() -> asio::awaitable<void> { (void)co_await main.execute("DELETE FROM c"); };
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("INSERT INTO a VALUES (1)");
            co_await main.transaction(inner);
            co_await when_all(inner(), inner());
        };
        const auto handle = [&]() -> asio::awaitable<void> {
            co_await main.transaction(body, {.name = "pay"});
            (void)co_await main.execute("SELECT 1 FROM d");
        };
        co_await in_trace(parse_traceparent(incoming).value(), handle);
    });
    EXPECT_EQ(
        w.tracer->tree(), "pay(acquire connection, INSERT a, transaction(DELETE c), DELETE c, DELETE c), SELECT d");
    for (const auto& each : w.tracer->spans())
        EXPECT_EQ(each.context.trace_id, parse_traceparent(incoming)->trace_id) << each.name;
    EXPECT_EQ(w.tracer->named("pay").parent, parse_traceparent(incoming));
    EXPECT_EQ(w.tracer->named("pay").kind, span_kind::internal);
    EXPECT_EQ(w.tracer->named("SELECT d").parent, parse_traceparent(incoming));
}

TEST(trace, goes_with_calls_of_a_database_that_several_threads_use)
{
    traced_world w;
    w.options.used_by = threads::several;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            EXPECT_EQ(co_await seen(), to_traceparent(w.tracer->named("pay").context));
            (void)co_await main.execute("SELECT 1 FROM a");
        };
        co_await in_trace(parse_traceparent(incoming).value(), [&] { return main.transaction(body, {.name = "pay"}); });
    });
    EXPECT_EQ(w.tracer->tree(), "pay(acquire connection, SELECT a)");
    EXPECT_EQ(w.tracer->named("pay").parent, parse_traceparent(incoming));
}

TEST(trace, has_reads_that_may_go_to_a_standby)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        (void)co_await main.read({.call = {.name = "latest"}}).fetch("SELECT 1 FROM a");
        (void)co_await main.read().fetch("SELECT 1 FROM b");
    });
    EXPECT_EQ(w.tracer->tree(), "latest, SELECT b");
}

asio::awaitable<void> run_batch(database& on)
{
    pg::batch two;
    two.add_execute("INSERT INTO a VALUES ($1)", 1);
    two.add_execute("INSERT INTO a VALUES ($1)", 2);
    (void)co_await on.run(std::move(two));
}

TEST(trace, of_a_batch_has_its_size)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        (void)co_await error_of(run_batch(main)); // the scripted server knows none
    });
    const auto told = w.tracer->named("BATCH");
    EXPECT_THAT(told.with, Contains(Pair("db.operation.name", "BATCH")));
    EXPECT_THAT(told.with, Contains(Pair("db.operation.batch.size", "2")));
    EXPECT_THAT(told.with, Contains(Pair("db.query.text", "INSERT INTO a VALUES ($1)")));
}

TEST(trace, has_repetitions_as_events_of_the_call_and_of_the_transaction)
{
    const observe::capture log;
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("UPDATE a SET b = 1", {server_error_of("40P01"), server_error_of("40001")});
        (void)co_await main.execute("UPDATE a SET b = 1");
        w.fail("UPDATE c SET b = 1", {server_error_of("40P01")});
        co_await main.transaction(
            [&]() -> asio::awaitable<void> { (void)co_await main.execute("UPDATE c SET b = 1"); });
    });
    EXPECT_EQ(w.tracer->tree(), "UPDATE a, transaction(acquire connection, UPDATE c, acquire connection, UPDATE c)");
    const auto call = w.tracer->named("UPDATE a");
    EXPECT_FALSE(call.failed);
    ASSERT_EQ(call.events.size(), 2U);
    EXPECT_EQ(call.events[0].first, "tradecore.retry");
    EXPECT_THAT(call.events[0].second, Contains(Pair("error.type", "40P01")));
    EXPECT_THAT(call.events[0].second, Contains(Pair("tradecore.attempt", "1")));
    EXPECT_THAT(call.events[1].second, Contains(Pair("error.type", "40001")));
    EXPECT_THAT(call.events[1].second, Contains(Pair("tradecore.wait_ms", "5")));
    EXPECT_EQ(w.tracer->named("transaction").events.size(), 1U);
}

TEST(trace, of_what_failed_says_how)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto statement = [&]() -> asio::awaitable<void> { (void)co_await main.execute("FAIL 23505"); };
        (void)co_await error_of(statement());
        const auto body = []() -> asio::awaitable<void> {
            throw std::runtime_error("not today");
            co_return;
        };
        (void)co_await error_of(main.transaction(body, {.name = "refusal"}));
    });
    const auto told = w.tracer->named("FAIL");
    EXPECT_TRUE(told.failed);
    EXPECT_THAT(told.error, HasSubstr("unique_violation"));
    EXPECT_THAT(told.with, Contains(Pair("error.type", "23505")));
    EXPECT_THAT(told.with, Contains(Pair("db.response.status_code", "23505")));
    const auto refusal = w.tracer->named("refusal");
    EXPECT_TRUE(refusal.failed);
    EXPECT_EQ(refusal.error, "not today");
    EXPECT_THAT(refusal.with, Contains(Pair("error.type", "std::runtime_error")));
    EXPECT_THAT(refusal.with, Not(Contains(Key("db.response.status_code"))));
}

TEST(trace, has_the_wait_for_a_connection)
{
    traced_world w;
    w.options.pool.maximum = 1;
    w.run([&](database& main) -> asio::awaitable<void> {
        auto held = co_await main.pool().acquire({});
        const auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(
            executor, [](database& on) -> asio::awaitable<void> { (void)co_await on.execute("SELECT 1 FROM a"); }(main),
            asio::detached);
        co_await settle();
        EXPECT_EQ(w.tracer->tree(), "SELECT a(acquire connection)");
        EXPECT_EQ(w.tracer->named("acquire connection").ends, 0);
        held.reset();
        co_await settle();
        EXPECT_EQ(w.tracer->named("acquire connection").ends, 1);
        (void)co_await main.execute("SELECT 1 FROM b"); // did not have to wait
    });
    EXPECT_EQ(w.tracer->tree(), "SELECT a(acquire connection), SELECT b");
}

TEST(trace, has_what_became_of_a_lost_commit)
{
    traced_world w;
    w.server.incarnation = "cluster/start/crash";
    w.server.on_carried_out = [](fake_server::connection& on, const std::string& command) {
        if (command == "COMMIT")
            on.close();
    };
    const observe::capture log;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { (void)co_await main.execute(runtime_sql("WRITE")); };
        co_await main.transaction(body, {.name = "transfer"});
    });
    EXPECT_EQ(w.tracer->tree(), "transfer(acquire connection, WRITE, resolve COMMIT)");
    EXPECT_THAT(w.tracer->named("resolve COMMIT").with, Contains(Pair("tradecore.commit", "committed")));
}

TEST(trace, that_is_not_recorded_is_passed_on)
{
    traced_world w;
    w.tracer->samples = [](const observe::span_start& what) { return what.name != "pay"; };
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            EXPECT_EQ(co_await seen(), incoming);
            (void)co_await main.execute("SELECT 1 FROM a");
        };
        co_await in_trace(parse_traceparent(incoming).value(), [&] { return main.transaction(body, {.name = "pay"}); });
    });
    EXPECT_EQ(w.tracer->named("SELECT a").parent, parse_traceparent(incoming));
}

TEST(trace, that_is_not_recorded_hides_the_span_around_it_from_what_happens_inside)
{
    const observe::capture log;
    traced_world w;
    w.tracer->samples = [](const observe::span_start& what) { return what.name == "pay"; };
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            co_await main.outside([&]() -> asio::awaitable<void> {
                w.fail("UPDATE a SET b = 1", {server_error_of("40P01")});
                (void)co_await main.execute("UPDATE a SET b = 1");
            });
        };
        co_await main.transaction(body, {.name = "pay"});
    });
    EXPECT_EQ(w.tracer->tree(), "pay");
    EXPECT_THAT(w.tracer->named("pay").events, IsEmpty());
}

TEST(trace, of_what_is_cancelled_ends_and_the_connection_lives_on)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto hold = [&]() -> asio::awaitable<void> { (void)co_await main.execute("HOLD it"); };
        const auto fail = []() -> asio::awaitable<void> {
            co_await settle();
            throw std::runtime_error("enough");
        };
        const auto both = [&]() -> asio::awaitable<void> { co_await when_all(hold(), fail()); };
        EXPECT_EQ(test::what_of(co_await error_of(main.transaction(both))), "enough");
        EXPECT_EQ(test::what_of(co_await error_of(both())), "enough");
        EXPECT_EQ(main.pool_stats().active, 0U);
    });
    for (const auto& each : w.tracer->spans())
        EXPECT_EQ(each.failed, each.name != "acquire connection") << each.name;
}

TEST(trace, of_what_was_given_up_ends)
{
    fake_server server;
    const auto tracer = std::make_shared<recording_tracer>();
    {
        asio::io_context context(1);
        auto options = test::without_breaker();
        options.tracer = tracer;
        database main(context.get_executor(), options, server.make_connector());
        asio::co_spawn(
            context,
            [](database on) -> asio::awaitable<void> {
                co_await on.open();
                (void)co_await on.execute("HOLD it");
            }(main),
            asio::detached);
        context.poll();
        EXPECT_EQ(tracer->named("HOLD").ends, 0);
    }
    EXPECT_EQ(tracer->named("HOLD").ends, 1);
    EXPECT_TRUE(tracer->named("HOLD").failed);
}

TEST(trace, is_told_to_the_server_by_transactions_that_are_recorded)
{
    for (const bool sampled : {true, false}) {
        traced_world w;
        w.options.propagate_trace = trace_propagation::application_name;
        w.tracer->flags = sampled ? trace_context::sampled : 0;
        std::string said;
        w.run([&](database& main) -> asio::awaitable<void> {
            const auto body = [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("SELECT 1 FROM a");
                (void)co_await main.execute("SELECT 1 FROM b");
            };
            co_await main.transaction(body);
            said = w.server.log();
            (void)co_await main.execute("SELECT 1 FROM c");
        });
        const auto telling =
            "SET LOCAL application_name = '" + to_traceparent(w.tracer->named("transaction").context) + "' | 1:";
        EXPECT_EQ(
            said,
            "1:BEGIN | 1:" + (sampled ? telling : std::string()) + "SELECT 1 FROM a | 1:SELECT 1 FROM b | 1:COMMIT");
        EXPECT_THAT(w.server.log(), Not(HasSubstr("SELECT 1 FROM c | 1:SET")));
    }
}

TEST(trace, is_not_told_to_the_server_unless_that_is_wanted)
{
    traced_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1 FROM a"); });
    });
    EXPECT_EQ(w.server.log(), "1:BEGIN | 1:SELECT 1 FROM a | 1:COMMIT");
}

asio::awaitable<void> some_work(database& main)
{
    const auto nested = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1 FROM b"); };
    const auto body = [&]() -> asio::awaitable<void> {
        (void)co_await main.execute("SELECT 1 FROM a");
        co_await main.transaction(nested);
    };
    co_await main.transaction(body);
    co_await main.run_script("SELECT 1");
    (void)co_await main.execute("SELECT 1 FROM c");
}

TEST(trace, of_what_is_cancelled_at_any_step_ends_once)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        asio::io_context context;
        const auto tracer = std::make_shared<recording_tracer>();
        auto options = test::without_breaker();
        options.tracer = tracer;
        options.propagate_trace = trace_propagation::application_name;
        database main(context.get_executor(), options, server.make_connector());
        test::stepped opening{context, {}, false, nullptr};
        opening.start(main.open());
        opening.finish();
        test::stepped work{context, {}, false, nullptr};
        work.start(some_work(main));
        interrupted = work.turn(step);
        work.cancel.emit(asio::cancellation_type::terminal);
        work.finish();
        ASSERT_TRUE(work.ended) << step;
        for (const auto& each : tracer->spans())
            ASSERT_EQ(each.ends, 1) << each.name << " at step " << step;
        test::stepped again{context, {}, false, nullptr};
        again.start(some_work(main));
        again.finish();
        ASSERT_FALSE(again.error) << step << ": " << test::what_of(again.error);
        ASSERT_EQ(main.pool_stats().active, 0U) << step;
        test::stepped closing{context, {}, false, nullptr};
        closing.start(main.close(1s));
        closing.finish();
    }
    EXPECT_GT(step, 10);
}

TEST(trace, of_what_is_destroyed_at_any_step_ends_once)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        const auto tracer = std::make_shared<recording_tracer>();
        auto options = test::without_breaker();
        options.tracer = tracer;
        std::optional<database> main;
        {
            asio::io_context context;
            main.emplace(context.get_executor(), options, server.make_connector());
            const auto all = [&]() -> asio::awaitable<void> {
                co_await main->open();
                asio::co_spawn(context, some_work(*main), asio::detached);
                co_await some_work(*main);
            };
            test::stepped whole{context, {}, false, nullptr};
            whole.start(all());
            interrupted = whole.turn(step);
        }
        for (const auto& each : tracer->spans())
            ASSERT_EQ(each.ends, 1) << each.name << " at step " << step;
    }
    EXPECT_GT(step, 20);
}

/// The attributes of docs/tracing.md.
std::set<std::string> documented()
{
    static const std::regex row("\\| `([a-z_.]+)` \\| [^|]* \\| .* \\|");
    std::ifstream page(TRADECORE_SOURCE_ROOT "/docs/tracing.md");
    EXPECT_TRUE(page);
    std::set<std::string> found;
    std::smatch match;
    for (std::string line; std::getline(page, line);) {
        if (std::regex_match(line, match, row))
            found.insert(match[1]);
    }
    return found;
}

TEST(trace, is_that_of_the_documentation)
{
    traced_world w;
    const observe::capture log;
    w.server.incarnation = "cluster/start/crash";
    w.server.on_carried_out = [](fake_server::connection& on, const std::string& command) {
        if (command == "COMMIT")
            on.close();
    };
    w.run([&](database& main) -> asio::awaitable<void> {
        (void)co_await error_of(run_batch(main));
        const auto body = [&]() -> asio::awaitable<void> { (void)co_await main.execute(runtime_sql("WRITE")); };
        co_await main.transaction(body);
        w.fail("UPDATE a SET b = $1", {server_error_of("40P01"), server_error_of("23505")});
        const auto fails = [&]() -> asio::awaitable<void> { (void)co_await main.execute("UPDATE a SET b = $1", 1); };
        (void)co_await error_of(fails());
    });
    std::set<std::string> told;
    const auto add = [&](const recording_tracer::attributes& all) {
        for (const auto& [key, value] : all)
            told.insert(key);
    };
    for (const auto& each : w.tracer->spans()) {
        add(each.with);
        for (const auto& [name, with] : each.events) {
            EXPECT_EQ(name, "tradecore.retry");
            add(with);
        }
    }
    EXPECT_EQ(told, documented());
}

} // namespace
} // namespace tradecore
