// SPDX-License-Identifier: Apache-2.0
#include "db/support/recording_tracer.hpp"
#include "support/child_process.hpp"
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/db/metrics.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

// A password is planted, and everything that anybody is shown is searched for it.

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tradecore;
using testing::HasSubstr;
using testing::Not;

// Each test is a process, and several run at once on one server.
const std::string role = "tc_canary_" + std::to_string(::getpid());
const std::string canary = "canary-4Xq9";

struct canary_role {
    canary_role() { test::run_sql(test::dsn(), "CREATE ROLE " + role + " LOGIN PASSWORD '" + canary + "'"); }
    ~canary_role() { test::run_sql(test::dsn(), "DROP ROLE " + role); }
    canary_role(const canary_role&) = delete;
    canary_role& operator=(const canary_role&) = delete;
    canary_role(canary_role&&) = delete;
    canary_role& operator=(canary_role&&) = delete;
};

class secrets : public testing::Test {
protected:
    using variables = std::map<std::string, std::string>;

    secrets()
    {
        std::ofstream(passfile()) << "*:*:*:" << role << ":" << canary << "\n";
        std::filesystem::permissions(passfile(), std::filesystem::perms::owner_read);
    }

    [[nodiscard]] std::filesystem::path passfile() const { return folder_.path() / "pgpass"; }

    /// What gives the program the password, by where it is.
    [[nodiscard]] std::map<std::string, variables> sources(const std::string& password) const
    {
        const auto dsn = [&](const std::string& given, const test::scratch_database& database) {
            return test::tcp_dsn_for(role, given, database.name());
        };
        return {
            {"the DSN", {{"POSTGRES_DSN", dsn(password, main_)}, {"VB_POSTGRES_DSN", dsn(password, vb_)}}},
            {"the other DSN", {{"DATABASE_URL", dsn(password, main_)}, {"VB_DATABASE_URL", dsn(password, vb_)}}},
            {"the environment",
             {{"POSTGRES_DSN", dsn("", main_)}, {"VB_POSTGRES_DSN", dsn("", vb_)}, {"PGPASSWORD", password}}},
            {"the password file",
             {{"POSTGRES_DSN", dsn("", main_)}, {"VB_POSTGRES_DSN", dsn("", vb_)}, {"PGPASSFILE", passfile()}}}};
    }

    static environment from(const variables& set)
    {
        return [set](std::string_view name) -> std::optional<std::string> {
            const auto found = set.find(std::string(name));
            return found == set.end() ? std::nullopt : std::optional(found->second);
        };
    }

    secrets& show(std::string text)
    {
        shown_.push_back(std::move(text));
        return *this;
    }
    void show(const observe::capture& log)
    {
        for (const auto& one : log.entries()) {
            show(one.message);
            for (const auto& [key, value] : one.fields)
                show(key).show(value);
        }
    }
    void show(const test::recording_tracer& tracer)
    {
        for (const auto& one : tracer.spans()) {
            show(one.name).show(one.error);
            for (const auto& [key, value] : one.with)
                show(key).show(value);
            for (const auto& [name, with] : one.events) {
                for (const auto& [key, value] : with)
                    show(name).show(key).show(value);
            }
        }
    }
    /// Uses a database in every way that says something of it.
    void use(database_options options)
    {
        const observe::capture log;
        const auto tracer = std::make_shared<test::recording_tracer>();
        options.tracer = tracer;
        options.propagate_trace = trace_propagation::application_name;
        options.pool = {.minimum = 0, .maximum = 2};
        options.pool.slow_acquire = 1ms;
        options.pool.leak_detection = 1ms;
        options.slow_query = options.long_transaction = 1ms;
        options.retries.outage.backoff = {.base = 1ms, .cap = 1ms};
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options);
            const auto work = [&]() -> asio::awaitable<void> {
                co_await main.open();
                show(co_await main.fetchval<std::string>(
                    "SELECT session_user || current_setting('application_name') || pg_sleep(0.002)::text"));
                const auto body = [&]() -> asio::awaitable<void> {
                    co_await main.execute("SELECT pg_sleep(0.002)");
                    show(co_await main.fetchval<std::string>("SELECT current_setting('application_name')"));
                    co_await main.execute("SELECT $1::text::int", "no number");
                };
                co_await main.transaction(body);
            };
            if (const auto error = co_await test::error_of(work()))
                show(test::what_of(error));
            show(boost::json::serialize(to_json(co_await main.health_check())));
            show(metrics_of(main));
            co_await main.close();
        });
        show(options.connect.describe());
        show(log);
        show(*tracer);
    }
    static std::string metrics_of(const database& one)
    {
        observe::metrics all;
        write_metrics(all, one);
        return all.text();
    }
    void show_program(const std::vector<std::string>& command, variables set)
    {
        set["TRADECORE_LOG"] = "trace";
        std::vector<std::string> all{TRADECORE_BINARY};
        all.insert(all.end(), command.begin(), command.end());
        const auto done = test::run_program(all, set);
        EXPECT_NE(done.out + done.err, "");
        show(done.out);
        show(done.err);
    }

    void expect_nothing_shown(const std::string& password, const std::string& source)
    {
        std::string all;
        for (const auto& each : shown_) {
            EXPECT_THAT(each, Not(HasSubstr(password))) << "from " << source;
            all += each + "\n";
        }
        EXPECT_THAT(all, HasSubstr(role)) << "nothing was seen at all";
        shown_.clear();
    }

    test::temporary_folder folder_;
    test::scratch_database main_{"secrets"};
    test::scratch_database vb_{"secrets_vb"};
    canary_role role_;
    std::vector<std::string> shown_;
};

TEST_F(secrets, are_in_nothing_that_is_shown_of_a_database)
{
    for (const auto& [source, set] : sources(canary)) {
        const auto read = read_configuration(from(set));
        for (const auto& one : read.settings)
            show(one.name + one.value + one.origin);
        use(read.main);
        bool worked = false;
        for (const auto& each : shown_)
            worked = worked || each.find("invalid input syntax") != std::string::npos;
        EXPECT_TRUE(worked) << source;
        expect_nothing_shown(canary, source);
    }
}

TEST_F(secrets, are_in_nothing_that_is_said_of_a_refused_password)
{
    const std::string wrong = "wrong-7Kd2";
    for (const auto& [source, set] : sources(wrong)) {
        if (source == "the password file")
            continue;
        use(read_configuration(from(set)).main);
        expect_nothing_shown(wrong, source);
    }
}

TEST_F(secrets, of_a_provider_are_not_shown_when_they_are_rotated)
{
    auto options = read_configuration(from(sources("").at("the environment"))).main;
    int asked = 0;
    options.connect.provide_password = [&](pg::host_address) -> asio::awaitable<std::string> {
        co_return ++asked == 1 ? "stale-" + canary : canary;
    };
    use(options);
    EXPECT_GE(asked, 2);
    expect_nothing_shown(canary, "a provider");
}

TEST_F(secrets, are_in_nothing_that_the_program_prints)
{
    for (const auto& [source, set] : sources(canary)) {
        show_program({"config"}, set);
        show_program({"config", "--json"}, set);
        show_program({"simulate", "--orders", "1"}, set); // may not make its tables there
        expect_nothing_shown(canary, source);
    }
}

} // namespace
