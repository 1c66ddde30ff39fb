// SPDX-License-Identifier: Apache-2.0
#include "db/support/retry_world.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::count;
using test::error_of;
using test::fake_server;
using test::is;
using test::lost;
using test::refused;
using test::say;
using test::server_error_of;
using test::settle;
using test::what_of;
using test::without_breaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using world = test::retry_world;

TEST(retry, repeats_when_no_connection_was_to_be_had)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto& error :
             {refused(), server_error_of("57P03"), server_error_of("08001"), server_error_of("08004"),
              std::make_exception_ptr(pg::timeout_error("too slow"))}) {
            w.server.connect_errors = {error, error};
            w.time.pauses.clear();
            co_await say(main, "INSERT");
            EXPECT_THAT(w.time.pauses, ElementsAre(25ms, 50ms)) << what_of(error);
            w.server.open_connections.front()->close();
        }
        EXPECT_EQ(count(w.server, "INSERT"), 5);
    });
}

TEST(retry, waits_until_a_full_server_may_have_room)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.connect_errors = {server_error_of("53300")};
        co_await say(main, "INSERT");
        EXPECT_THAT(w.time.pauses, ElementsAre(1'025ms));
    });
}

TEST(retry, does_not_repeat_with_credentials_that_were_refused)
{
    for (const auto* state : {"28P01", "28000", "3D000"}) {
        world w;
        w.run([&](database& main) -> asio::awaitable<void> {
            w.server.connect_errors = {server_error_of(state)};
            EXPECT_TRUE(is<pg::server_error>(co_await error_of(say(main, "INSERT"))));
            EXPECT_EQ(w.server.connects_begun, 1);
        });
    }
}

TEST(retry, repeats_a_statement_that_was_the_victim_of_a_conflict)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("UPDATE", {server_error_of("40P01"), server_error_of("40001"), server_error_of("40001")});
        co_await say(main, "UPDATE");
        EXPECT_EQ(count(w.server, "UPDATE"), 4);
        // The first repetition is made at once; its pause is none.
        EXPECT_THAT(w.time.pauses, ElementsAre(5ms, 10ms));
    });
}

TEST(retry, gives_up_conflicts_after_five_attempts_and_says_so_in_an_error_of_the_same_type)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto error = co_await error_of(say(main, "FAIL 40001"));
        EXPECT_TRUE(is<serialization_failure>(error));
        EXPECT_EQ(
            what_of(error), "ERROR 40001 (serialization_failure): refused as asked "
                            "(5 attempts, no more because the attempts are used up)");
        EXPECT_EQ(count(w.server, "FAIL 40001"), 5);
    });
}

TEST(retry, does_not_repeat_a_procedure_that_may_have_committed_a_part)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("CALL p()", {server_error_of("40001")});
        EXPECT_TRUE(is<serialization_failure>(co_await error_of(say(main, "CALL p()"))));
        w.fail("CALL p()", {server_error_of("40001")});
        const auto again = main.with({.idempotent = true});
        auto session = again;
        co_await say(session, "CALL p()");
        EXPECT_EQ(count(w.server, "CALL p()"), 3);
    });
}

TEST(retry, does_not_repeat_what_the_server_refused_for_good)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto* state :
             {"23505", "22001", "42601", "25P02", "57014", "55P03", "53100", "58030", "XX000", "25006", "0A000"}) {
            const auto text = std::string("FAIL ") + state;
            auto session = main.with({.idempotent = true});
            const auto error = co_await error_of(say(session, text));
            EXPECT_EQ(count(w.server, text), 1) << state;
            EXPECT_THAT(what_of(error), testing::EndsWith("refused as asked"));
        }
        EXPECT_THAT(w.time.pauses, IsEmpty());
    });
}

TEST(retry, repeats_once_when_the_server_had_no_memory)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("INSERT", {server_error_of("53200")});
        co_await say(main, "INSERT");
        EXPECT_EQ(count(w.server, "INSERT"), 2);
        EXPECT_THAT(what_of(co_await error_of(say(main, "FAIL 53200"))), HasSubstr("2 attempts"));
        EXPECT_EQ(count(w.server, "FAIL 53200"), 2);
    });
}

TEST(retry, keeps_no_connection_on_which_the_server_found_itself_broken)
{
    for (const bool in_transaction : {false, true}) {
        world w;
        w.run([&](database& main) -> asio::awaitable<void> {
            auto broken = [&]() -> asio::awaitable<void> { co_await say(main, "FAIL XX000"); };
            auto refused = [&]() -> asio::awaitable<void> { co_await say(main, "FAIL 58030"); };
            EXPECT_TRUE(co_await error_of(in_transaction ? main.transaction(refused) : refused()));
            EXPECT_EQ(main.pool_stats().size, 1U);
            EXPECT_TRUE(co_await error_of(in_transaction ? main.transaction(broken) : broken()));
            EXPECT_EQ(main.pool_stats().size, 0U);
            co_await say(main, "a");
            EXPECT_THAT(w.server.log(), testing::EndsWith("2:a"));
        });
    }
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("COMMIT", {server_error_of("XX000")});
        EXPECT_TRUE(co_await error_of(main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "a"); })));
        EXPECT_EQ(main.pool_stats().size, 0U);
    });
}

TEST(retry, never_repeats_a_write_whose_connection_was_lost)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto& error : {lost(), server_error_of("08007"), server_error_of("40003")}) {
            w.server.clear_log();
            w.fail("INSERT", {error});
            // In a session that goes on it is not about this one.
            const bool is_of_another = what_of(error).find("08007") != std::string::npos;
            const std::string note =
                is_of_another
                    ? ""
                    : " (1 attempt, no more because it may have taken effect, and is not declared idempotent)";
            EXPECT_EQ(what_of(co_await error_of(say(main, "INSERT"))), what_of(error) + note);
            EXPECT_EQ(count(w.server, "INSERT"), 1);
            if (is_of_another)
                continue;
            auto session = main.with({.idempotent = true});
            w.fail("INSERT", {error});
            co_await say(session, "INSERT");
            EXPECT_EQ(count(w.server, "INSERT"), 3);
        }
    });
}

TEST(retry, repeats_a_statement_that_only_reads_when_its_connection_was_lost)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto* text : {"SELECT a FROM t", "VALUES (1)", "TABLE t", "SHOW server_version"}) {
            w.fail(text, {lost(), lost()});
            co_await say(main, text);
            EXPECT_EQ(count(w.server, text), 3) << text;
        }
        for (const auto* text : {"SELECT a FROM t FOR UPDATE", "SELECT place_order()", "DELETE FROM t"}) {
            w.fail(text, {lost()});
            EXPECT_TRUE(is<connection_error>(co_await error_of(say(main, text))));
            EXPECT_EQ(count(w.server, text), 1) << text;
        }
    });
}

TEST(retry, repeats_what_took_too_long_only_when_it_is_declared_idempotent)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto late = std::make_exception_ptr(pg::timeout_error("too slow"));
        w.fail("SELECT 1", {late});
        EXPECT_TRUE(is<timeout_error>(co_await error_of(say(main, "SELECT 1"))));
        EXPECT_EQ(count(w.server, "SELECT 1"), 1);
        w.fail("SELECT 1", {late});
        auto session = main.with({.idempotent = true});
        co_await say(session, "SELECT 1");
        EXPECT_EQ(count(w.server, "SELECT 1"), 3);
    });
}

TEST(retry, leaves_a_server_that_has_become_a_standby)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        // Two connections to the old primary, both idle.
        int done = 0;
        for (int i = 0; i < 2; ++i) {
            asio::co_spawn(
                co_await asio::this_coro::executor, say(main, "HOLD both"), [&](const std::exception_ptr&) { ++done; });
        }
        while (w.server.held("both").waiting() < 2)
            co_await settle(1);
        w.server.held("both").open();
        while (done < 2)
            co_await settle(1);
        w.server.on_command = [](fake_server::connection& on, const std::string& command) {
            if (on.backend_pid() <= 2)
                on.become_standby();
            if (on.backend_pid() <= 2 && command == "INSERT")
                std::rethrow_exception(server_error_of("25006"));
        };
        for (auto* each : w.server.open_connections)
            each->become_standby();
        co_await say(main, "INSERT");
        EXPECT_THAT(w.server.log(), testing::EndsWith("3:INSERT"));
        EXPECT_EQ(main.pool_stats().size, 1U);
    });
}

TEST(retry, does_not_take_a_standby_that_was_asked_for_as_a_failover)
{
    world w;
    auto options = without_breaker();
    options.connect.target_session = pg::target_session_attributes::standby;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.on_command = [](fake_server::connection& on, const std::string&) { on.become_standby(); };
            EXPECT_TRUE(is<read_only_sql_transaction>(co_await error_of(say(main, "FAIL 25006"))));
            EXPECT_EQ(count(w.server, "FAIL 25006"), 1);
            EXPECT_EQ(main.pool_stats().size, 1U);
        },
        options);
}

} // namespace
} // namespace tradecore
