// SPDX-License-Identifier: Apache-2.0
#include "db/commit_resolution.hpp"
#include "db/support/each_step.hpp"
#include "db/support/fake_database.hpp"
#include "db/support/fake_server.hpp"
#include "db/support/virtual_time.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using detail::commit_fate;
using test::fake_server;
using test::settle;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// --- what an answer proves -----------------------------------------------------------------------------------------

const detail::lost_commit lost{.xid = 100, .incarnation = "cluster/start/crash"};

TEST(commit_resolution, believes_the_server_that_gave_the_id)
{
    const auto fate = [](std::optional<std::string_view> status) {
        return detail::judge(lost, {.incarnation = lost.incarnation, .status = status});
    };
    EXPECT_EQ(fate("committed").value().fate, commit_fate::committed);
    EXPECT_EQ(fate("aborted").value().fate, commit_fate::rolled_back);
    EXPECT_FALSE(fate("in progress"));
    EXPECT_EQ(fate({}).value().fate, commit_fate::unknown);
    EXPECT_THAT(fate({}).value().why, HasSubstr("does not remember"));
    EXPECT_EQ(fate("prepared").value().fate, commit_fate::unknown);
    EXPECT_THAT(fate("prepared").value().why, HasSubstr("'prepared'"));
}

TEST(commit_resolution, believes_no_other_server)
{
    for (const auto* const status : {"committed", "aborted", "in progress"}) {
        const auto other = detail::judge(lost, {.incarnation = "cluster/start/another crash", .status = status});
        EXPECT_EQ(other.value().fate, commit_fate::unknown) << status;
        EXPECT_THAT(other.value().why, HasSubstr("crashed"));
        EXPECT_EQ(detail::judge(lost, {.incarnation = "", .status = status}).value().fate, commit_fate::unknown);
    }
    EXPECT_EQ(
        detail::judge({.xid = 100, .incarnation = ""}, {.incarnation = "", .status = "committed"}).value().fate,
        commit_fate::unknown);
}

TEST(commit_resolution, takes_no_negative_time)
{
    fake_server server;
    asio::io_context context(1);
    auto options = test::quiet_options();
    options.commit_resolution = -1ms;
    EXPECT_THROW(database(context.get_executor(), options, server.make_connector()), std::invalid_argument);
}

// --- transactions --------------------------------------------------------------------------------------------------

enum class outcome { committed, without_effect, unknown, other };

asio::awaitable<void> say(database& on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

/// What a transaction came to, and what its error said.
struct report {
    outcome what = outcome::committed;
    std::string message{};
    std::optional<std::uint64_t> xid{};
};

report report_of(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    }
    catch (const commit_unknown& e) {
        EXPECT_EQ(e.code(), pg::disposition::in_doubt);
        return {.what = outcome::unknown, .message = e.what(), .xid = e.xid()};
    }
    catch (const pg::connection_error& e) {
        EXPECT_EQ(e.code(), pg::disposition::connection_lost);
        EXPECT_FALSE(e.code() == pg::disposition::in_doubt);
        return {.what = outcome::without_effect, .message = e.what()};
    }
    catch (const std::exception& e) {
        return {.what = outcome::other, .message = e.what()};
    }
    return {};
}

asio::awaitable<report> transact(database& on, std::function<asio::awaitable<void>()> body, transaction_options how)
{
    std::exception_ptr error;
    try {
        co_await on.transaction(std::move(body), how);
    }
    catch (...) {
        error = std::current_exception();
    }
    co_return report_of(error);
}

/// A database on a fake server that loses COMMIT's answer once.
struct world {
    fake_server server;
    test::virtual_time time;
    database_options options = test::quiet_options();
    transaction_options how{.name = "transfer", .max_attempts = 1};
    bool reaches_server = true;
    int losses = 1;

    world()
    {
        server.incarnation = "cluster/start/crash";
        options.breaker_enabled = false;
        server.on_command = [this](fake_server::connection& on, const std::string& command) {
            if (command == "COMMIT" && !reaches_server && losses > 0) {
                --losses;
                on.close();
            }
        };
        server.on_carried_out = [this](fake_server::connection& on, const std::string& command) {
            if (command == "COMMIT" && losses > 0) {
                --losses;
                on.close();
            }
        };
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options, server.make_connector(), time.source());
            co_await main.open();
            co_await body(main);
            co_await settle();
            EXPECT_EQ(main.pool_stats().active, 0U) << "a connection was not given back";
            co_await main.close(1s);
        });
    }
    /// @returns what a transaction of these statements came to.
    report run(std::vector<std::string> statements)
    {
        report found;
        run([&](database& main) -> asio::awaitable<void> {
            found = co_await transact(
                main,
                [&]() -> asio::awaitable<void> {
                    for (const auto& each : statements)
                        co_await say(main, each);
                },
                how);
        });
        return found;
    }
};

TEST(lost_commit, that_took_effect_is_a_success)
{
    world w;
    const observe::capture log(observe::level::warn);
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
    EXPECT_THAT(w.server.log(), StartsWith("1:BEGIN | 1:WRITE | 1:id? | 1:COMMIT | 2:SELECT incarnation, "));
    EXPECT_THAT(w.server.log(), HasSubstr("incarnation = 'cluster/start/crash' THEN pg_catalog.pg_xact_status('100')"));
    ASSERT_EQ(log.entries().size(), 1U);
    const auto said = log.entries()[0];
    EXPECT_EQ(said.message, "[LOST COMMIT] main transaction had taken effect");
    EXPECT_EQ(said.value("xid"), "100");
    EXPECT_EQ(said.value("database"), "main");
    EXPECT_EQ(said.value("transaction"), "transfer");
}

TEST(lost_commit, that_did_not_arrive_is_a_lost_connection)
{
    world w;
    w.reaches_server = false;
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::without_effect);
    EXPECT_THAT(found.message, HasSubstr("transaction 'transfer' of 'main'"));
}

TEST(lost_commit, that_did_not_arrive_is_repeated_as_a_whole)
{
    world w;
    w.reaches_server = false;
    w.how.max_attempts = 3;
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
    EXPECT_THAT(w.server.log(), HasSubstr("2:BEGIN | 2:WRITE | 2:id? | 2:COMMIT"));
    EXPECT_EQ(w.server.fates[100], "aborted");
    EXPECT_EQ(w.server.fates[101], "committed");
}

TEST(lost_commit, is_not_repeated_when_it_took_effect_or_may_have)
{
    for (const bool known : {true, false}) {
        world w;
        w.how.max_attempts = 3;
        if (!known)
            w.server.tell_fate = [](std::uint64_t) { return ""; };
        EXPECT_EQ(w.run({"WRITE"}).what, known ? outcome::committed : outcome::unknown);
        EXPECT_EQ(w.server.next_id, 101U);
    }
}

TEST(lost_commit, that_the_server_has_forgotten_is_unknown)
{
    world w;
    w.server.tell_fate = [](std::uint64_t) { return ""; };
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_EQ(found.xid, 100U);
    EXPECT_THAT(found.message, HasSubstr("transaction id 100"));
    EXPECT_THAT(found.message, HasSubstr("server process 1,"));
    EXPECT_THAT(found.message, HasSubstr("does not remember"));
}

TEST(lost_commit, of_a_server_that_crashed_is_unknown_whatever_it_says_of_the_id)
{
    world w;
    w.server.on_carried_out = [&](fake_server::connection& on, const std::string& command) {
        if (command != "COMMIT")
            return;
        w.server.incarnation = "cluster/start/another crash";
        on.close();
    };
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_EQ(found.xid, 100U);
    EXPECT_THAT(found.message, HasSubstr("crashed"));
}

// Its connections were made before the crash, and their questions are answered by a server that came up behind it.
TEST(lost_commit, of_a_server_that_crashed_behind_a_pooler_is_unknown)
{
    world w;
    w.options.pool.minimum = 2;
    w.server.on_carried_out = [&](fake_server::connection& on, const std::string& command) {
        if (command != "COMMIT")
            return;
        w.server.incarnation = "cluster/start/another crash";
        on.close();
    };
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::unknown);
    EXPECT_THAT(w.server.log(), AllOf(HasSubstr(":SELECT incarnation"), Not(HasSubstr("3:SELECT"))));
}

TEST(lost_commit, is_waited_for_while_it_is_in_progress)
{
    world w;
    int asked = 0;
    w.server.tell_fate = [&](std::uint64_t) { return ++asked < 4 ? "in progress" : "committed"; };
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
    EXPECT_EQ(asked, 4);
    ASSERT_EQ(w.time.pauses.size(), 3U);
    EXPECT_LT(w.time.pauses[0], w.time.pauses[1]);
    EXPECT_LT(w.time.pauses[1], w.time.pauses[2]);
    EXPECT_THAT(w.server.log(), Not(HasSubstr("terminate")));
}

TEST(lost_commit, that_stays_in_progress_is_unknown_when_the_time_has_passed)
{
    world w;
    w.options.commit_resolution = 5s;
    w.server.tell_fate = [](std::uint64_t) { return "in progress"; };
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_EQ(found.xid, 100U);
    EXPECT_THAT(found.message, HasSubstr("still in progress"));
    resilience::duration waited{0};
    for (const auto each : w.time.pauses)
        waited += each;
    EXPECT_EQ(waited, 5s);
    // A session that waits for a client that is gone is ended after a while.
    EXPECT_THAT(w.server.log(), HasSubstr("pg_terminate_backend"));
}

TEST(lost_commit, is_asked_for_in_what_is_left_of_the_time_when_a_connection_is_there)
{
    world w;
    w.options.commit_resolution = 5s;
    w.options.pool.hooks.on_connect = [&](physical_connection& made) -> asio::awaitable<void> {
        if (made.backend_pid() == 2)
            w.time.advance(4s);
        co_return;
    };
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
    std::size_t asked = 0;
    for (const auto& [text, limit] : w.server.limits) {
        if (text.find("pg_xact_status") == std::string::npos)
            continue;
        ++asked;
        EXPECT_LE(limit, 1s);
    }
    EXPECT_EQ(asked, 1U);
}

TEST(lost_commit, ends_in_the_transactions_own_time)
{
    world w;
    w.options.commit_resolution = 1h;
    w.how.timeout = 2s;
    w.server.tell_fate = [](std::uint64_t) { return "in progress"; };
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::unknown);
    resilience::duration waited{0};
    for (const auto each : w.time.pauses)
        waited += each;
    EXPECT_LE(waited, 2s + 500ms);
}

TEST(lost_commit, is_resolved_when_the_server_can_be_reached_again)
{
    world w;
    const auto refused =
        std::make_exception_ptr(pg::connection_error(pg::client_errc::cannot_connect, "connection refused"));
    w.server.connect_errors = {nullptr, refused, refused};
    w.options.pool.connect_backoff = 1ms;
    w.options.pool.connect_backoff_limit = 1ms;
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
}

TEST(lost_commit, is_unknown_when_the_server_stays_away)
{
    world w;
    w.options.pool.connect_backoff = 1ms;
    w.options.pool.connect_backoff_limit = 1ms;
    w.server.on_carried_out = [&](fake_server::connection& on, const std::string& command) {
        if (command != "COMMIT")
            return;
        w.server.refusal =
            std::make_exception_ptr(pg::connection_error(pg::client_errc::cannot_connect, "connection refused"));
        on.close();
    };
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_EQ(found.xid, 100U);
    EXPECT_THAT(found.message, HasSubstr("within "));
    EXPECT_THAT(found.message, HasSubstr("connection refused"));
}

TEST(lost_commit, is_asked_for_again_when_that_connection_is_lost_too)
{
    world w;
    int asked = 0;
    w.server.on_command = [&](fake_server::connection& on, const std::string& command) {
        if (command.find("pg_xact_status") != std::string::npos && ++asked < 3)
            on.close();
    };
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
    EXPECT_EQ(asked, 3);
}

TEST(lost_commit, is_unknown_when_the_server_refuses_to_tell)
{
    world w;
    w.options.commit_resolution = 1s;
    w.server.on_command = [&](fake_server::connection&, const std::string& command) {
        if (command.find("pg_xact_status") != std::string::npos)
            std::rethrow_exception(test::server_error_of("42501"));
    };
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_THAT(found.message, HasSubstr("could not be asked"));
}

TEST(lost_commit, needs_no_second_place_in_the_pool)
{
    world w;
    w.options.pool.maximum = 1;
    EXPECT_EQ(w.run({"WRITE"}).what, outcome::committed);
}

TEST(lost_commit, counts_as_a_failure_of_the_database_though_it_took_effect)
{
    world w;
    w.options.breaker_enabled = true;
    w.options.breaker.failure_threshold = 1;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto found =
            co_await transact(main, [&]() -> asio::awaitable<void> { co_await say(main, "WRITE"); }, w.how);
        EXPECT_EQ(found.what, outcome::committed) << "the breaker stands in the way of nobody who looks for its fate";
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::open);
    });
}

TEST(lost_commit, of_a_database_that_is_closed_meanwhile_is_unknown)
{
    world w;
    std::function<void()> close;
    w.server.tell_fate = [&](std::uint64_t) {
        close();
        return "in progress";
    };
    w.run([&](database& main) -> asio::awaitable<void> {
        close = [&, here = co_await asio::this_coro::executor] {
            asio::co_spawn(here, main.close(10s), asio::detached);
        };
        const auto found =
            co_await transact(main, [&]() -> asio::awaitable<void> { co_await say(main, "WRITE"); }, w.how);
        EXPECT_EQ(found.what, outcome::unknown);
        EXPECT_THAT(found.message, HasSubstr("database 'main' is not open"));
    });
}

// --- what is asked, and when ---------------------------------------------------------------------------------------

TEST(transaction_id, is_asked_for_until_it_is_known)
{
    world w;
    w.losses = 0;
    EXPECT_EQ(w.run({"a", "b", "WRITE 1", "WRITE 2", "c"}).what, outcome::committed);
    EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:id? | 1:b | 1:id? | 1:WRITE 1 | 1:id? | 1:WRITE 2 | 1:c | 1:COMMIT");
}

TEST(transaction_id, is_not_asked_for_outside_of_transactions_that_may_write)
{
    world w;
    w.losses = 0;
    w.how.read_only = true;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await say(main, "a");
        (void)co_await transact(main, [&]() -> asio::awaitable<void> { co_await say(main, "b"); }, w.how);
        w.how.read_only = false;
        (void)co_await transact(main, [&]() -> asio::awaitable<void> { co_await say(main, "c"); }, w.how);
        co_await say(main, "d");
        EXPECT_EQ(w.server.log(), "1:a | 1:BEGIN READ ONLY | 1:b | 1:COMMIT | 1:BEGIN | 1:c | 1:id? | 1:COMMIT | 1:d");
    });
}

TEST(transaction_id, is_not_asked_for_where_it_would_tell_nothing)
{
    world w;
    w.server.incarnation.clear();
    const auto found = w.run({"WRITE"});
    EXPECT_EQ(found.what, outcome::unknown);
    EXPECT_EQ(found.xid, std::nullopt);
    EXPECT_THAT(found.message, HasSubstr("not asked for"));
    EXPECT_EQ(w.server.log(), "1:BEGIN | 1:WRITE | 1:COMMIT");
}

TEST(transaction_id, of_a_script_comes_with_it)
{
    for (const auto* const script : {"WRITE 1", "WRITE 1; WRITE 2"}) {
        world w;
        w.run([&](database& main) -> asio::awaitable<void> {
            std::size_t answers = 0;
            const auto found = co_await transact(
                main,
                [&]() -> asio::awaitable<void> { answers = (co_await main.run_script({script, nullptr})).size(); },
                w.how);
            EXPECT_EQ(found.what, outcome::committed);
            EXPECT_EQ(answers, script == std::string("WRITE 1") ? 1U : 2U);
            EXPECT_THAT(w.server.log(), HasSubstr("if_assigned() | 1:COMMIT | 2:SELECT"));
        });
    }
}

TEST(transaction_id, of_a_nested_transaction_that_failed_is_asked_for)
{
    world w;
    w.server.on_carried_out = [&](fake_server::connection& on, const std::string& command) {
        if (command == "WRITE 1")
            std::rethrow_exception(test::server_error_of("23505"));
        if (command == "COMMIT")
            on.close();
    };
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto found = co_await transact(
            main,
            [&]() -> asio::awaitable<void> {
                co_await say(main, "a");
                try {
                    co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "WRITE 1"); });
                }
                catch (const pg::server_error&) {
                }
            },
            w.how);
        EXPECT_EQ(found.what, outcome::committed);
        EXPECT_THAT(
            w.server.log(), HasSubstr("1:RELEASE SAVEPOINT tradecore_1 | "
                                      "1:SELECT pg_catalog.pg_current_xact_id_if_assigned() | 1:COMMIT"));
    });
}

// --- without an id -------------------------------------------------------------------------------------------------

TEST(lost_commit, of_nothing_is_a_lost_connection)
{
    for (const bool read_only : {false, true}) {
        world w;
        w.how.read_only = read_only;
        EXPECT_EQ(w.run({"SELECT 1"}).what, outcome::without_effect);
        EXPECT_THAT(w.server.log(), Not(HasSubstr("pg_xact_status")));
    }
}

TEST(lost_commit, of_notifications_alone_is_unknown)
{
    for (const bool read_only : {false, true}) {
        world w;
        w.how.read_only = read_only; // the server takes NOTIFY for no write
        const auto found = w.run({"select pg_Notify('c', '')"});
        EXPECT_EQ(found.what, outcome::unknown) << read_only;
        EXPECT_EQ(found.xid, std::nullopt);
        EXPECT_THAT(found.message, HasSubstr("notifications"));
    }
}

// A function may notify or write on another server, which a foreign table does as well; cursors WITH HOLD are run by
// COMMIT. None of that needs an id here.
TEST(lost_commit, of_what_may_leave_no_trace_here_is_unknown)
{
    for (const auto* const text :
         {"SELECT announce()", "INSERT INTO remote VALUES (1)", "SELECT 1; SELECT announce()",
          "DECLARE c CURSOR WITH HOLD FOR SELECT announce()"}) {
        world w;
        w.how.max_attempts = 3;
        const auto found = w.run({"SELECT 1", text, "SELECT 2"});
        EXPECT_EQ(found.what, outcome::unknown) << text;
        EXPECT_EQ(test::count(w.server, "COMMIT"), 1) << text;
    }
    world declared;
    declared.run([&](database& main) -> asio::awaitable<void> {
        auto reading = main.with({.only_reads = true});
        const auto found = co_await transact(
            main, [&]() -> asio::awaitable<void> { co_await test::say(reading, "SELECT compute()"); }, declared.how);
        EXPECT_EQ(found.what, outcome::without_effect);
    });
    // What only reads as it is declared: the server sees to that.
    world w;
    w.how.read_only = true;
    EXPECT_EQ(w.run({"SELECT announce()"}).what, outcome::without_effect);
}

TEST(lost_commit, is_unknown_when_the_body_has_lifted_that_it_only_reads)
{
    for (const auto* const text :
         {"SET TRANSACTION READ WRITE", "set transaction_read_only = off",
          "SELECT set_config('transaction_read_only', 'off', true)"}) {
        world w;
        w.how = {.read_only = true, .max_attempts = 3};
        EXPECT_EQ(w.run({text, "WRITE"}).what, outcome::unknown) << text;
        EXPECT_EQ(test::count(w.server, "COMMIT"), 1) << text;
    }
}

TEST(lost_commit, of_notifications_and_writes_is_resolved)
{
    world w;
    EXPECT_EQ(w.run({"NOTIFY c", "WRITE"}).what, outcome::committed);
}

TEST(lost_commit, is_unknown_when_the_body_has_ended_its_transaction)
{
    for (const auto* const sql : {"COMMIT", "BEGIN", "ROLLBACK"}) {
        world w;
        w.server.on_carried_out = nullptr;
        w.server.on_command = [&, commits = 0](fake_server::connection& on, const std::string& command) mutable {
            if (command == "COMMIT" && ++commits == (sql == std::string("COMMIT") ? 2 : 1))
                on.close();
        };
        const auto found = w.run({"WRITE", sql});
        EXPECT_EQ(found.what, outcome::unknown) << sql;
        EXPECT_THAT(found.message, HasSubstr("had ended the transaction"));
    }
    world w;
    EXPECT_EQ(w.run({"SAVEPOINT s", "WRITE", "ROLLBACK TO SAVEPOINT s"}).what, outcome::committed);
}

// --- cancellation --------------------------------------------------------------------------------------------------

TEST(lost_commit, is_resolved_whenever_its_caller_is_cancelled)
{
    int cancelled = 0;
    for (int step = 0;; ++step) {
        world w;
        int asked = 0;
        w.server.tell_fate = [&](std::uint64_t) { return ++asked < 3 ? "in progress" : "committed"; };
        asio::io_context context(1);
        database main(context.get_executor(), w.options, w.server.make_connector(), w.time.source());
        const auto work = [&]() -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "WRITE"); }, w.how);
        };
        test::stepped opening{.context = context, .cancel = {}, .error = {}};
        opening.start(main.open());
        opening.finish();
        test::stepped trial{.context = context, .cancel = {}, .error = {}};
        trial.start(work());
        const bool goes_on = trial.turn(step);
        trial.cancel.emit(asio::cancellation_type::terminal);
        trial.finish();
        ASSERT_TRUE(trial.ended) << step;
        const auto found = report_of(trial.error);
        const auto log = w.server.log();
        SCOPED_TRACE(log);
        if (log.find("COMMIT") != std::string::npos)
            EXPECT_EQ(found.what, outcome::committed) << found.message;
        else
            EXPECT_EQ(found.what, outcome::other) << found.message;
        if (goes_on)
            ++cancelled;
        else
            break;
    }
    EXPECT_GT(cancelled, 10);
}

} // namespace
} // namespace tradecore
