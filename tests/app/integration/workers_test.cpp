// SPDX-License-Identifier: Apache-2.0
#include "app/integration/simulation.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

// Simulations whose traders are shared by several processes.

namespace {

using namespace tradecore::test;
using namespace tradecore::app::testing;

namespace pg = tradecore::pg;

const arguments three{"--workers", "3"};

/// A process that is not our child, and stays the same one when its number is given to another.
class watched_process {
public:
    explicit watched_process(int pid) : descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    watched_process(const watched_process&) = delete;
    watched_process& operator=(const watched_process&) = delete;
    watched_process(watched_process&&) = delete;
    watched_process& operator=(watched_process&&) = delete;
    ~watched_process() { ::close(descriptor_); }

    void send(int signal) const { EXPECT_EQ(::syscall(SYS_pidfd_send_signal, descriptor_, signal, nullptr, 0), 0); }
    [[nodiscard]] bool is_over() const { return ends_within(0); }
    /// Returns: whether it has ended, within a time that only a process that goes on needs.
    [[nodiscard]] bool has_ended() const { return ends_within(30'000); }

private:
    [[nodiscard]] bool ends_within(int milliseconds) const
    {
        pollfd end{descriptor_, POLLIN, 0};
        return ::poll(&end, 1, milliseconds) == 1;
    }

    int descriptor_;
};

class workers : public simulation {
protected:
    /// The program with three workers, its log readable.
    [[nodiscard]] child_process started() const
    {
        auto variables = environment();
        variables["TRADECORE_LOG"] = "info";
        return {command(three), variables};
    }

    /// One of its workers, when they trade.
    static watched_process worker(const child_process& program, int number)
    {
        const auto line = fmt::format("worker {} of 3 is there pid=", number);
        const auto& log = program.error_so_far();
        const auto found = log.find(line);
        EXPECT_NE(found, std::string::npos) << log;
        return watched_process(found == std::string::npos ? 0 : std::stoi(log.substr(found + line.size())));
    }
};

TEST_F(workers, give_the_digest_of_one_process)
{
    const auto alone = simulate({});
    EXPECT_EQ(alone.at("workers").as_int64(), 1);
    for (const auto* count : {"2", "4"}) {
        const auto shared = simulate({"--workers", count});
        expect_sound(shared);
        EXPECT_EQ(shared.at("digest"), alone.at("digest")) << count << " workers";
        EXPECT_EQ(shared.at("commands"), alone.at("commands")) << count << " workers";
        EXPECT_EQ(shared.at("workers").as_int64(), std::stoi(count));
        std::int64_t sum = 0;
        for (const auto& commands : shared.at("commands_by_worker").as_array()) {
            EXPECT_GT(commands.as_int64(), 0);
            sum += commands.as_int64();
        }
        EXPECT_EQ(sum, shared.at("commands").as_int64());
        EXPECT_EQ(shared.at("redelivered").as_int64(), 0) << "the relays took for lost what was on its way";
        EXPECT_GT(shared.at("sync").as_object().at("p50_ms").as_double(), 0);
        EXPECT_EQ(shared.at("sync").as_object().at("rate"), alone.at("sync").as_object().at("rate"));
    }
}

TEST_F(workers, are_no_more_than_traders_and_need_no_more_than_one_connection_each)
{
    const auto alone = simulate({});
    const auto shared = simulate({"--workers", "64", "--connections", "8"});
    expect_sound(shared);
    EXPECT_EQ(shared.at("workers").as_int64(), std::stoi(traders));
    EXPECT_EQ(shared.at("digest"), alone.at("digest"));
}

TEST_F(workers, that_are_killed_end_the_run_by_name_and_it_can_go_on)
{
    const auto whole = simulate({});
    {
        auto running = started();
        ASSERT_TRUE(running.wait_for_line("orders 21/"));
        const auto first = worker(running, 1);
        const auto second = worker(running, 2);
        first.send(SIGSTOP); // or all might be done before anybody is killed
        second.send(SIGKILL);
        const auto ended = running.wait();
        EXPECT_EQ(ended.status, 1);
        EXPECT_NE(
            ended.err.find("worker 2 of 3 was ended by signal 9 (SIGKILL); the same command goes on"),
            std::string::npos)
            << ended.err;
        EXPECT_TRUE(first.has_ended());
    }
    const auto resumed = simulate(three);
    expect_sound(resumed);
    EXPECT_EQ(resumed.at("digest"), whole.at("digest"));
    EXPECT_GT(resumed.at("repeated").as_int64(), 0);
}

TEST_F(workers, end_with_the_program_and_another_number_of_them_can_go_on)
{
    const auto whole = simulate({});
    for (const arguments& next : {arguments{"--workers", "2"}, arguments{}}) {
        auto running = started();
        ASSERT_TRUE(running.wait_for_line("orders 42/"));
        const auto first = worker(running, 1);
        const auto second = worker(running, 2);
        second.send(SIGSTOP); // it can end only by being killed
        running.send(SIGKILL);
        EXPECT_EQ(running.wait().status, 128 + SIGKILL);
        EXPECT_TRUE(first.has_ended());
        EXPECT_TRUE(second.has_ended());
        const auto resumed = simulate(next);
        expect_sound(resumed);
        EXPECT_EQ(resumed.at("digest"), whole.at("digest"));
        EXPECT_GT(resumed.at("repeated").as_int64(), 0);
    }
}

TEST_F(workers, leave_it_to_the_program_what_a_signal_to_all_of_them_means)
{
    const auto whole = simulate({});
    for (const int signal : {SIGTERM, SIGINT}) {
        auto running = started();
        ASSERT_TRUE(running.wait_for_line("orders 21/"));
        const auto first = worker(running, 1);
        const auto second = worker(running, 2);
        first.send(signal);
        second.send(signal);
        ASSERT_TRUE(running.wait_for_line("orders 63/"));
        second.send(SIGSTOP);
        running.send(signal);
        const auto ended = running.wait();
        EXPECT_EQ(ended.status, 128 + signal) << ended.err;
        EXPECT_NE(ended.err.find("interrupted"), std::string::npos) << ended.err;
        EXPECT_EQ(ended.err.find("was ended by"), std::string::npos) << ended.err;
        EXPECT_TRUE(first.has_ended());
        EXPECT_TRUE(second.has_ended());
    }
    EXPECT_EQ(simulate(three).at("digest"), whole.at("digest"));
}

TEST_F(workers, that_are_still_there_keep_the_next_program_out)
{
    run([&]() -> boost::asio::awaitable<void> {
        const auto left = co_await pg::connection::connect(
            co_await boost::asio::this_coro::executor, pg::connect_options::parse(main_.dsn()));
        co_await left->execute("SELECT pg_advisory_lock_shared(hashtextextended('tradecore_simulation_worker', 0))");
        const auto refused = run_program(command({}), environment());
        EXPECT_EQ(refused.status, 1);
        EXPECT_NE(refused.err.find("another program runs a simulation in the database main"), std::string::npos)
            << refused.err;
    });
    expect_sound(simulate({}));
}

TEST_F(workers, say_in_the_database_that_they_are_there)
{
    simulate({"--keep"});
    run([&]() -> boost::asio::awaitable<void> {
        // They begin with what is recorded already; nobody can look that up now, so nobody is done.
        const auto hold = co_await pg::connection::connect(
            co_await boost::asio::this_coro::executor, pg::connect_options::parse(main_.dsn()));
        co_await hold->execute("BEGIN");
        co_await hold->execute("LOCK TABLE es.commands");
        auto running = started();
        const watched_process program(running.pid());
        const auto locks = [&] {
            return main_.run(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
        };
        auto seen = locks();
        while (seen != "3" && !program.is_over())
            seen = locks();
        EXPECT_EQ(seen, "3");
        running.send(SIGKILL);
        running.wait();
        co_await hold->execute("ROLLBACK");
    });
    expect_sound(simulate({}));
}

TEST_F(workers, tell_why_they_fail)
{
    simulate({"--keep"});
    main_.run("ALTER FUNCTION es.append RENAME TO append_elsewhere"); // the program itself has nothing to append
    const auto failed = run_program(command({"--workers", "2"}), environment());
    EXPECT_EQ(failed.status, 1);
    EXPECT_NE(failed.err.find("of 2: "), std::string::npos) << failed.err;
    EXPECT_NE(failed.err.find("es.append"), std::string::npos) << failed.err;
}

TEST_F(workers, are_refused_by_name_when_there_are_too_few_connections_or_too_many_of_them)
{
    const auto refused = [&](const arguments& further, std::map<std::string, std::string> variables,
                             std::string_view name) {
        variables.merge(environment());
        const auto done = run_program(command(further), variables);
        EXPECT_EQ(done.status, 2) << done.err;
        EXPECT_NE(done.err.find(name), std::string::npos) << done.err;
    };
    refused(
        {"--workers", "4", "--connections", "4"}, {},
        "--connections: 4 connections are too few for 4 workers and the process that starts them");
    refused({"--workers", "4"}, {{"PG_POOL_MAX_SIZE", "4"}}, "PG_POOL_MAX_SIZE: 4 connections are too few");
    refused({"--workers", "4"}, {{"VB_PG_POOL_MAX_SIZE", "3"}}, "VB_PG_POOL_MAX_SIZE: 3 connections are too few");
    refused({"--workers", "0"}, {}, "--workers");
    refused({"--workers", "65"}, {}, "--workers");
}

TEST(embedded_workers, find_the_server_of_the_program)
{
    const auto folder = tradecore::test::temporary_root() / fmt::format("tc-workers-{}", ::getpid());
    const std::map<std::string, std::string> none{
        {"POSTGRES_DSN", ""},
        {"VB_POSTGRES_DSN", ""},
        {"DATABASE_URL", ""},
        {"VB_DATABASE_URL", ""},
        {"TRADECORE_LOG", "error"}};
    const arguments command{TRADECORE_BINARY, "simulate", "--traders",     "18",        "--orders", "90",
                            "--json",         "--data",   folder.string(), "--workers", "18"};
    const auto done = run_program(command, none);
    EXPECT_EQ(done.status, 0) << done.err;
    if (done.status == 0) {
        EXPECT_EQ(boost::json::parse(done.out).as_object().at("workers").as_int64(), 18);
    }
    std::filesystem::remove_all(folder);
}

} // namespace
