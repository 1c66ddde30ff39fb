// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/fake_server.hpp"
#include "db/support/virtual_time.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::error_of;
using test::fake_server;
using test::is;
using test::server_error_of;
using test::settle;
using test::what_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::exception_ptr lost()
{
    return std::make_exception_ptr(pg::connection_error(pg::client_errc::connection_closed, "connection reset"));
}

std::exception_ptr refused()
{
    return std::make_exception_ptr(pg::connection_error(pg::client_errc::cannot_connect, "connection refused"));
}

/// Without a breaker and with a budget that is never used up, of which only some tests are.
database_options plain()
{
    database_options options;
    options.pool = {.minimum = 0, .maximum = 4};
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 1ms;
    options.breaker_enabled = false;
    options.retry_budget.minimum = 1'000;
    return options;
}

asio::awaitable<void> say(pg::session& on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

/// How often a command was carried out.
int count(const fake_server& server, std::string_view command)
{
    int found = 0;
    const auto log = server.log() + " | ";
    const auto wanted = ":" + std::string(command) + " |";
    for (auto at = log.find(wanted); at != std::string::npos; at = log.find(wanted, at + 1))
        ++found;
    return found;
}

/// A database on a scripted server, in virtual time.
struct world {
    fake_server server;
    test::virtual_time time;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options = plain())
    {
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, options, server.make_connector(), time.source());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            co_await main->close(10s);
        });
        EXPECT_TRUE(server.open_connections.empty());
    }

    /// The next times a command comes, it fails with these; null entries do not.
    void fail(std::string command, std::vector<std::exception_ptr> errors)
    {
        server.on_command = [command = std::move(command),
                             errors = std::move(errors)](fake_server::connection& on, const std::string& said) mutable {
            if (said != command || errors.empty())
                return;
            const auto error = errors.front();
            errors.erase(errors.begin());
            if (is<connection_error>(error))
                on.close();
            else if (error && on.status() == pg::transaction_status::in_transaction)
                on.fail_transaction();
            if (error)
                std::rethrow_exception(error);
        };
    }
};

// --- statements alone ------------------------------------------------------------------------------

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

TEST(retry, never_repeats_a_write_whose_connection_was_lost)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto& error : {lost(), server_error_of("08007"), server_error_of("40003")}) {
            w.server.clear_log();
            w.fail("INSERT", {error});
            EXPECT_EQ(co_await error_of(say(main, "INSERT")), error) << what_of(error);
            EXPECT_EQ(count(w.server, "INSERT"), 1);
            auto session = main.with({.idempotent = true});
            w.fail("INSERT", {error});
            if (is<pg::server_error>(error) && what_of(error).find("08007") != std::string::npos)
                continue; // in a session that goes on it is not about this one
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
    auto options = plain();
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

// --- limits ----------------------------------------------------------------------------------------

TEST(retry, ends_before_the_deadline)
{
    world w;
    w.time.chance = 1;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.refusal = refused();
        auto session = main.with({.timeout = 120ms});
        // 50 ms, then 100 ms would not do.
        const auto error = co_await error_of(say(session, "INSERT"));
        EXPECT_THAT(w.time.pauses, ElementsAre(50ms));
        EXPECT_EQ(w.server.connects_begun, 2);
        EXPECT_TRUE(is<connection_error>(error));
        EXPECT_THAT(
            what_of(error), testing::EndsWith("connection refused (2 attempts, no more because the deadline leaves no "
                                              "time for another attempt)"));
        EXPECT_EQ(what_of(w.server.refusal), "connection refused") << "others have this error too";
    });
}

TEST(retry, holds_no_connection_while_it_pauses_and_can_be_cancelled_there)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("SELECT 1", {server_error_of("53200")});
        w.time.end_of_pauses.close();
        asio::cancellation_signal cancel;
        std::exception_ptr error;
        asio::co_spawn(
            co_await asio::this_coro::executor, say(main, "SELECT 1"),
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr thrown) { error = std::move(thrown); }));
        while (w.time.end_of_pauses.waiting() == 0)
            co_await settle(1);
        EXPECT_EQ(main.pool_stats().active, 0U);
        EXPECT_EQ(main.pool_stats().waiting, 0U);
        cancel.emit(asio::cancellation_type::terminal);
        while (!error)
            co_await settle(1);
        EXPECT_TRUE(is<boost::system::system_error>(error));
        EXPECT_EQ(count(w.server, "SELECT 1"), 1);
    });
}

TEST(retry, does_not_multiply_an_outage)
{
    world w;
    auto options = plain();
    options.retry_budget = {};
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            constexpr int calls = 1'000;
            int refusals = 0;
            for (int i = 0; i < calls; ++i) {
                const auto error = co_await error_of(say(main, "SELECT 1"));
                refusals += what_of(error).find("the retry budget is used up") != std::string::npos ? 1 : 0;
                w.time.advance(1ms);
            }
            EXPECT_LE(w.server.connects_begun, calls * 12 / 10 + 3);
            EXPECT_GT(w.server.connects_begun, calls * 11 / 10) << "some are repeated";
            EXPECT_GT(refusals, calls / 2);
        },
        options);
}

TEST(retry, lets_the_breaker_see_each_attempt_and_does_not_repeat_its_refusals)
{
    world w;
    auto options = plain();
    options.breaker_enabled = true;
    options.breaker.failure_threshold = 3;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            EXPECT_TRUE(is<connection_error>(co_await error_of(say(main, "INSERT"))));
            EXPECT_EQ(main.breaker_state(), resilience::breaker_state::open);
            w.time.pauses.clear();
            const auto refusal = co_await error_of(say(main, "INSERT"));
            EXPECT_TRUE(is<circuit_open>(refusal));
            EXPECT_THAT(what_of(refusal), Not(HasSubstr("attempt")));
            EXPECT_THAT(w.time.pauses, IsEmpty());
        },
        options);
}

TEST(retry, ends_with_the_failure_itself_when_the_breaker_opens_between_two_attempts)
{
    world w;
    auto options = plain();
    options.breaker_enabled = true;
    options.breaker.failure_threshold = 1;
    options.breaker.caller_probe = 30s;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            const std::string wanted =
                "connection refused (1 attempt, no more because the circuit breaker refuses calls)";
            EXPECT_EQ(what_of(co_await error_of(say(main, "INSERT"))), wanted);
            EXPECT_EQ(w.server.connects_begun, 1);
            w.server.refusal = nullptr;
            w.time.advance(30s);
            co_await say(main, "a"); // the probe
            w.server.open_connections.front()->close();
            w.server.refusal = refused();
            const auto error =
                co_await error_of(main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "b"); }));
            EXPECT_EQ(what_of(error), wanted);
        },
        options);
}

TEST(retry, takes_policies_from_the_options_or_from_the_call)
{
    world w;
    auto options = plain();
    options.retries.outage.max_attempts = 2;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.refusal = refused();
            (void)co_await error_of(say(main, "INSERT"));
            EXPECT_EQ(w.server.connects_begun, 2);
            resilience::retry_policies own;
            own.outage.max_attempts = 4;
            auto session = main.with({}, own);
            (void)co_await error_of(say(session, "INSERT"));
            EXPECT_EQ(w.server.connects_begun, 6);
            own.outage.max_attempts = 1;
            const auto error =
                co_await error_of(main.transaction([]() -> asio::awaitable<void> { co_return; }, {.retries = own}));
            EXPECT_EQ(w.server.connects_begun, 7);
            EXPECT_EQ(error, w.server.refusal) << "an error that nobody thought of repeating is left alone";
        },
        options);
}

TEST(retry, checks_policies_by_name)
{
    asio::io_context context;
    fake_server server;
    auto options = plain();
    options.retries.conflict.max_attempts = 0;
    const auto make = [&] { database(context.get_executor(), options, server.make_connector()); };
    EXPECT_THAT(make, testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_policies.conflict")));
    options = plain();
    options.retry_budget.share = -1;
    EXPECT_THAT(make, testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_budget_options.share")));
    const database main(context.get_executor(), plain(), server.make_connector());
    resilience::retry_policies wrong;
    wrong.outage.backoff.jitter = 2;
    EXPECT_THAT(
        [&] { (void)main.with({}, wrong); },
        testing::ThrowsMessage<std::invalid_argument>(HasSubstr("retry_policies.outage")));
}

TEST(retry, logs_each_repetition)
{
    world w;
    const observe::capture log(observe::level::debug);
    w.run([&](database& main) -> asio::awaitable<void> {
        w.fail("SELECT 1", {lost(), server_error_of("40001")});
        auto session = main.with({.name = "first"});
        co_await say(session, "SELECT 1");
    });
    std::vector<std::string> said;
    for (const auto& entry : log.entries()) {
        if (entry.message != "a call on main is repeated")
            continue;
        said.push_back(fmt::format(
            "{} {} {} {} {} {}", to_string(entry.severity), entry.value("database"), entry.value("name"),
            entry.value("attempt"), entry.value("wait_ms"), entry.value("error")));
    }
    EXPECT_THAT(
        said, ElementsAre(
                  "warn main first 1 25 connection reset",
                  "debug main first 2 0 ERROR 40001 (serialization_failure): refused as asked"));
}

/// A call that fails twice and is then served, and a transaction that does.
asio::awaitable<void> tried_thrice(database& on, bool in_transaction)
{
    if (in_transaction)
        co_await on.transaction([&on]() -> asio::awaitable<void> { co_await say(on, "SELECT 1"); });
    else
        co_await say(on, "SELECT 1");
}

TEST(retry, can_be_cancelled_or_destroyed_at_every_step)
{
    for (const bool in_transaction : {false, true}) {
        for (const bool cancels : {true, false}) {
            bool goes_on = true;
            int step = 0;
            for (; goes_on; ++step) {
                ASSERT_LT(step, 1'000) << "never ends";
                fake_server server;
                test::virtual_time time;
                asio::io_context context(1);
                database main(context.get_executor(), plain(), server.make_connector(), time.source());
                test::stepped opening{context, {}, false, {}};
                opening.start(main.open());
                opening.finish();
                int failures = 0;
                server.on_command = [&](fake_server::connection& on, const std::string& command) {
                    if (command == "SELECT 1" && ++failures <= 2)
                        on.close();
                };
                test::stepped trial{context, {}, false, {}};
                trial.start(tried_thrice(main, in_transaction));
                goes_on = trial.turn(step);
                if (!goes_on || !cancels)
                    continue; // destroys it all
                trial.cancel.emit(asio::cancellation_type::terminal);
                trial.finish();
                EXPECT_TRUE(trial.ended) << step;
                const int failed = failures;
                failures = 2;
                test::stepped after{context, {}, false, {}};
                after.start(say(main, "SELECT 1"));
                after.finish();
                EXPECT_FALSE(after.error) << step;
                EXPECT_EQ(main.pool_stats().active, 0U) << step;
                EXPECT_LE(failed, 3);
            }
            EXPECT_GT(step, 10);
        }
    }
}

// --- transactions ----------------------------------------------------------------------------------

/// A body of three commands.
asio::awaitable<void> three(database& on)
{
    co_await say(on, "a");
    co_await on.transaction([&on]() -> asio::awaitable<void> { co_await say(on, "b"); });
    co_await say(on, "c");
}

TEST(retry, repeats_a_transaction_whose_connection_is_lost_at_any_step_before_its_commit)
{
    // BEGIN a SAVEPOINT b RELEASE c COMMIT
    for (int step = 0; step < 6; ++step) {
        for (const bool by_error : {false, true}) {
            world w;
            w.run([&](database& main) -> asio::awaitable<void> {
                int commands = 0;
                w.server.on_command = [&](fake_server::connection& on, const std::string&) {
                    if (commands++ != step)
                        return;
                    on.close();
                    if (by_error)
                        std::rethrow_exception(server_error_of("57P01"));
                };
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await three(main); });
                EXPECT_EQ(count(w.server, "COMMIT"), 1) << step;
                EXPECT_THAT(
                    w.server.log(), testing::EndsWith("2:BEGIN | 2:a | 2:SAVEPOINT tradecore_1 | 2:b | "
                                                      "2:RELEASE SAVEPOINT tradecore_1 | 2:c | 2:COMMIT"))
                    << step;
            });
        }
    }
}

TEST(retry, repeats_a_transaction_for_a_conflict_at_any_step)
{
    for (int step = 0; step < 7; ++step) {
        for (const auto* state : {"40001", "40P01", "53200"}) {
            world w;
            w.run([&](database& main) -> asio::awaitable<void> {
                int commands = 0;
                w.server.on_command = [&](fake_server::connection& on, const std::string& command) {
                    if (commands++ != step)
                        return;
                    if (command == "COMMIT")
                        on.abort_transaction();
                    else if (command != "BEGIN")
                        on.fail_transaction();
                    std::rethrow_exception(server_error_of(state));
                };
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await three(main); });
                // Where the end of a savepoint fails nobody knows in which state the connection is.
                EXPECT_THAT(
                    w.server.log(),
                    testing::EndsWith(fmt::format(
                        "{0}:BEGIN | {0}:a | {0}:SAVEPOINT tradecore_1 | {0}:b | {0}:RELEASE SAVEPOINT tradecore_1 | "
                        "{0}:c | {0}:COMMIT",
                        step == 4 ? 2 : 1)))
                    << step << state;
            });
        }
    }
}

TEST(retry, never_repeats_a_transaction_that_may_have_been_committed)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "a");
        };
        w.fail("COMMIT", {lost()});
        EXPECT_TRUE(is<commit_unknown>(co_await error_of(main.transaction(body))));
        EXPECT_EQ(bodies, 1);
        w.fail("COMMIT", {lost()});
        co_await main.transaction(body, {.idempotent = true});
        EXPECT_EQ(bodies, 3);
    });
}

TEST(retry, does_not_repeat_a_body_for_errors_that_are_not_its_databases)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        for (const auto& error :
             {server_error_of("40001"), lost(), std::make_exception_ptr(std::logic_error("no")), refused()}) {
            int bodies = 0;
            const auto thrown = co_await error_of(main.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                co_await say(main, "a");
                std::rethrow_exception(error); // as another database would
            }));
            EXPECT_EQ(thrown, error);
            EXPECT_EQ(bodies, 1);
        }
    });
}

TEST(retry, does_not_repeat_a_statement_inside_a_transaction_by_itself)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            if (++bodies == 1)
                co_await say(main, "FAIL 40001");
        });
        EXPECT_EQ(bodies, 2);
        EXPECT_EQ(count(w.server, "FAIL 40001"), 1);
    });
}

TEST(retry, repeats_for_a_lock_that_was_not_to_be_had_when_asked)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "LOCK"); };
        w.fail("LOCK", {server_error_of("55P03")});
        EXPECT_TRUE(is<lock_not_available>(co_await error_of(main.transaction(body))));
        w.fail("LOCK", {server_error_of("55P03")});
        co_await main.transaction(body, {.repeat_lock_timeouts = true});
        EXPECT_EQ(count(w.server, "LOCK"), 3);
    });
}

TEST(retry, makes_no_more_attempts_at_a_transaction_than_its_options_say)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int bodies = 0;
        const auto conflict = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "FAIL 40001");
        };
        (void)co_await error_of(main.transaction(conflict, {.max_attempts = 8}));
        EXPECT_EQ(bodies, 8);
        const auto dies = [&]() -> asio::awaitable<void> {
            ++bodies;
            co_await say(main, "DIE");
        };
        bodies = 0;
        (void)co_await error_of(main.transaction(dies, {.max_attempts = 8}));
        EXPECT_EQ(bodies, 3) << "outages have their own limit";
        bodies = 0;
        (void)co_await error_of(main.transaction(dies, {.max_attempts = 2}));
        EXPECT_EQ(bodies, 2);
    });
}

// --- bodies that write elsewhere -------------------------------------------------------------------

/// Two databases; a body in `main` that fails once with a conflict, after `elsewhere` was done.
struct two_worlds {
    fake_server main_server;
    fake_server vb_server;
    test::virtual_time time;
    int bodies = 0;
    std::exception_ptr error;

    template <class F>
    void run(F elsewhere, transaction_options options = {})
    {
        test::run([&]() -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            auto vb_options = plain();
            vb_options.name = "vb";
            database main(here, plain(), main_server.make_connector(), time.source());
            database vb(here, vb_options, vb_server.make_connector(), time.source());
            co_await main.open();
            co_await vb.open();
            error = co_await error_of(main.transaction(
                [&]() -> asio::awaitable<void> {
                    ++bodies;
                    co_await elsewhere(main, vb);
                    if (bodies == 1)
                        co_await say(main, "FAIL 40001");
                },
                options));
            co_await main.close(10s);
            co_await vb.close(10s);
        });
    }
};

TEST(retry, does_not_repeat_a_body_that_wrote_on_another_database)
{
    two_worlds w;
    const observe::capture log;
    w.run([](database&, database& vb) -> asio::awaitable<void> { co_await say(vb, "INSERT"); });
    EXPECT_EQ(w.bodies, 1);
    EXPECT_TRUE(is<serialization_failure>(w.error));
    EXPECT_THAT(
        what_of(w.error),
        testing::EndsWith("(1 attempt, no more because its body wrote outside of the transaction, and "
                          "is not declared idempotent: a statement on 'vb')"));
    EXPECT_THAT(log.messages(observe::level::warn), testing::Contains("a call on main is given up"));
}

TEST(retry, does_not_repeat_a_body_that_wrote_outside_or_committed_there)
{
    {
        two_worlds w;
        w.run([](database& main, database&) -> asio::awaitable<void> {
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await say(main, "INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a statement on 'main'"));
    }
    {
        two_worlds w;
        w.run([](database&, database& vb) -> asio::awaitable<void> {
            co_await vb.transaction([&vb]() -> asio::awaitable<void> { co_await say(vb, "INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a transaction on 'vb'"));
    }
    {
        two_worlds w;
        w.run([](database& main, database&) -> asio::awaitable<void> {
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await main.run_script("INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a script on 'main'"));
    }
}

TEST(retry, repeats_a_body_that_changed_nothing_elsewhere)
{
    // It only read.
    {
        two_worlds w;
        w.run([](database& main, database& vb) -> asio::awaitable<void> {
            co_await say(vb, "SELECT 1");
            co_await vb.transaction(
                [&vb]() -> asio::awaitable<void> { co_await say(vb, "SELECT f()"); }, {.read_only = true});
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await say(main, "TABLE t"); });
        });
        EXPECT_EQ(w.bodies, 2);
        EXPECT_FALSE(w.error) << what_of(w.error);
    }
    // What it wrote was rolled back.
    {
        two_worlds w;
        w.run([](database&, database& vb) -> asio::awaitable<void> {
            (void)co_await error_of(vb.transaction([&vb]() -> asio::awaitable<void> {
                co_await say(vb, "INSERT");
                throw std::logic_error("no");
            }));
        });
        EXPECT_EQ(w.bodies, 2);
    }
    // Nothing was sent.
    {
        two_worlds w;
        w.vb_server.refusal = refused();
        w.run([](database&, database& vb) -> asio::awaitable<void> { (void)co_await error_of(say(vb, "INSERT")); });
        EXPECT_EQ(w.bodies, 2);
    }
}

TEST(retry, repeats_a_body_that_wrote_elsewhere_when_that_is_declared_idempotent)
{
    two_worlds w;
    w.run([](database&, database& vb) -> asio::awaitable<void> { co_await say(vb, "INSERT"); }, {.idempotent = true});
    EXPECT_EQ(w.bodies, 2);
    EXPECT_FALSE(w.error);
}

TEST(retry, counts_what_a_body_does_in_the_transaction_around_it_as_outside)
{
    world outer;
    fake_server inner_server;
    outer.run([&](database& main) -> asio::awaitable<void> {
        database vb(co_await asio::this_coro::executor, plain(), inner_server.make_connector(), outer.time.source());
        co_await vb.open();
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto error = co_await error_of(vb.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                co_await say(main, "INSERT"); // is not rolled back with vb's transaction
                co_await say(vb, "FAIL 40001");
            }));
            EXPECT_THAT(what_of(error), HasSubstr("a statement on 'main'"));
        });
        EXPECT_EQ(bodies, 1);
        co_await vb.close(10s);
    });
}

} // namespace
} // namespace tradecore
