// SPDX-License-Identifier: Apache-2.0
// What a program does to its databases: too many descriptors, floods, tasks that end early, shutdown, fork.
#include "chaos/support/fault_test.hpp"
#include "db/support/gate.hpp"
#include "pg/support/task.hpp"
#include "support/pgbouncer.hpp"

#include <tradecore/errors.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::ending;
using test::network_gate;
using test::note;
using testing::AnyOf;

class process_fault : public test::shared_server_test {
protected:
    using shared_server_test::shared_server_test;
};

/// No descriptor more can be opened while it lives.
class no_descriptors {
public:
    no_descriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        auto now = before_;
        now.rlim_cur = 0; // those that are open stay open
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;
    no_descriptors(no_descriptors&&) = delete;
    no_descriptors& operator=(no_descriptors&&) = delete;
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST_F(process_fault, running_out_of_descriptors_hurts_new_connections_only)
{
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "the sanitizer itself opens pipes to look at memory";
#endif
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        auto options = test::quick_options(2);
        options.name = "other";
        options.pool.minimum = 0;
        options.connect = pg::connect_options::parse(test::tcp_dsn_for("tc_trust", "", scratch_.name()));
        database other(co_await asio::this_coro::executor, options);
        co_await other.open();
        {
            const no_descriptors none;
            EXPECT_EQ(co_await end_of(note(main, 1)), "ok") << "who is in is served";
            EXPECT_EQ(co_await end_of(note(other, 2)), "connection_error");
            EXPECT_EQ(co_await end_of(main.transaction([&] { return note(main, 1); })), "ok");
        }
        while (co_await end_of(note(other, 3)) != "ok")
            co_await test::moment();
        co_await other.close();
    });
    EXPECT_EQ(notes(1), 2);
    EXPECT_EQ(notes(2), 0);
    EXPECT_EQ(notes(3), 1);
}

TEST_F(process_fault, a_program_that_is_started_inherits_no_connection)
{
    // What a shell has open that was started without any care.
    const auto inherited = [] {
        FILE* const shell = ::popen("ls -l /proc/self/fd | grep -c socket:", "r");
        std::array<char, 64> said{};
        const auto length = std::fread(said.data(), 1, said.size(), shell);
        ::pclose(shell);
        return std::string(said.data(), length);
    };
    std::string before;
    std::string after;
    test::run([&]() -> asio::awaitable<void> {
        before = inherited();
        options_.connect = pg::connect_options::parse(test::tcp_dsn_for("tc_trust", "", scratch_.name()));
        database main(co_await asio::this_coro::executor, options_);
        co_await main.open();
        after = inherited();
        co_await main.close();
    });
    EXPECT_EQ(before, after);
}

TEST_F(process_fault, a_flood_of_notifications_is_bounded_and_counted)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        auto feed = co_await main.listen("flood", {.queue = 100});
        (void)co_await main.execute("SELECT pg_notify('flood', n::text) FROM generate_series(1, 20000) n");
        (void)co_await main.execute("SELECT pg_notify('flood', 'the last')");
        std::uint64_t taken = 0;
        std::uint64_t missed = 0;
        for (std::string payload; payload != "the last"; ++taken) {
            auto heard = co_await feed.next();
            missed += heard.missed;
            payload = std::move(heard.payload);
        }
        EXPECT_EQ(taken + missed, 20'001U);
        EXPECT_EQ(feed.missed(), missed);
        EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
    });
}

class busy_pool : public process_fault {
protected:
    busy_pool() : process_fault(4) {}
};

TEST_F(busy_pool, loses_no_connection_when_tasks_are_destroyed_that_hold_one)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        std::minstd_rand random(7);
        for (int round = 0; round < 20; ++round) {
            std::vector<test::task<std::string>> tasks;
            for (int i = 0; i < 12; ++i) {
                if (i % 3 == 0)
                    tasks.emplace_back(executor, end_of(main.execute("SELECT pg_sleep(600)")));
                else if (i % 3 == 1)
                    tasks.emplace_back(executor, end_of(main.transaction([&]() -> asio::awaitable<void> {
                                           co_await note(main, 1);
                                           (void)co_await main.execute("SELECT pg_sleep(600)");
                                       })));
                else
                    tasks.emplace_back(executor, end_of(note(main, 2)));
            }
            co_await test::settle(static_cast<int>(random() % 60));
            for (auto& one : tasks)
                one.cancel();
            for (auto& one : tasks)
                EXPECT_THAT(co_await one.result(), AnyOf("ok", "cancelled"));
        }
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(busy_pool, shuts_down_under_load_and_refuses_the_rest)
{
    run([&](database&, network_gate& gate) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        auto options = test::quick_options(4);
        options.name = "other";
        options.connect = pg::connect_options::parse(gate.dsn());
        for (const auto limit : {10s, 0s}) {
            database other(executor, options);
            co_await other.open();
            const auto go_on = [](database in) -> asio::awaitable<void> {
                for (;;)
                    co_await in.transaction([&] { return note(in, 1); });
            };
            std::vector<test::task<std::string>> callers;
            for (int i = 0; i < 20; ++i)
                callers.emplace_back(executor, end_of(go_on(other)));
            for (int i = 0; i < 20; ++i)
                co_await test::moment();
            co_await other.close(limit);
            // With time all come to an end of their own; without it connections are closed under who waits for an
            // answer, be it that to COMMIT.
            const testing::Matcher<std::string> wanted =
                limit > 0s ? testing::Matcher<std::string>("database_closed")
                           : AnyOf("database_closed", "connection_error", "commit_unknown");
            for (auto& one : callers)
                EXPECT_THAT(co_await one.result(), wanted);
            EXPECT_EQ(other.pool_stats().size, 0U);
        }
    });
    EXPECT_GT(notes(1), 0);
}

TEST_F(process_fault, a_pooler_that_is_restarted_is_an_outage_like_another)
{
    test::pgbouncer pooler;
    run([&](database&, network_gate&) -> asio::awaitable<void> {
        auto options = test::quick_options(2);
        options.name = "pooled";
        options.connect = pg::connect_options::parse(pooler.dsn());
        database pooled(co_await asio::this_coro::executor, options);
        co_await pooled.open();
        for (int round = 0; round < 2; ++round) {
            EXPECT_EQ(co_await end_of(pooled.execute("SELECT 1")), "ok");
            std::string inside = co_await end_of(pooled.transaction([&]() -> asio::awaitable<void> {
                (void)co_await pooled.execute("SELECT 1");
                pooler.stop();
                (void)co_await pooled.execute("SELECT 1");
            }));
            EXPECT_EQ(inside, "connection_error");
            EXPECT_THAT(co_await end_of(pooled.execute("SELECT 1")), AnyOf("connection_error", "circuit_open"));
            pooler.start();
            co_await test::until_whole(pooled);
        }
        co_await pooled.close();
    });
}

} // namespace
} // namespace tradecore
