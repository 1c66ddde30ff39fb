// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/network_gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/db/pool.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::network_gate;
using test::settle;

class pool_on_server : public testing::Test {
protected:
    pool_on_server()
    {
        options_.minimum = 1;
        options_.maximum = 4;
        options_.exhaustion_threshold = 1;
        options_.connect_backoff = 1ms;
    }

    /// Runs `body(pool&)` on an open pool whose connections are made as `connect` says, and closes it.
    template <class F>
    void run(const pg::connect_options& connect, F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            pool connections(here, "main", options_, make_connector(here, connect));
            co_await connections.open();
            co_await body(connections);
            co_await connections.close(5s);
            EXPECT_EQ(connections.stats().size, 0U);
        });
    }
    template <class F>
    void run(F body)
    {
        run(pg::connect_options::parse(scratch_.dsn()), std::move(body));
    }

    /// A role without privileges that signs in with a password.
    struct plain_role {
        std::string name;
        explicit plain_role(const std::string& options) : name(fmt::format("tc_plain_{}", ::getpid()))
        {
            test::run_sql(
                test::dsn(), fmt::format("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN {1}", name, options));
        }
        plain_role(plain_role&&) = delete;
        plain_role& operator=(plain_role&&) = delete;
        ~plain_role() { test::run_sql(test::dsn(), "DROP ROLE " + name); }
    };

    pool_options options_;
    test::scratch_database scratch_{"pool"};
};

TEST_F(pool_on_server, what_a_session_kept_is_gone_for_the_next_and_its_statements_are_not)
{
    options_.maximum = 1;
    scratch_.run("CREATE TABLE item (id int); INSERT INTO item VALUES (7); CREATE SCHEMA other");
    run([](pool& connections) -> asio::awaitable<void> {
        std::int32_t pid = 0;
        {
            const auto mine = co_await connections.acquire({});
            pid = mine->backend_pid();
            EXPECT_EQ(co_await mine->fetchval<std::int32_t>("SELECT id FROM item"), 7);
            co_await mine->run_script(
                {"SET search_path = other, public; SET ROLE tc_trust; CREATE TEMP TABLE item (id int); LISTEN news; "
                 "SELECT pg_advisory_lock(42); DECLARE held CURSOR WITH HOLD FOR SELECT 1",
                 nullptr},
                {});
        }
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), pid);
        EXPECT_EQ(co_await next->fetchval<std::string>("SHOW search_path"), "\"$user\", public");
        EXPECT_NE(co_await next->fetchval<std::string>("SELECT current_user::text"), "tc_trust");
        EXPECT_EQ(co_await next->fetchval<std::int32_t>("SELECT id FROM item"), 7);
        EXPECT_EQ(
            co_await next->fetchval<std::int64_t>(
                "SELECT (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_cursors WHERE "
                "is_holdable) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = "
                "pg_backend_pid())"),
            0);
        EXPECT_EQ(
            co_await next->fetchval<std::int64_t>(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT id FROM item'"),
            1)
            << "prepared statements stay";
    });
}

using runner = asio::awaitable<void> (*)(physical_connection&, sql_text);

asio::awaitable<void> run_as_script(physical_connection& on, sql_text text)
{
    co_await on.run_script(std::move(text), {});
}

asio::awaitable<void> run_as_statement(physical_connection& on, sql_text text)
{
    co_await on.run({.sql = std::move(text), .arguments = {}});
}

asio::awaitable<void> run_as_batch(physical_connection& on, sql_text text)
{
    pg::batch several;
    several.add_execute("SELECT 1");
    several.put_text(0, std::move(text));
    auto answers = co_await on.run_batch(std::move(several));
}

asio::awaitable<void> run_many_times(physical_connection& on, sql_text text)
{
    struct once final : pg::detail::row_source {
        bool next(pg::parameters&) override { return std::exchange(left_, false); }
        bool rewind() override { return left_ = true; }

    private:
        bool left_ = true;
    };
    co_await on.run_many({.sql = std::move(text), .rows = std::make_unique<once>()});
}

asio::awaitable<void> run_as_cursor(physical_connection& on, sql_text text)
{
    const auto opened = co_await on.open_cursor({.sql = std::move(text), .arguments = {}}, {});
    co_await opened->close();
}

TEST_F(pool_on_server, temporary_objects_are_gone_for_the_next_whatever_made_them)
{
    options_.maximum = 1;
    scratch_.run("CREATE TABLE item (id int); INSERT INTO item VALUES (7)");
    run([](pool& connections) -> asio::awaitable<void> {
        const auto pid = (co_await connections.acquire({}))->backend_pid();
        for (const char* text :
             {"CREATE TEMP TABLE item (id int)", "CREATE TEMPORARY TABLE item AS SELECT 1 AS id",
              "create /* our own */ local\ntemp table item as select 1 as id", "SELECT 1 AS id INTO TEMP item",
              "SELECT 1 AS id INTO TEMPORARY TABLE item", "CREATE TEMP VIEW item AS SELECT 1 AS id",
              "CREATE OR REPLACE TEMPORARY VIEW item AS SELECT 1 AS id", "CREATE TEMP SEQUENCE item",
              "CREATE TABLE pg_temp.item (id int)", "CREATE VIEW \"pg_temp\".item AS SELECT 1 AS id",
              "DO $$ BEGIN CREATE TEMP TABLE item (id int); END $$",
              "DO 'BEGIN EXECUTE ''CREATE TEMP TABLE item (id int)''; END'"}) {
            // The second time the statement is known to the connection.
            for (const runner how :
                 {run_as_script, run_as_statement, run_as_statement, run_as_batch, run_many_times, run_as_cursor}) {
                {
                    const auto mine = co_await connections.acquire({});
                    co_await how(*mine, runtime_sql(text).text());
                    EXPECT_TRUE(mine->is_altered()) << text;
                }
                const auto next = co_await connections.acquire({});
                EXPECT_EQ(next->backend_pid(), pid);
                EXPECT_EQ(co_await next->fetchval<std::int32_t>("SELECT id FROM item"), 7) << text;
            }
        }
        const auto mine = co_await connections.acquire({});
        (void)co_await mine->execute("CREATE TABLE lasting (temp int, temporary text)");
        (void)co_await mine->execute("INSERT INTO lasting (temp) VALUES (1)");
        (void)co_await mine->fetch("SELECT temp, temporary FROM lasting temp");
        EXPECT_FALSE(mine->is_altered()) << "such things cost no reset";
    });
}

// [pool-hooks]
asio::awaitable<void> set_up(physical_connection& made)
{
    co_await made.execute("SET search_path = trading, public");
}

void set_hooks(pool_options& options)
{
    options.hooks.on_connect = set_up;
    options.hooks.on_release = [](physical_connection& returned) {
        return returned.parameter("TimeZone") == "Etc/UTC";
    };
}
// [/pool-hooks]

TEST_F(pool_on_server, hooks_see_the_real_connection)
{
    options_.maximum = 1;
    set_hooks(options_);
    auto connect = pg::connect_options::parse(scratch_.dsn());
    connect.settings["TimeZone"] = "Etc/UTC";
    run(connect, [](pool& connections) -> asio::awaitable<void> {
        std::int32_t first = 0;
        {
            const auto mine = co_await connections.acquire({});
            first = mine->backend_pid();
            EXPECT_EQ(co_await mine->fetchval<std::string>("SHOW search_path"), "trading, public");
            (void)co_await mine->execute("SET search_path = elsewhere");
        }
        {
            const auto mine = co_await connections.acquire({});
            EXPECT_EQ(mine->backend_pid(), first);
            EXPECT_EQ(co_await mine->fetchval<std::string>("SHOW search_path"), "trading, public")
                << "what the hook sets survives the reset";
            // Seen by no tag, but reported by the server.
            EXPECT_EQ(
                co_await mine->fetchval<std::string>("SELECT set_config('TimeZone', 'Asia/Tokyo', false)"),
                "Asia/Tokyo");
        }
        EXPECT_NE((co_await connections.acquire({}))->backend_pid(), first);
    });
}

TEST_F(pool_on_server, settings_of_a_transaction_cost_no_reset)
{
    run([](pool& connections) -> asio::awaitable<void> {
        const auto mine = co_await connections.acquire({});
        co_await mine->run_script({"BEGIN; SET LOCAL statement_timeout = 1000; SELECT 1", nullptr}, {});
        (void)co_await mine->execute("SET LOCAL lock_timeout = 1000");
        co_await mine->run_script({"COMMIT", nullptr}, {});
        EXPECT_FALSE(mine->is_altered());
        (void)co_await mine->execute("SET lock_timeout = 1000");
        EXPECT_TRUE(mine->is_altered());
    });
}

TEST_F(pool_on_server, a_network_that_forgot_its_connections_costs_one_check)
{
    options_.minimum = 3;
    options_.idle_check_after = 0ms;
    options_.validation_timeout = 50ms;
    test::run([this]() -> asio::awaitable<void> {
        const observe::capture log;
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch_.tcp_dsn());
        pool connections(here, "main", options_, make_connector(here, pg::connect_options::parse(gate.dsn())));
        co_await connections.open();
        gate.for_each([](network_gate::link& link) { link.set({.what = test::traffic::mode::drop}); });
        {
            const auto next = co_await connections.acquire({});
            EXPECT_EQ(co_await next->fetchval<std::int32_t>("SELECT 1"), 1);
        }
        const auto told = [&log] {
            return std::ranges::count(log.messages(), std::string("an idle connection did not answer and was closed"));
        };
        while (told() == 0 || connections.stats().idle != 3)
            co_await settle(1);
        EXPECT_EQ(told(), 1);
        EXPECT_EQ(gate.accepted(), 6U) << "what was silent as long is replaced, what is new is not";
        co_await connections.close(5s);
    });
}

TEST_F(pool_on_server, sessions_that_were_killed_while_idle_are_not_lent)
{
    options_.minimum = 3;
    options_.idle_check_after = 0ms;
    run([this](pool& connections) -> asio::awaitable<void> {
        scratch_.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
                     "pid <> pg_backend_pid()");
        for (int i = 0; i < 3; ++i) {
            const auto next = co_await connections.acquire({});
            EXPECT_EQ(co_await next->fetchval<std::int32_t>("SELECT 1"), 1);
        }
    });
}

TEST_F(pool_on_server, one_that_is_full_is_worked_with)
{
    const plain_role role("PASSWORD 'one' CONNECTION LIMIT 2");
    options_.minimum = 4;
    options_.maximum_connecting = 1; // sessions that are being refused count, too
    run(pg::connect_options::parse(test::tcp_dsn_for(role.name, "one")),
        [](pool& connections) -> asio::awaitable<void> {
            EXPECT_EQ(connections.stats().size, 2U);
            int served = 0;
            const auto here = co_await asio::this_coro::executor;
            const auto work = [&]() -> asio::awaitable<void> {
                const auto mine = co_await connections.acquire({});
                EXPECT_EQ(co_await mine->fetchval<std::int32_t>("SELECT 1 FROM pg_sleep(0.001)"), 1);
                ++served;
            };
            test::gate done;
            for (int i = 0; i < 20; ++i) {
                asio::co_spawn(here, work(), [&](const std::exception_ptr& failed) {
                    EXPECT_FALSE(failed);
                    if (served == 20)
                        done.open();
                });
            }
            co_await done.wait();
            EXPECT_LE(connections.stats().size, 2U);
        });
}

TEST_F(pool_on_server, a_rotated_password_is_asked_for_again)
{
    const plain_role role("PASSWORD 'one'");
    auto connect = pg::connect_options::parse(test::tcp_dsn_for(role.name, ""));
    std::vector<std::string> answers{"one", "one", "two"}; // the last one again and again
    std::size_t asked = 0;
    connect.provide_password = [&](const pg::host_address&) -> asio::awaitable<std::string> {
        co_return answers[std::min(asked++, answers.size() - 1)];
    };
    run(connect, [&](pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        EXPECT_EQ(asked, 1U);
        test::run_sql(test::dsn(), fmt::format("ALTER ROLE {} PASSWORD 'two'", role.name));
        EXPECT_EQ(connections.evict(), 1U);
        EXPECT_EQ(co_await mine->fetchval<std::int32_t>("SELECT 1"), 1) << "who has a connection keeps it";
        mine.reset();
        // The provider is late with its news: it is asked once more before the caller is told.
        mine = co_await connections.acquire({});
        EXPECT_EQ(asked, 3U);
        EXPECT_EQ(co_await mine->fetchval<std::int32_t>("SELECT 1"), 1);
    });
}

TEST_F(pool_on_server, a_wrong_password_is_told_to_the_caller_after_two_attempts)
{
    const plain_role role("PASSWORD 'one'");
    options_.minimum = 0;
    auto connect = pg::connect_options::parse(test::tcp_dsn_for(role.name, ""));
    int asked = 0;
    connect.provide_password = [&asked](const pg::host_address&) -> asio::awaitable<std::string> {
        ++asked;
        co_return "wrong";
    };
    run(connect, [&](pool& connections) -> asio::awaitable<void> {
        EXPECT_THROW((void)co_await connections.acquire({}), invalid_password);
        EXPECT_EQ(asked, 2);
    });
    connect.provide_password = nullptr;
    connect.password = "wrong";
    run(connect, [&](pool& connections) -> asio::awaitable<void> {
        EXPECT_THROW((void)co_await connections.acquire({}), invalid_password);
    });
}

TEST_F(pool_on_server, a_forked_child_does_not_end_its_parents_sessions)
{
    test::run([this]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        std::optional<pool> connections;
        connections.emplace(here, "main", options_, make_connector(here, pg::connect_options::parse(scratch_.dsn())));
        co_await connections->open();
        co_await settle();
        lease mine = co_await connections->acquire({});
        (void)co_await mine->execute("BEGIN");
        const pid_t child = ::fork();
        if (child == 0) {
            mine.reset();
            connections.reset();
            ::_exit(0);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        EXPECT_EQ(co_await mine->fetchval<std::int32_t>("SELECT 1"), 1);
        (void)co_await mine->execute("COMMIT");
        mine.reset();
        co_await connections->close(5s);
    });
}

} // namespace
} // namespace tradecore
