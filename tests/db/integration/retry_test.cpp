// SPDX-License-Identifier: Apache-2.0
#include "db/support/gate.hpp"
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/embedded/server.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::error_of;
using test::is;
using test::what_of;
using testing::HasSubstr;

class retry_integration : public testing::Test {
protected:
    retry_integration()
    {
        scratch_.run("CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL);"
                     "INSERT INTO account SELECT id, 100 FROM generate_series(1, 5) AS id;"
                     // A sequence is not rolled back: it counts attempts.
                     "CREATE SEQUENCE tries;"
                     "CREATE FUNCTION fails(times int) RETURNS int LANGUAGE plpgsql AS "
                     "$$ BEGIN IF nextval('tries') <= times THEN RAISE 'as asked' USING ERRCODE = '40001'; END IF; "
                     "RETURN 1; END $$");
        scratch_.run("ALTER DATABASE " + scratch_.name() + " SET deadlock_timeout = '10ms'");
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.pool = {.minimum = 0, .maximum = 8};
        options_.pool.exhaustion_threshold = 1;
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await body(main);
            EXPECT_EQ(main.pool_stats().active, 0U);
            co_await main.close();
        });
    }

    [[nodiscard]] std::string tries() const { return scratch_.run("SELECT last_value FROM tries"); }
    [[nodiscard]] std::string balances() const
    {
        return scratch_.run("SELECT string_agg(balance::text, ' ' ORDER BY id) FROM account");
    }
    void forget_tries() const { scratch_.run("ALTER SEQUENCE tries RESTART"); }

    static asio::awaitable<void> add(database& to, std::int64_t id, std::int64_t amount)
    {
        co_await to.execute("UPDATE account SET balance = balance + $2 WHERE id = $1", id, amount);
    }

    test::scratch_database scratch_{"retry"};
    database_options options_;
};

// --- outages ---------------------------------------------------------------------------------------

TEST_F(retry_integration, a_transaction_whose_server_process_was_killed_takes_effect_once)
{
    run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            ++bodies;
            co_await add(main, 1, -10);
            if (bodies == 1) {
                const auto pid = co_await main.fetchval<std::int32_t>("SELECT pg_backend_pid()");
                scratch_.run("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
            }
            co_await add(main, 2, 10);
        });
        EXPECT_EQ(bodies, 2);
    });
    EXPECT_EQ(balances(), "90 110 100 100 100");
}

TEST_F(retry_integration, a_write_whose_server_process_was_killed_is_repeated_only_when_declared)
{
    run([&](database& main) -> asio::awaitable<void> {
        constexpr auto text = "SELECT pg_terminate_backend(pg_backend_pid()), nextval('tries')";
        const auto error = co_await error_of(main.execute(runtime_sql(text)));
        EXPECT_TRUE(is<pg::error>(error));
        EXPECT_EQ(tries(), "1");
        EXPECT_THAT(what_of(error), HasSubstr("(1 attempt, no more because it may have taken effect"));
        forget_tries();
        const auto again = co_await error_of(main.with({.idempotent = true}).execute(runtime_sql(text)));
        EXPECT_EQ(tries(), "3");
        EXPECT_THAT(what_of(again), HasSubstr("(3 attempts, no more because the attempts are used up)"));
    });
}

TEST_F(retry_integration, every_command_waits_for_a_connection_again)
{
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        int refusals = 0;
        const auto connect = make_connector(here, options_.connect);
        options_.breaker_enabled = false;
        options_.retry_budget.minimum = 100;
        options_.retries.outage.backoff = {.base = 1ms, .cap = 1ms};
        options_.pool.connect_backoff = 1ms;
        options_.pool.connect_backoff_limit = 1ms;
        database main(here, options_, [&]() -> asio::awaitable<std::unique_ptr<physical_connection>> {
            if (refusals-- > 0)
                throw pg::connection_error(pg::client_errc::cannot_connect, "refused as asked");
            co_return co_await connect();
        });
        co_await main.open();
        const auto refuse = [&] {
            EXPECT_LE(refusals, 0);
            main.pool().evict();
            refusals = 2;
        };
        const auto ids = std::views::iota(std::int64_t{10}, std::int64_t{12});

        refuse();
        co_await main.execute("SELECT 1");
        refuse();
        co_await main.run_script({"SELECT 1; SELECT 2", nullptr});
        refuse();
        EXPECT_EQ(co_await main.execute_many("INSERT INTO account VALUES ($1, 0)", ids), 2U);
        refuse();
        {
            auto cursor = co_await main.cursor<std::int64_t>("SELECT id FROM account");
            EXPECT_EQ((co_await cursor.next()).size(), 5U + 2U);
            co_await cursor.close();
        }
        refuse();
        EXPECT_EQ(co_await main.copy_in("account", {"id", "balance"}, std::vector{std::tuple(20L, 0L)}), 1U);
        refuse();
        {
            auto rows = co_await main.copy_out<std::int64_t>("SELECT id FROM account");
            while (!(co_await rows.next()).empty()) {
            }
        }
        refuse();
        pg::batch todo;
        const auto one = todo.add<std::int32_t>("SELECT 1");
        EXPECT_EQ((co_await main.run(std::move(todo))).get(one), 1);
        refuse();
        {
            const auto listener = co_await main.listen("c");
            EXPECT_EQ(listener.channel(), "c");
        }
        refuse();
        co_await main.transaction([&]() -> asio::awaitable<void> { co_await add(main, 1, 1); });
        EXPECT_LE(refusals, 0);
        co_await main.close();
    });
}

TEST(retry_of_a_restarted_server, lets_reading_callers_notice_nothing)
{
    const test::temporary_folder folder;
    embedded::options small;
    small.folder = folder.path();
    small.settings = {{"fsync", "off"}, {"shared_buffers", "16MB"}};
    embedded::server server(small);
    server.start();

    database_options options;
    options.connect = pg::connect_options::parse(server.dsn());
    options.pool = {.minimum = 2, .maximum = 4};
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 10ms;
    options.breaker_enabled = false; // it would refuse callers for a while, which is another matter
    options.retries.outage = {.max_attempts = 1'000, .backoff = {.base = 1ms, .cap = 20ms}, .uses_budget = false};

    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        database main(here, options);
        co_await main.open();
        constexpr std::size_t callers = 3;
        std::array<int, callers> answers{};
        std::size_t running = callers;
        bool enough = false;
        const auto call = [&](std::size_t which) -> asio::awaitable<void> {
            while (!enough) {
                EXPECT_EQ(
                    co_await main.fetchval<std::int64_t>("SELECT count(*) FROM generate_series(1, 100000)"), 100'000);
                ++answers[which];
            }
        };
        std::exception_ptr failure;
        for (std::size_t i = 0; i < callers; ++i) {
            asio::co_spawn(here, call(i), [&](const std::exception_ptr& error) {
                failure = error ? error : failure;
                --running;
            });
        }
        const auto all_have = [&](int times) {
            return std::ranges::all_of(answers, [&](int each) { return each >= times; }) || running < callers;
        };
        for (int restart = 1; restart <= 2; ++restart) {
            while (!all_have(3 * restart))
                co_await test::settle(1);
            server.stop();
            server.start();
        }
        const auto before = *std::ranges::max_element(answers);
        while (!all_have(before + 3))
            co_await test::settle(1);
        enough = true;
        while (running > 0)
            co_await test::settle(1);
        EXPECT_FALSE(failure) << what_of(failure);
        co_await main.close();
    });
}

// --- conflicts -------------------------------------------------------------------------------------

TEST_F(retry_integration, a_deadlock_of_five_is_resolved)
{
    run([&](database& main) -> asio::awaitable<void> {
        constexpr std::int64_t callers = 5;
        int bodies = 0;
        int locked = 0;
        test::gate all_locked;
        const auto move = [&](std::int64_t from) {
            return main.transaction(
                [&, from]() -> asio::awaitable<void> {
                    ++bodies;
                    co_await add(main, from, -1);
                    if (++locked == callers)
                        all_locked.open();
                    (void)co_await all_locked.wait();
                    co_await add(main, from % callers + 1, 1);
                },
                {.max_attempts = 20});
        };
        std::vector<asio::awaitable<void>> all;
        for (std::int64_t id = 1; id <= callers; ++id)
            all.push_back(move(id));
        co_await when_all(std::move(all));
        EXPECT_GT(bodies, callers);
    });
    EXPECT_EQ(balances(), "100 100 100 100 100");
}

TEST_F(retry_integration, a_storm_of_serialization_failures_ends_with_the_right_sum)
{
    run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        int read = 0;
        test::gate two_have_read;
        const auto caller = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i) {
                co_await main.transaction(
                    [&]() -> asio::awaitable<void> {
                        ++bodies;
                        const auto sum =
                            co_await main.fetchval<std::int64_t>("SELECT sum(balance)::bigint FROM account");
                        if (++read == 2)
                            two_have_read.open();
                        (void)co_await two_have_read.wait(); // the first two at least are in each other's way
                        co_await main.execute("UPDATE account SET balance = $1 + 1 - 400 WHERE id = 1", sum);
                    },
                    {.isolation = isolation_level::serializable, .max_attempts = 200});
            }
        };
        std::vector<asio::awaitable<void>> all;
        for (int i = 0; i < 8; ++i)
            all.push_back(caller());
        co_await when_all(std::move(all));
        EXPECT_GT(bodies, 40) << "there were no conflicts";
    });
    EXPECT_EQ(balances(), "140 100 100 100 100");
}

TEST_F(retry_integration, a_statement_that_lost_a_conflict_is_repeated_unless_a_part_may_be_done)
{
    run([&](database& main) -> asio::awaitable<void> {
        EXPECT_EQ(co_await main.fetchval<std::int32_t>("SELECT fails(2) + $1", 41), 42);
        EXPECT_EQ(tries(), "3");

        forget_tries();
        pg::batch together;
        const auto touched = together.add_execute("UPDATE account SET balance = balance + 1 WHERE id = 1");
        const auto answer = together.add<std::int32_t>("SELECT fails(2)");
        auto answers = co_await main.run(std::move(together));
        EXPECT_EQ(answers.get(touched).rows_affected(), 1U);
        EXPECT_EQ(answers.get(answer), 1);
        EXPECT_EQ(tries(), "3");
        EXPECT_EQ(balances(), "101 100 100 100 100");

        // What a procedure commits is more than its own.
        forget_tries();
        scratch_.run("CREATE PROCEDURE settle_now() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$");
        pg::batch in_parts;
        (void)in_parts.add_execute("UPDATE account SET balance = balance + 1 WHERE id = 2");
        (void)in_parts.add_execute("CALL settle_now()");
        const auto behind = in_parts.add<std::int32_t>("SELECT fails(2)");
        answers = co_await main.run(std::move(in_parts));
        EXPECT_THROW((void)answers.get(behind), serialization_failure);
        EXPECT_EQ(tries(), "1");
        EXPECT_EQ(balances(), "101 101 100 100 100");

        forget_tries();
        pg::batch alone(pg::batch_mode::each_alone);
        (void)alone.add_execute("UPDATE account SET balance = balance + 1 WHERE id = 1");
        const auto refused = alone.add<std::int32_t>("SELECT fails(2)");
        answers = co_await main.run(std::move(alone));
        EXPECT_THROW((void)answers.get(refused), serialization_failure);
        EXPECT_EQ(tries(), "1");

        forget_tries();
        EXPECT_TRUE(is<serialization_failure>(co_await error_of(main.run_script({"SELECT fails(2)", nullptr}))));
        EXPECT_EQ(tries(), "1");

        forget_tries();
        const auto times = std::views::single(2);
        EXPECT_TRUE(is<serialization_failure>(co_await error_of(main.execute_many("SELECT fails($1)", times))));
        EXPECT_EQ(tries(), "1");
    });
}

TEST_F(retry_integration, a_unique_violation_is_not_repeated)
{
    run([&](database& main) -> asio::awaitable<void> {
        const auto insert = [&]() -> asio::awaitable<void> {
            co_await main.execute("INSERT INTO account VALUES (1, nextval('tries'))");
        };
        EXPECT_TRUE(is<unique_violation>(co_await error_of(insert())));
        EXPECT_EQ(tries(), "1");
        EXPECT_TRUE(is<unique_violation>(co_await error_of(main.transaction(insert, {.idempotent = true}))));
        EXPECT_EQ(tries(), "2");
    });
}

TEST_F(retry_integration, a_body_that_wrote_in_another_database_is_not_repeated)
{
    const test::scratch_database other{"retry_other"};
    other.run("CREATE TABLE told (id int)");
    run([&](database& main) -> asio::awaitable<void> {
        auto vb_options = options_;
        vb_options.name = "vb";
        vb_options.connect = pg::connect_options::parse(other.dsn());
        database vb(co_await asio::this_coro::executor, vb_options);
        co_await vb.open();
        const auto body = [&]() -> asio::awaitable<void> {
            co_await vb.execute("INSERT INTO told VALUES (1)");
            (void)co_await main.fetchval<std::int32_t>("SELECT fails(1)");
        };
        const auto error = co_await error_of(main.transaction(body));
        EXPECT_TRUE(is<serialization_failure>(error));
        EXPECT_THAT(what_of(error), HasSubstr("its body wrote outside of the transaction"));
        EXPECT_EQ(other.run("SELECT count(*) FROM told"), "1");
        forget_tries();
        co_await main.transaction(body, {.idempotent = true});
        EXPECT_EQ(other.run("SELECT count(*) FROM told"), "3");
        co_await vb.close();
    });
}

} // namespace
} // namespace tradecore
