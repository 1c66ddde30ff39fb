// SPDX-License-Identifier: Apache-2.0
// What sessions meet: limits of the server, other sessions, and changes of what they know.
#include "chaos/support/fault_test.hpp"
#include "db/support/gate.hpp"
#include "pg/support/task.hpp"

#include <tradecore/errors.hpp>

#include <cstdint>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::flow;
using test::network_gate;
using test::note;
using testing::AnyOf;
using testing::Each;

class session_fault : public test::shared_server_test {
protected:
    using shared_server_test::shared_server_test;

    void make_accounts(int count) const
    {
        scratch_.run(
            "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);"
            "INSERT INTO account SELECT n, 100 FROM generate_series(1, " +
            std::to_string(count) + ") n");
    }
    [[nodiscard]] std::string balances() const
    {
        return scratch_.run("SELECT string_agg(balance::text, ' ' ORDER BY id) FROM account");
    }
    static asio::awaitable<void> add(database& main, int id, int amount)
    {
        (void)co_await main.execute("UPDATE account SET balance = balance + $2 WHERE id = $1", id, amount);
    }
};

// --- ended by the server ---------------------------------------------------------------------------

TEST_F(session_fault, a_terminated_backend_is_a_typed_error_and_replaced)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        const test::task<std::string> waiting(
            co_await asio::this_coro::executor, end_of(main.execute("INSERT INTO note SELECT 1, pg_sleep(600)::text")));
        auto statement = waiting;
        while (scratch_.run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                            "datname = current_database() AND wait_event = 'PgSleep'") == "0")
            co_await test::moment();
        EXPECT_EQ(co_await statement.result(), "57P01");
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(session_fault, the_limit_of_an_idle_transaction_ends_it_and_not_the_pool)
{
    options_.connect.settings["idle_in_transaction_session_timeout"] = "20";
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        int told = 0;
        gate.when(flow::to_client, "25P03", [&](network_gate::link&) { ++told; });
        const auto ended = co_await end_of(main.transaction([&]() -> asio::awaitable<void> {
            const int before = told;
            co_await note(main, 1);
            co_await gate.until([&] { return told > before; });
            co_await note(main, 1);
        }));
        EXPECT_EQ(ended, "25P03");
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(session_fault, the_limit_of_an_idle_session_costs_no_call)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        int told = 0;
        gate.when(flow::to_client, "57P05", [&](network_gate::link&) { ++told; });
        {
            // Of these two only, and in a way that the pool takes no notice of: who comes next is not to meet it.
            std::vector<lease> both;
            for (int i = 0; i < 2; ++i)
                both.push_back(co_await main.pool().acquire({}));
            for (auto& one : both)
                (void)co_await one->fetchval<std::string>("SELECT set_config('idle_session_timeout', '100', false)");
        }
        const auto gone = [&] {
            bool all = told >= 2;
            gate.for_each([&](network_gate::link& on) { all = all && on.number() > 2; });
            return all;
        };
        co_await gate.until(gone);
        gate.when(flow::to_client, "", nullptr);
        co_await test::until_ends_have_come(gate);
        EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
    });
    EXPECT_EQ(notes(1), 1);
}

TEST_F(session_fault, a_lock_that_is_not_to_be_had_in_time_is_an_answer)
{
    make_accounts(1);
    options_.connect.settings["lock_timeout"] = "20";
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await add(main, 1, 1);
            const auto other = co_await main.outside([&] { return end_of(add(main, 1, 10)); });
            EXPECT_EQ(other, "55P03");
        });
        EXPECT_EQ(gate.accepted(), 2U) << "both connections are kept";
    });
    EXPECT_EQ(balances(), "101");
}

TEST_F(session_fault, a_statement_that_takes_too_long_is_stopped_and_its_connection_kept)
{
    options_.command_timeout = 300ms; // what else is asked must be done before
    options_.connect.cancel_timeout = 1min;
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        std::string ended;
        do // the client's limit is a little later, and may be noticed first when the machine is busy
            ended = co_await end_of(main.execute("SELECT pg_sleep(600)"));
        while (ended == "timeout_error");
        EXPECT_EQ(ended, "57014");
        EXPECT_EQ(main.statistics().pool.connects, 2U);
    });
}

// --- conflicts -------------------------------------------------------------------------------------

class five_sessions : public session_fault {
protected:
    five_sessions() : session_fault(5) {}
};

TEST_F(five_sessions, that_deadlock_in_a_ring_all_succeed)
{
    make_accounts(5);
    scratch_.run("ALTER DATABASE " + scratch_.name() + " SET deadlock_timeout = '10ms'");
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        int attempts = 0;
        int locked = 0;
        test::gate all_locked;
        std::vector<asio::awaitable<void>> movers;
        const auto move = [&](int from) {
            return main.transaction(
                [&, from]() -> asio::awaitable<void> {
                    ++attempts;
                    co_await add(main, from, -1);
                    if (++locked == 5)
                        all_locked.open();
                    (void)co_await all_locked.wait();
                    co_await add(main, from % 5 + 1, 1);
                },
                {.max_attempts = 20});
        };
        for (int from = 1; from <= 5; ++from)
            movers.push_back(move(from));
        co_await when_all(std::move(movers));
        EXPECT_GT(attempts, 5);
    });
    EXPECT_EQ(balances(), "100 100 100 100 100");
}

TEST_F(five_sessions, that_all_write_what_the_others_have_read_lose_no_update)
{
    make_accounts(1);
    int succeeded = 0;
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        const auto add_one = [&]() -> asio::awaitable<std::string> {
            co_return co_await end_of(main.transaction(
                [&]() -> asio::awaitable<void> {
                    const auto now = co_await main.fetchval<std::int32_t>("SELECT balance FROM account WHERE id = 1");
                    (void)co_await main.execute("UPDATE account SET balance = $1 WHERE id = 1", now + 1);
                },
                {.isolation = isolation_level::serializable, .max_attempts = 50}));
        };
        std::vector<asio::awaitable<std::string>> storm;
        storm.reserve(40);
        for (int i = 0; i < 40; ++i)
            storm.push_back(add_one());
        for (const auto& ended : co_await when_all(std::move(storm))) {
            EXPECT_THAT(ended, AnyOf("ok", "40001"));
            succeeded += ended == "ok" ? 1 : 0;
        }
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
    });
    EXPECT_GT(succeeded, 0);
    EXPECT_EQ(balances(), std::to_string(100 + succeeded));
}

// --- what was known changes ------------------------------------------------------------------------

TEST_F(session_fault, a_schema_that_changes_is_noticed_on_every_connection)
{
    make_accounts(1);
    scratch_.run("CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE account ADD mood mood DEFAULT 'calm'");
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        // Each connection in its turn has both statements prepared.
        const auto look = [&]() -> asio::awaitable<std::string> {
            auto rows = co_await main.fetch("SELECT * FROM account");
            co_return std::to_string(rows.columns().size()) + " " +
                co_await main.fetchval<std::string>("SELECT mood FROM account WHERE id = 1");
        };
        const auto look_everywhere = [&]() -> asio::awaitable<std::vector<std::string>> {
            auto first = co_await main.pool().acquire({});
            std::vector<std::string> seen;
            seen.push_back(co_await look());
            auto second = co_await main.pool().acquire({});
            first.reset();
            seen.push_back(co_await look());
            co_return seen;
        };
        EXPECT_THAT(co_await look_everywhere(), Each("3 calm"));
        scratch_.run("ALTER TABLE account ADD more text");
        EXPECT_THAT(co_await look_everywhere(), Each("4 calm"));
        scratch_.run("ALTER TYPE mood ADD VALUE 'wild'");
        scratch_.run("UPDATE account SET mood = 'wild'");
        EXPECT_THAT(co_await look_everywhere(), Each("4 wild"));
        scratch_.run("ALTER TABLE account ALTER mood TYPE text USING 'as text', DROP more");
        EXPECT_THAT(co_await look_everywhere(), Each("3 as text"));
        scratch_.run("DROP TABLE account");
        EXPECT_EQ(co_await end_of(look()), "42P01");
        EXPECT_EQ(gate.accepted(), 2U);
    });
}

// --- what cannot be said ---------------------------------------------------------------------------

TEST_F(session_fault, text_that_is_none_is_refused_and_costs_no_connection)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        // NUL is found here, before anything is sent; what is no UTF-8 is found by the server.
        for (const auto& [text, told] :
             {std::pair(std::string("a\0b", 3), "argument_error"), std::pair(std::string("a\xff\xfe"), "22021")}) {
            const std::vector<std::tuple<std::int32_t, std::string>> rows{{1, "good"}, {1, text}};
            const auto read = [&]() -> asio::awaitable<void> {
                (void)co_await main.fetchval<std::string>("SELECT $1::text", text);
            };
            const auto write = [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("INSERT INTO note VALUES (1, $1)", text);
            };
            const auto write_after_another = [&]() -> asio::awaitable<void> {
                co_await note(main, 1);
                co_await write();
            };
            EXPECT_EQ(co_await end_of(read()), told);
            EXPECT_EQ(co_await end_of(write()), told);
            EXPECT_EQ(co_await end_of(main.execute_many("INSERT INTO note VALUES ($1, $2)", rows)), told);
            EXPECT_EQ(co_await end_of(main.copy_in("note", {"number", "words"}, rows)), told);
            EXPECT_EQ(co_await end_of(main.transaction(write_after_another)), told);
            EXPECT_EQ(co_await end_of(note(main, 2)), "ok");
        }
        EXPECT_EQ(gate.accepted(), 2U) << "both connections are kept";
    });
    EXPECT_EQ(notes(1), 0);
    EXPECT_EQ(notes(2), 2);
}

TEST_F(session_fault, more_parameters_than_the_protocol_counts_are_refused_and_cost_no_connection)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto count_them = [&](int taken, int given) -> asio::awaitable<std::int32_t> {
            pg::parameters arguments;
            for (int i = 0; i < given; ++i)
                arguments.add(std::int32_t{1});
            std::string text = "SELECT cardinality(ARRAY[";
            for (int i = 1; i <= taken; ++i)
                text += (i == 1 ? "$" : ",$") + std::to_string(i) + "::int";
            text += "])";
            const auto answer = co_await main.run({.sql = {text, nullptr}, .arguments = std::move(arguments)});
            co_return answer.at(0, 0).as<std::int32_t>();
        };
        EXPECT_EQ(co_await count_them(65'535, 65'535), 65'535);
        // The server takes as many as it likes, and says of 65,536 that they are none.
        EXPECT_EQ(co_await end_of(count_them(65'536, 65'536)), "argument_error");
        EXPECT_EQ(co_await end_of(count_them(65'536, 0)), "argument_error");
        EXPECT_EQ(gate.accepted(), 2U) << "both connections are kept";
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
    });
}

} // namespace
} // namespace tradecore
