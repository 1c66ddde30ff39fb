// SPDX-License-Identifier: Apache-2.0
// What servers do to databases when they stop, crash, move, or have no room.
#include "chaos/support/fault_test.hpp"
#include "db/support/gate.hpp"
#include "pg/support/task.hpp"
#include "support/child_process.hpp"

#include <tradecore/errors.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::ending;
using test::is_lost_connection;
using test::network_gate;
using test::note;
using testing::AnyOf;

class server_fault : public test::own_server_test {
protected:
    using own_server_test::own_server_test;

    /// @returns the server process that sleeps for somebody, empty when there is none.
    [[nodiscard]] std::string sleeper() const
    {
        return sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    }
    database_options at(const std::string& dsn) const
    {
        auto options = test::quick_options(2);
        options.name = "other";
        options.pool.minimum = 0;
        options.connect = pg::connect_options::parse(dsn);
        return options;
    }
    [[nodiscard]] std::string dsn_of(const std::string& user, const std::string& password = {}) const
    {
        return "postgresql://" + user + (password.empty() ? "" : ":" + password) +
               "@/postgres?host=" + test::percent_encoded(server_.socket_folder().string()) +
               "&port=" + std::to_string(server_.port());
    }
};

// --- ends ------------------------------------------------------------------------------------------

enum class fall : std::uint8_t { fast_shutdown, immediate_shutdown, killed_backend };

class falling_server : public server_fault, public testing::WithParamInterface<fall> {
protected:
    void let_it_fall()
    {
        switch (GetParam()) {
        case fall::fast_shutdown:
            stop_fast();
            server_.start();
            break;
        case fall::immediate_shutdown:
            stop_immediately();
            server_.start();
            break;
        case fall::killed_backend: // the others are ended, too, and the server comes back by itself
            ::kill(std::stoi(sleeper()), SIGKILL);
            break;
        }
    }
};

std::string name_of(fall what)
{
    switch (what) {
    case fall::fast_shutdown:
        return "fast_shutdown";
    case fall::immediate_shutdown:
        return "immediate_shutdown";
    case fall::killed_backend:
        break;
    }
    return "killed_backend";
}

/// @returns the error of who was waiting for an answer. In an immediate shutdown a session says goodbye when it gets to
/// it before it is ended.
testing::Matcher<std::string> what_is_said(fall what)
{
    switch (what) {
    case fall::fast_shutdown:
        return "57P01";
    case fall::immediate_shutdown:
        return AnyOf("57P01", "connection_error");
    case fall::killed_backend:
        break;
    }
    return "connection_error";
}

INSTANTIATE_TEST_SUITE_P(
    each, falling_server, testing::Values(fall::fast_shutdown, fall::immediate_shutdown, fall::killed_backend),
    [](const auto& tried) { return name_of(tried.param); });

TEST_P(falling_server, ends_statements_and_transactions_with_typed_errors_and_serves_again)
{
    std::string transaction_ended;
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        test::gate fallen;
        bool inside = false;
        test::task<std::string> statement(
            executor, end_of(main.execute("INSERT INTO note SELECT 1, pg_sleep(600)::text")));
        test::task<std::string> transaction(executor, end_of(main.transaction([&]() -> asio::awaitable<void> {
                                                co_await note(main, 2);
                                                if (!std::exchange(inside, true))
                                                    (void)co_await fallen.wait();
                                                co_await note(main, 3);
                                            })));
        while (!inside || sleeper().empty())
            co_await test::moment();
        let_it_fall();
        fallen.open();
        EXPECT_THAT(co_await statement.result(), what_is_said(GetParam()));
        transaction_ended = co_await transaction.result();
        if (GetParam() != fall::killed_backend)
            EXPECT_EQ(transaction_ended, "ok") << "the server is back, and the whole has been repeated";
        else // it may meet the crash at its COMMIT, of which nothing can be proved then, or a server that recovers
            EXPECT_THAT(transaction_ended, AnyOf("ok", "commit_unknown", "connection_error", "57P02", "57P03"));
    });
    EXPECT_EQ(notes(1), 0);
    EXPECT_EQ(notes(2), notes(3));
    if (transaction_ended == "commit_unknown")
        EXPECT_LE(notes(2), 1);
    else
        EXPECT_EQ(notes(2), transaction_ended == "ok" ? 1 : 0);
}

class large_pool : public server_fault {
protected:
    large_pool() : server_fault(100) {}
};

TEST_F(large_pool, of_a_hundred_connections_is_whole_again_after_a_restart)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        std::vector<test::task<std::string>> callers;
        callers.reserve(150);
        for (int i = 0; i < 150; ++i)
            callers.emplace_back(executor, end_of(main.execute("INSERT INTO note SELECT 1, pg_sleep(600)::text")));
        while (sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != "100")
            co_await test::moment();
        stop_immediately();
        // Those that wait for a connection find that there is none to be had, or that too many others have.
        for (int i = 0; i < 100; ++i)
            EXPECT_THAT(co_await callers[static_cast<std::size_t>(i)].result(), what_is_said(fall::immediate_shutdown));
        for (auto& one : callers)
            one.cancel();
        for (std::size_t i = 100; i < callers.size(); ++i)
            EXPECT_THAT(co_await callers[i].result(), AnyOf("connection_error", "circuit_open", "cancelled"));
        server_.start();
        co_await test::until_whole(main);
        EXPECT_EQ(main.pool_stats().size, 100U);
        EXPECT_EQ(sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tradecore'"), "100");
    });
}

// --- refusals --------------------------------------------------------------------------------------

TEST_F(server_fault, a_server_that_takes_no_connections_any_more_is_asked_again)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        // It waits for the sessions it has, and answers 57P03 to everybody else.
        ::kill(server_.pid(), SIGTERM);
        database other(co_await asio::this_coro::executor, at(server_.dsn()));
        co_await other.open();
        std::string ended;
        do { // the signal may not have been seen yet
            ended = co_await end_of(other.execute("SELECT 1"));
            main.pool().end_pause();
            (void)other.pool().evict();
        } while (ended == "ok");
        EXPECT_EQ(ended, "57P03");
        EXPECT_EQ(co_await end_of(note(main, 1)), "ok") << "who is in is served";
        stop_fast();
        server_.start();
        while (co_await end_of(other.execute("SELECT 1")) != "ok")
            co_await test::moment();
        co_await other.close();
    });
    EXPECT_EQ(notes(1), 1);
}

TEST_F(server_fault, a_server_that_starts_up_is_asked_again)
{
    // Before it takes connections it looks for what it has to recover, here in a place that answers when it is told to.
    const auto archive = folder_.path() / "archive";
    ASSERT_EQ(::mkfifo(archive.c_str(), 0666), 0);
    ASSERT_EQ(::chmod(archive.c_str(), 0666), 0);
    const int answers = ::open(archive.c_str(), O_RDWR | O_CLOEXEC);
    auto wanted = server_options(folder_.path());
    wanted.settings["restore_command"] = "head -c 1 '" + archive.string() + "' > /dev/null; false";
    wanted.settings["hot_standby"] = "off"; // or those who only read were served first
    asio::thread_pool host(1);              // the server ends with the thread that has started it
    embedded::server starting(wanted);

    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        database other(co_await asio::this_coro::executor, at(server_.dsn()));
        co_await other.open();
        stop_fast();
        std::ofstream(folder_.path() / "data/recovery.signal").flush();
        auto started = asio::post(host, asio::use_future([&] { starting.start(); }));
        std::string ended;
        do { // it does not listen yet
            ended = co_await end_of(other.execute("SELECT 1"));
            EXPECT_THAT(ended, test::is_outage());
        } while (ended != "57P03");
        EXPECT_THAT(co_await end_of(note(main, 1)), test::is_outage());
        EXPECT_THAT((co_await other.health_check()).error, testing::HasSubstr("the database system is starting up"));
        EXPECT_EQ(::write(answers, std::string(1000, '.').data(), 1000), 1000);
        started.get();
        while (co_await end_of(other.execute("SELECT 1")) != "ok")
            co_await test::moment();
        co_await test::until_whole(main);
        EXPECT_EQ(co_await end_of(note(main, 2)), "ok");
        co_await other.close();
    });
    ::close(answers);
    EXPECT_EQ(notes(1), 0);
    EXPECT_EQ(notes(2), 1);
}

TEST_F(server_fault, a_pool_works_with_the_connections_it_gets)
{
    sql("CREATE ROLE few LOGIN CONNECTION LIMIT 2; GRANT ALL ON note TO few");
    run([&](database&, network_gate&) -> asio::awaitable<void> {
        auto options = at(dsn_of("few"));
        options.pool.maximum = 4;
        database few(co_await asio::this_coro::executor, options);
        co_await few.open();
        co_await note(few, 1);
        std::vector<asio::awaitable<std::string>> callers;
        callers.reserve(40);
        for (int i = 0; i < 40; ++i)
            callers.push_back(end_of(note(few, 1)));
        std::size_t served = 0;
        for (const auto& ended : co_await when_all(std::move(callers))) {
            EXPECT_EQ(ended, "ok") << "two connections serve all of them";
            served += ended == "ok" ? 1 : 0;
        }
        EXPECT_GT(served, 0U);
        EXPECT_LE(few.pool_stats().size, 2U);
        sql("ALTER ROLE few CONNECTION LIMIT 4");
        while (co_await end_of(note(few, 2)) != "ok")
            co_await test::moment();
        co_await few.close();
    });
}

TEST_F(server_fault, a_password_that_was_rotated_is_asked_for_again)
{
    sql("CREATE ROLE rotating LOGIN PASSWORD 'old'");
    run([&](database&, network_gate&) -> asio::awaitable<void> {
        std::string current = "old";
        int asked = 0;
        auto options = at(dsn_of("rotating"));
        options.connect.password.clear();
        options.connect.provide_password = [&](pg::host_address) -> asio::awaitable<std::string> {
            ++asked;
            co_return current;
        };
        database other(co_await asio::this_coro::executor, options);
        co_await other.open();
        EXPECT_EQ(co_await end_of(other.execute("SELECT 1")), "ok");
        sql("ALTER ROLE rotating PASSWORD 'new'");
        EXPECT_EQ(co_await end_of(other.execute("SELECT 1")), "ok") << "who is in stays in";
        sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rotating'");
        co_await test::settle();
        EXPECT_EQ(co_await end_of(other.execute("SELECT 1")), "28P01");
        current = "new";
        while (co_await end_of(other.execute("SELECT 1")) != "ok")
            co_await test::moment();
        EXPECT_GE(asked, 3);
        co_await other.close();
    });
}

TEST_F(server_fault, refused_credentials_are_told_to_each_caller_and_open_no_breaker)
{
    sql("CREATE ROLE rotating LOGIN PASSWORD 'right'");
    run([&](database&, network_gate&) -> asio::awaitable<void> {
        database other(co_await asio::this_coro::executor, at(dsn_of("rotating", "wrong")));
        co_await other.open();
        for (int i = 0; i < 10; ++i)
            EXPECT_EQ(co_await end_of(other.execute("SELECT 1")), "28P01");
        EXPECT_EQ(co_await end_of(other.transaction([&] { return note(other, 1); })), "28P01");
        EXPECT_EQ(other.breaker_state(), resilience::breaker_state::closed);
        EXPECT_FALSE((co_await other.health_check(5s)).reachable);
        co_await other.close();
    });
}

// --- another server --------------------------------------------------------------------------------

TEST_F(server_fault, a_failover_makes_writes_fail_until_the_standby_is_promoted)
{
    sql("INSERT INTO note VALUES (1, 'before')");
    stop_fast();
    const test::temporary_folder beside;
    test::run_program({"/bin/cp", "-a", folder_.path().string() + "/.", beside.path().string()});
    std::ofstream(beside.path() / "data/standby.signal").close();
    embedded::server standby(server_options(beside.path()));
    standby.start();
    server_.start();

    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        EXPECT_EQ(co_await end_of(note(main, 2)), "ok");
        gate.move_to(standby.dsn());
        stop_immediately();
        std::string ended;
        do { // first those who meet the end of the old server
            ended = co_await end_of(note(main, 3));
            EXPECT_THAT(ended, AnyOf("25006", is_lost_connection()));
        } while (ended != "25006");
        while (co_await end_of(main.fetch("SELECT * FROM note")) != "ok")
            co_await test::moment();
        const auto health = co_await main.health_check();
        EXPECT_EQ(health.role, "standby");
        EXPECT_EQ(test::run_sql(standby.dsn(), "SELECT pg_promote()"), "t");
        while (co_await end_of(note(main, 3)) != "ok")
            co_await test::moment();
        EXPECT_EQ(test::run_sql(standby.dsn(), "SELECT count(*) FROM note WHERE number = 3"), "1");
        server_.start(); // as many descriptors as before
    });
}

TEST_F(server_fault, a_primary_that_takes_no_writes_says_so_and_keeps_its_connections)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        sql("ALTER SYSTEM SET default_transaction_read_only = on");
        sql("SELECT pg_reload_conf()");
        while (co_await end_of(note(main, 1)) == "ok") // each session is told when it is idle
            co_await test::moment();
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(co_await end_of(note(main, 2)), "25006");
        EXPECT_EQ(gate.accepted(), 4U);
        sql("ALTER SYSTEM RESET default_transaction_read_only");
        sql("SELECT pg_reload_conf()");
        while (co_await end_of(note(main, 3)) != "ok")
            co_await test::moment();
    });
    EXPECT_EQ(notes(2), 0);
    EXPECT_EQ(notes(3), 1);
}

// --- no room ---------------------------------------------------------------------------------------

TEST_F(server_fault, a_full_disk_is_the_servers_fault_and_ends_with_it)
{
    const test::temporary_folder small;
    if (::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=4m,mode=777") != 0)
        GTEST_SKIP() << "a small file system can be made by root only, with the right to mount";
    struct unmount {
        const char* where;
        ~unmount() { ::umount2(where, MNT_DETACH); }
    } const at_the_end{small.path().c_str()};
    ::chmod(small.path().c_str(), 0777);
    std::filesystem::create_directory(small.path() / "space");
    test::run_program(
        {"/bin/chown", "--reference=" + (server_.folder() / "data").string(), (small.path() / "space").string()});
    ::chmod((small.path() / "space").c_str(), 0700);
    sql("CREATE TABLESPACE small LOCATION '" + (small.path() / "space").string() + "'");
    sql("CREATE TABLE heap (words text) TABLESPACE small");

    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto fill = [&] {
            return end_of(main.execute("INSERT INTO heap SELECT repeat('x', 1000) FROM generate_series(1, 10000)"));
        };
        std::string ended;
        do {
            ended = co_await fill();
        } while (ended == "ok");
        EXPECT_EQ(ended, "53100");
        EXPECT_EQ(gate.accepted(), 4U) << "the connection is kept";
        while (co_await end_of(main.execute("DROP TABLE heap")) != "ok")
            co_await test::moment();
        EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
    });
    EXPECT_EQ(notes(1), 1);
    sql("DROP TABLESPACE small");
}

} // namespace
} // namespace tradecore
