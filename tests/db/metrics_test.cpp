// SPDX-License-Identifier: Apache-2.0
#include "db/support/documentation.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/db/metrics.hpp>
#include <tradecore/db/metrics_collectable.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/observe/utf8.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using testing::HasSubstr;
using testing::Not;

std::string text_of(const database& one)
{
    observe::metrics all;
    write_metrics(all, one);
    return all.text();
}

/// A metric's type and the names of its labels.
struct described {
    std::string type;
    std::set<std::string> labels;
    bool operator==(const described&) const = default;
    friend void PrintTo(const described& what, std::ostream* out)
    {
        *out << what.type << " of";
        for (const auto& label : what.labels)
            *out << ' ' << label;
    }
};
using catalogue = std::map<std::string, described>;

/// What a text for Prometheus has.
catalogue told(const std::string& text)
{
    static const std::regex type("# TYPE (\\S+) (\\S+)");
    static const std::regex sample("(tradecore_[a-z_]+)\\{(.*)\\} [0-9.e+-]+");
    static const std::regex label("([a-z]+)=\"(?:[^\"\\\\]|\\\\.)*\"");
    catalogue found;
    std::string current;
    std::istringstream lines(text);
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
        if (std::regex_match(line, match, type)) {
            current = match[1];
            found[current].type = match[2];
        }
        else if (std::regex_match(line, match, sample)) {
            EXPECT_TRUE(match[1].str().starts_with(current)) << line;
            const auto labels = match[2].str();
            for (std::sregex_iterator at(labels.begin(), labels.end(), label), end; at != end; ++at) {
                if ((*at)[1] != "le")
                    found[current].labels.insert((*at)[1]);
            }
        }
        else {
            EXPECT_TRUE(line.starts_with("# HELP ")) << line;
        }
    }
    return found;
}

/// What docs/metrics.md says there is.
catalogue documented()
{
    catalogue found;
    for (const auto& row : test::rows_of_page("metrics.md", "\\| `(tradecore_[a-z_]+)` \\| (\\w+) \\| (.*?) \\| .*")) {
        auto& one = found[row[0]];
        one.type = row[1];
        for (const auto& label : test::all_in(row[2], "`([a-z]+)`"))
            one.labels.insert(label);
    }
    return found;
}

TEST(metrics, are_those_of_the_documentation)
{
    fake_server server;
    fake_server standby;
    auto options = test::quiet_options();
    options.standbys.enabled = true;
    options.connect.target_session = pg::target_session_attributes::read_write;
    test::run([&]() -> asio::awaitable<void> {
        database main(
            co_await asio::this_coro::executor, options, server.make_connector(), {}, standby.make_connector());
        co_await main.open();
        (void)co_await main.execute("a");
        const auto all = told(text_of(main));
        EXPECT_GT(all.size(), 5U);
        EXPECT_EQ(all, documented());
        co_await main.close(1s);
    });
}

TEST(metrics, follow_the_conventions_of_prometheus)
{
    for (const auto& [name, one] : documented()) {
        EXPECT_EQ(one.type == "counter", name.ends_with("_total")) << name;
        EXPECT_EQ(one.type == "histogram", name.ends_with("_seconds")) << name;
        EXPECT_TRUE(one.labels.contains("database")) << name;
    }
}

TEST(metrics, of_a_pool_are_its_numbers)
{
    fake_server server;
    auto options = test::quiet_options(7);
    options.pool.minimum = 2;
    options.name = "orders";
    test::with_database(server, options, [&](database& orders) -> asio::awaitable<void> {
        const auto held = co_await orders.pool().acquire({});
        const auto text = text_of(orders);
        EXPECT_THAT(text, HasSubstr("tradecore_database_open{database=\"orders\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connections{database=\"orders\",state=\"active\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connections{database=\"orders\",state=\"idle\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connections_min{database=\"orders\"} 2\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connections_max{database=\"orders\"} 7\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_waiting{database=\"orders\"} 0\n"));
    });
}

TEST(metrics, of_a_pool_have_waits_timeouts_and_connects)
{
    fake_server server;
    auto options = test::quiet_options(1);
    options.pool.connect_backoff = 1ms;
    options.breaker_enabled = false;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto times_out = [&]() -> asio::awaitable<void> {
            try {
                (void)co_await main.pool().acquire({}, std::chrono::steady_clock::now() + 2ms);
                ADD_FAILURE() << "got a connection";
            }
            catch (const pool_timeout&) { // NOLINT(bugprone-empty-catch): as asked
            }
        };
        {
            const auto held = co_await main.pool().acquire({});
            co_await times_out();
        }
        main.pool().suspend();
        co_await times_out();
        main.pool().resume();
        (void)co_await main.execute("a");
        const auto text = text_of(main);
        EXPECT_THAT(text, HasSubstr("tradecore_pool_acquire_seconds_count{database=\"main\"} 2\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_timeouts_total{database=\"main\",reason=\"busy\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_timeouts_total{database=\"main\",reason=\"cannot_connect\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_timeouts_total{database=\"main\",reason=\"suspended\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_shared_statements_total{database=\"main\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_sent_away_statements_total{database=\"main\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connects_total{database=\"main\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connect_failures_total{database=\"main\"} 0\n"));
    });
    server.refusal = test::server_error_of("57P03");
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        try {
            (void)co_await main.pool().acquire({}, std::chrono::steady_clock::now() + 60s);
            ADD_FAILURE() << "got a connection";
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): the error of the connect
        }
        EXPECT_THAT(text_of(main), HasSubstr("tradecore_pool_connect_failures_total{database=\"main\"} 1\n"));
    });
}

TEST(metrics, of_a_breaker_have_its_state_and_its_changes)
{
    fake_server server;
    auto options = test::quiet_options();
    options.breaker.failure_threshold = 1;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        EXPECT_THAT(text_of(main), HasSubstr("tradecore_breaker_state{database=\"main\",state=\"closed\"} 1\n"));
        try {
            (void)co_await main.execute("FAIL 58030"); // the server's own trouble
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
        try {
            (void)co_await main.execute("a");
            ADD_FAILURE() << "was not refused";
        }
        catch (const circuit_open&) { // NOLINT(bugprone-empty-catch): as asked
        }
        const auto text = text_of(main);
        EXPECT_THAT(text, HasSubstr("tradecore_breaker_state{database=\"main\",state=\"closed\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_breaker_state{database=\"main\",state=\"open\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_breaker_transitions_total{database=\"main\",state=\"open\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_breaker_transitions_total{database=\"main\",state=\"half-open\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_breaker_refused_total{database=\"main\"} 1\n"));
    });
    options.breaker_enabled = false;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        EXPECT_THAT(text_of(main), Not(HasSubstr("breaker")));
        co_return;
    });
}

TEST(metrics, of_repetitions_tell_outages_from_conflicts)
{
    fake_server server;
    auto options = test::quiet_options();
    options.breaker_enabled = false;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        int attempts = 0;
        const auto collides = [&]() -> asio::awaitable<void> {
            const bool last = ++attempts == 3;
            (void)co_await main.execute(runtime_sql(last ? "a" : "FAIL 40001"));
        };
        co_await main.transaction(collides);
        const auto text = text_of(main);
        EXPECT_THAT(text, HasSubstr("tradecore_retries_total{database=\"main\",reason=\"conflict\"} 2\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_retries_total{database=\"main\",reason=\"outage\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_retries_stopped_total{database=\"main\",reason=\"attempts\"} 0\n"));
        try {
            const auto always = [&]() -> asio::awaitable<void> { (void)co_await main.execute("FAIL 40P01"); };
            co_await main.transaction(always, {.max_attempts = 2});
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
        try {
            (void)co_await main.execute("FAIL 23505"); // nothing that could be repeated
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
        const auto after = text_of(main);
        EXPECT_THAT(after, HasSubstr("tradecore_retries_total{database=\"main\",reason=\"conflict\"} 3\n"));
        EXPECT_THAT(after, HasSubstr("tradecore_retries_stopped_total{database=\"main\",reason=\"attempts\"} 1\n"));
    });
}

TEST(metrics, of_statements_are_told_apart_by_name_or_by_sql_in_one_line)
{
    fake_server server;
    auto options = test::quiet_options();
    options.counted_statements = 5;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        (void)co_await main.with({.name = "named"}).execute("SELECT 1");
        (void)co_await main.execute("SELECT  a,\n\t'\"'  FROM b");
        (void)co_await main.execute("SELECT  a, '\"' FROM b");
        (void)co_await main.execute("SELECT a_column_with_a_long_name, another_column_with_a_long_name, and_one_more "
                                    "FROM a_table_with_a_long_name");
        try {
            (void)co_await main.execute("FAIL 23505");
        }
        catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
        }
        (void)co_await main.execute("too many");
        const auto text = text_of(main);
        EXPECT_THAT(text, HasSubstr("tradecore_statement_seconds_count{database=\"main\",statement=\"named\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("seconds_count{database=\"main\",statement=\"SELECT a, '\\\"' FROM b\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("seconds_count{database=\"main\",statement=\"SELECT a, '\\\"' FROM b #2\"} 1\n"));
        EXPECT_THAT(
            text, HasSubstr("statement=\"SELECT a_column_with_a_long_name, another_column_with_a_long_name, "
                            "and_one_more FROM a_table_with_a_…\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("errors_total{database=\"main\",statement=\"FAIL 23505\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("seconds_count{database=\"main\",statement=\"(others)\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("seconds_bucket{database=\"main\",statement=\"named\",le=\"+Inf\"} 1\n"));
    });
}

TEST(metrics, are_utf8_whatever_statements_are_made_of)
{
    fake_server server;
    auto options = test::quiet_options();
    options.name = "m\xe4rz";
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        (void)co_await main.execute(runtime_sql("SELECT 'caf\xe9', 'café'"));
        (void)co_await main.execute(runtime_sql("SELECT 'caf\xff', 'café'"));
        (void)co_await main.with({.name = "caf\xe9"}).execute("SELECT 1");
        // Cut behind the 100th byte, which is the first of two.
        (void)co_await main.execute(runtime_sql("SELECT '" + std::string(91, 'x') + "é'"));
        const auto text = text_of(main);
        EXPECT_THAT(
            text, HasSubstr("seconds_count{database=\"m\uFFFDrz\",statement=\"SELECT 'caf\uFFFD', 'café'\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("statement=\"SELECT 'caf\uFFFD', 'café' #2\"} 1\n")) << "no two have one label";
        EXPECT_THAT(text, HasSubstr("statement=\"caf\uFFFD\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("statement=\"SELECT '" + std::string(91, 'x') + "…\"} 1\n"));
        EXPECT_EQ(observe::valid_utf8(text), text);
    });
}

TEST(metrics, have_histograms_that_add_up)
{
    observe::latency_histogram times;
    times.add(200us);
    times.add(3ms);
    times.add(20s);
    observe::metrics all;
    all.histogram("tradecore_x_seconds", "X.", {{"a", "b"}}, times);
    const auto text = all.text();
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_bucket{a=\"b\",le=\"0.0001\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_bucket{a=\"b\",le=\"0.00025\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_bucket{a=\"b\",le=\"0.005\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_bucket{a=\"b\",le=\"10\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_count{a=\"b\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("tradecore_x_seconds_sum{a=\"b\"} 20.0032\n"));
}

TEST(metrics, of_databases_that_were_never_opened_are_left_out)
{
    EXPECT_EQ(metrics_text(), "");
}

TEST(metrics_collectable, reads_on_the_thread_of_the_databases)
{
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    std::thread runs([&] { context.run(); });
    std::thread::id read_on;
    const metrics_collectable figures(
        context.get_executor(),
        [&](observe::metrics& into) {
            read_on = std::this_thread::get_id();
            into.counter("tradecore_x_total", "X.", {}, 7);
        },
        60s);
    const auto families = figures.Collect();
    EXPECT_EQ(read_on, runs.get_id());
    ASSERT_EQ(families.size(), 1U);
    EXPECT_EQ(families[0].name, "tradecore_x_total");
    EXPECT_EQ(families[0].metric.at(0).counter.value, 7);
    work.reset();
    runs.join();
}

TEST(metrics_collectable, has_nothing_when_the_loop_does_not_run_or_writing_fails)
{
    const observe::capture log;
    asio::io_context context;
    EXPECT_TRUE(metrics_collectable(context.get_executor(), {}, 1ms).Collect().empty());
    auto work = asio::make_work_guard(context);
    std::thread runs([&] { context.run(); });
    const auto fails = [](observe::metrics&) { throw std::runtime_error("no figures"); };
    EXPECT_TRUE(metrics_collectable(context.get_executor(), fails, 60s).Collect().empty());
    work.reset();
    runs.join();
    ASSERT_EQ(log.entries().size(), 2U);
    EXPECT_EQ(log.entries()[1].value("error"), "no figures");
}

} // namespace
} // namespace tradecore
