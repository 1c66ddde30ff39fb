// SPDX-License-Identifier: Apache-2.0
#include "db/read_position.hpp"
#include "db/support/each_step.hpp"
#include "db/support/fake_database.hpp"
#include "db/support/virtual_time.hpp"
#include "pg/support/task.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/db/metrics.hpp>
#include <tradecore/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// A primary and a standby, neither of them real.
class reads : public testing::Test {
protected:
    reads()
    {
        options_.breaker_enabled = false;
        options_.standbys.enabled = true;
        options_.standbys.pool.maximum = 2;
        options_.standbys.pool.exhaustion_threshold = 1;
        options_.connect.target_session = pg::target_session_attributes::primary;
        primary_.answer = [this](auto&, const std::string& command) { return answer(command, end_); };
        standby_.answer = [this](auto&, const std::string& command) { return answer(command, replayed_); };
        standby_.on_command = [this](fake_server::connection& on, const std::string&) {
            if (is_standby_)
                on.become_standby();
        };
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(
                co_await asio::this_coro::executor, options_, primary_.make_connector(), time_.source(),
                standby_.make_connector());
            co_await main.open();
            co_await body(main);
            co_await main.close(1s);
        });
    }

    /// The primary has said where it is, and the standby has run a statement.
    asio::awaitable<void> warm_up(database& main)
    {
        co_await read(main, "SELECT 1");
        co_await test::until([&] { return primary_.log().find("position?") != std::string::npos || asked_ > 0; });
        co_await test::settle();
        co_await read(main, "SELECT 1");
        clear();
    }
    static asio::awaitable<void> read(database& main, std::string sql, read_options how = {.max_staleness = 1s})
    {
        co_await test::settle(); // what is asked in the background is answered
        co_await main.read(how).execute(runtime_sql(std::move(sql)));
    }
    void clear()
    {
        primary_.clear_log();
        standby_.clear_log();
    }
    /// @returns a server's log with questions as "?".
    static std::string log_of(const fake_server& server)
    {
        auto log = server.log();
        for (const auto& question : {detail::question_to_primary, detail::question_to_standby}) {
            for (auto at = log.find(question); at != std::string::npos; at = log.find(question))
                log.replace(at, question.size(), "?");
        }
        return log;
    }

    /// As old as it likes.
    static constexpr read_options any{.max_staleness = std::nullopt, .primary_otherwise = true, .call = {}};

    fake_server primary_;
    fake_server standby_;
    test::virtual_time time_;
    database_options options_ = test::quiet_options();
    detail::log_position end_{.cluster = 7, .timeline = 1, .location = 100};
    detail::log_position replayed_ = end_;
    bool is_standby_ = true;
    int asked_ = 0;

private:
    std::optional<std::string> answer(const std::string& command, const detail::log_position& where)
    {
        const bool is_question = command == detail::question_to_primary || command == detail::question_to_standby;
        if (!is_question)
            return std::nullopt;
        ++asked_;
        return std::to_string(where.location) + "/" + std::to_string(where.timeline) + "/" +
               std::to_string(where.cluster);
    }
};

TEST_F(reads, go_to_the_standby_when_the_primary_has_said_where_it_is)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await read(main, "SELECT 1");
        co_await read(main, "SELECT 2");
        co_await read(main, "SELECT 3");
        EXPECT_THAT(
            log_of(primary_), testing::AnyOf("1:?", "1:SELECT 1 | 2:?", "1:? | 2:SELECT 1", "1:SELECT 1 | 1:?"));
        EXPECT_EQ(log_of(standby_), "1:? | 1:SELECT 2 | 1:SELECT 3") << "asked once, in front of the statement";
        EXPECT_EQ(main.read_statistics().not_known, 1U);
        EXPECT_EQ(main.read_statistics().at_standby, 2U);
    });
}

TEST_F(reads, ask_anew_when_what_is_known_has_become_too_old)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        time_.advance(1s);
        co_await read(main, "SELECT 1");
        EXPECT_EQ(log_of(standby_), "1:SELECT 1");
        co_await test::settle();
        EXPECT_THAT(log_of(primary_), EndsWith(":?")) << "asked in the background";
        clear();
        time_.advance(1ms);
        co_await read(main, "SELECT 2");
        EXPECT_EQ(log_of(standby_), "1:? | 1:SELECT 2");
        EXPECT_EQ(log_of(primary_), "");
    });
}

TEST_F(reads, go_to_the_primary_when_that_has_said_nothing_for_longer_than_may_be)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        time_.advance(1001ms);
        co_await read(main, "SELECT 2");
        EXPECT_EQ(log_of(standby_), "");
        EXPECT_THAT(log_of(primary_), HasSubstr(":SELECT 2"));
        EXPECT_EQ(main.read_statistics().not_known, 2U);
    });
}

TEST_F(reads, of_a_standby_that_is_too_old_are_dropped_and_it_is_left_alone_for_a_while)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        end_.location = 200; // and nothing is replayed
        time_.advance(900ms);
        co_await read(main, "SELECT 2"); // it may be as old as that still; the primary is asked
        co_await test::settle();
        clear();
        time_.advance(200ms);
        co_await read(main, "SELECT 3");
        EXPECT_EQ(log_of(standby_), "1:? | 1:SELECT 3");
        EXPECT_THAT(log_of(primary_), HasSubstr(":SELECT 3"));
        EXPECT_EQ(main.read_statistics().dropped, 1U);
        clear();
        co_await read(main, "SELECT 4");
        EXPECT_EQ(log_of(standby_), "") << "not asked at all";
        EXPECT_THAT(log_of(primary_), HasSubstr(":SELECT 4"));
        co_await test::settle();
        clear();
        time_.advance(250ms);
        co_await read(main, "SELECT 5");
        EXPECT_EQ(log_of(standby_), "1:?") << "asked before anything is sent";
        EXPECT_EQ(main.read_statistics().dropped, 1U);
        co_await test::settle();
        clear();
        replayed_ = end_;
        time_.advance(250ms);
        co_await read(main, "SELECT 6");
        EXPECT_EQ(log_of(standby_), "1:? | 1:SELECT 6");
        EXPECT_EQ(main.read_statistics().too_old, 3U);
    });
}

TEST_F(reads, believe_no_standby_of_another_timeline)
{
    run([&](database& main) -> asio::awaitable<void> {
        replayed_.timeline = 2;
        replayed_.location = 1000;
        co_await read(main, "SELECT 1");
        co_await read(main, "SELECT 2");
        EXPECT_THAT(log_of(primary_), AllOf(HasSubstr(":SELECT 1"), HasSubstr(":SELECT 2")));
        EXPECT_EQ(main.read_statistics().at_standby, 0U);
    });
}

TEST_F(reads, may_be_as_old_as_they_like_when_no_limit_is_asked_for)
{
    run([&](database& main) -> asio::awaitable<void> {
        replayed_.location = 0;
        co_await read(main, "SELECT 1", {.max_staleness = std::nullopt});
        EXPECT_EQ(log_of(standby_), "1:SELECT 1");
        EXPECT_EQ(log_of(primary_), "");
    });
}

TEST_F(reads, that_may_not_be_old_at_all_go_to_the_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        time_.advance(1ms);
        co_await read(main, "SELECT 1", {.max_staleness = 0ms});
        co_await read(main, "SELECT 2", {.max_staleness = -1ms});
        EXPECT_EQ(log_of(standby_), "");
        EXPECT_EQ(log_of(primary_).find('?'), std::string::npos) << "nothing is asked for it";
        EXPECT_EQ(main.read_statistics().not_known, 1U) << "that of the beginning";
    });
}

TEST_F(reads, take_any_length_of_time)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        time_.advance(24h);
        co_await read(main, "SELECT 1", {.max_staleness = std::chrono::milliseconds::max()});
        EXPECT_EQ(log_of(standby_), "1:SELECT 1");
    });
}

TEST_F(reads, go_to_the_primary_at_once_when_no_standby_can_be_reached)
{
    run([&](database& main) -> asio::awaitable<void> {
        standby_.refusal = test::refused();
        co_await read(main, "SELECT 1", any);
        co_await read(main, "SELECT 2", any);
        EXPECT_THAT(log_of(primary_), AllOf(HasSubstr(":SELECT 1"), HasSubstr(":SELECT 2")));
        EXPECT_EQ(main.read_statistics().unavailable, 2U);
    });
}

TEST_F(reads, try_no_standby_while_its_breaker_is_open)
{
    options_.breaker_enabled = true;
    run([&](database& main) -> asio::awaitable<void> {
        standby_.refusal = test::refused();
        for (int i = 0; i < 20; ++i) {
            co_await read(main, "SELECT 1", any);
            main.standbys().pool().end_pause();
        }
        EXPECT_EQ(main.standbys().breaker_state(), resilience::breaker_state::open);
        EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
        EXPECT_LT(standby_.connects_begun, 20);
        EXPECT_EQ(main.read_statistics().unavailable, 20U);
    });
}

TEST_F(reads, go_to_the_primary_at_once_when_all_connections_are_in_use)
{
    options_.standbys.pool.maximum = 1;
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        test::task<void> holder(co_await asio::this_coro::executor, read(main, "HOLD it"));
        co_await test::until([&] { return log_of(standby_) == "1:HOLD it"; });
        co_await read(main, "SELECT 2");
        EXPECT_THAT(log_of(primary_), HasSubstr(":SELECT 2"));
        EXPECT_EQ(main.read_statistics().busy, 1U);
        standby_.held("it").open();
        co_await holder.result();
    });
}

TEST_F(reads, that_a_standby_cannot_do_are_done_by_the_primary_once)
{
    run([&](database& main) -> asio::awaitable<void> {
        // Replay was in the way; it shuts down; it has no such table yet.
        std::uint64_t failed = 0;
        for (const auto* state : {"40001", "57P01", "42P01", "53300", "XX000"}) {
            co_await warm_up(main);
            std::exception_ptr error;
            try {
                co_await read(main, std::string("FAIL ") + state);
            }
            catch (const pg::server_error&) {
                error = std::current_exception();
            }
            EXPECT_TRUE(error) << "as the primary says";
            EXPECT_EQ(test::count(standby_, std::string("FAIL ") + state), 1) << state;
            EXPECT_GE(test::count(primary_, std::string("FAIL ") + state), 1) << state;
            EXPECT_EQ(main.read_statistics().failed, ++failed);
        }
        EXPECT_EQ(main.standbys().pool_stats().size, 0U) << "what the server found broken serves nobody else";
    });
}

TEST_F(reads, whose_connection_is_lost_are_done_by_the_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        standby_.on_command = [](fake_server::connection& on, const std::string&) { on.close(); };
        co_await read(main, "SELECT 2");
        EXPECT_THAT(log_of(primary_), HasSubstr(":SELECT 2"));
        EXPECT_EQ(main.read_statistics().failed, 1U);
    });
}

TEST_F(reads, that_did_something_wrong_are_told_so)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        EXPECT_THROW(co_await read(main, "FAIL 22012"), pg::division_by_zero);
        EXPECT_THROW(co_await read(main, "FAIL 57014"), pg::query_canceled);
        EXPECT_EQ(test::count(primary_, "FAIL 22012") + test::count(primary_, "FAIL 57014"), 0);
    });
}

TEST_F(reads, that_did_something_wrong_on_data_that_is_too_old_are_tried_on_the_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        end_.location = 200;
        time_.advance(900ms);
        co_await read(main, "SELECT 2");
        co_await test::settle();
        time_.advance(200ms);
        EXPECT_THROW(co_await read(main, "FAIL 22012"), pg::division_by_zero);
        EXPECT_EQ(test::count(primary_, "FAIL 22012"), 1);
    });
}

TEST_F(reads, that_write_are_refused_by_the_standby_and_not_tried_elsewhere)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        std::string said;
        try {
            co_await read(main, "FAIL 25006");
        }
        catch (const pg::read_only_sql_transaction& refused) {
            said = refused.what();
        }
        EXPECT_THAT(said, HasSubstr("database::read only reads"));
        EXPECT_EQ(test::count(primary_, "FAIL 25006"), 0);
    });
}

TEST_F(reads, that_may_write_are_run_by_the_primary_in_a_transaction_that_may_not)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await read(main, "SELECT may_write()", {.max_staleness = 0ms});
        EXPECT_THAT(
            log_of(primary_), testing::ContainsRegex(".:BEGIN READ ONLY \\| .:SELECT may_write\\(\\) \\| .:COMMIT"));
    });
}

TEST_F(reads, inside_a_transaction_see_what_was_written)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await test::say(main, "WRITE it");
            co_await main.read().execute(runtime_sql("SELECT it"));
        });
        EXPECT_THAT(log_of(primary_), testing::ContainsRegex("WRITE it \\| .:SELECT it \\| .:COMMIT"));
        EXPECT_EQ(log_of(standby_), "");
    });
}

TEST_F(reads, are_refused_with_the_reason_when_the_primary_shall_not_be_asked)
{
    run([&](database& main) -> asio::awaitable<void> {
        standby_.refusal = test::refused();
        std::string said;
        try {
            co_await read(main, "SELECT 1", {.max_staleness = std::nullopt, .primary_otherwise = false});
        }
        catch (const no_fresh_standby& refused) {
            said = refused.what();
            EXPECT_TRUE(refused.cause());
            EXPECT_TRUE(refused.code() == pg::disposition::transient);
        }
        EXPECT_THAT(said, AllOf(HasSubstr("'main'"), HasSubstr("no standby can be reached"), HasSubstr("refused")));
        EXPECT_EQ(test::count(primary_, "SELECT 1"), 0);
    });
}

TEST_F(reads, are_counted_by_where_they_were_answered)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await read(main, "SELECT 1");
        co_await read(main, "SELECT 2");
        observe::metrics all;
        write_metrics(all, main);
        const auto text = all.text();
        EXPECT_THAT(text, HasSubstr("tradecore_reads_total{database=\"main\",outcome=\"standby\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_reads_total{database=\"main\",outcome=\"not_known\"} 1\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_reads_total{database=\"main\",outcome=\"too_old\"} 0\n"));
        EXPECT_THAT(text, HasSubstr("tradecore_pool_connections{database=\"main/standby\",state=\"idle\"} 1\n"));
        EXPECT_THAT(text, testing::Not(HasSubstr("tradecore_reads_total{database=\"main/standby\"")));
    });
}

TEST_F(reads, leave_a_standby_that_was_promoted)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        is_standby_ = false;
        standby_.on_command = nullptr;
        standby_.open_connections.front()->become_primary();
        co_await read(main, "SELECT 2");
        EXPECT_EQ(log_of(standby_), "1:SELECT 2") << "what it has it has";
        EXPECT_EQ(main.standbys().pool_stats().size, 0U);
    });
}

TEST_F(reads, of_a_caller_who_is_cancelled_go_nowhere_else)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await warm_up(main);
        test::task<void> caller(co_await asio::this_coro::executor, read(main, "HOLD for ever"));
        co_await test::until([&] { return log_of(standby_) == "1:HOLD for ever"; });
        caller.cancel();
        std::exception_ptr error;
        try {
            co_await caller.result();
        }
        catch (const boost::system::system_error& cancelled) {
            EXPECT_EQ(cancelled.code(), asio::error::operation_aborted);
            error = std::current_exception();
        }
        EXPECT_TRUE(error);
        EXPECT_EQ(test::count(primary_, "HOLD for ever"), 0);
    });
}

TEST_F(reads, of_an_event_loop_that_is_destroyed_leave_nothing_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        std::optional<database> main;
        {
            asio::io_context context;
            main.emplace(
                context.get_executor(), options_, primary_.make_connector(), time_.source(), standby_.make_connector());
            const auto all = [&]() -> asio::awaitable<void> {
                co_await main->open();
                for (int i = 0; i < 4; ++i)
                    co_await read(*main, "SELECT 1");
            };
            test::stepped whole{context, {}, false, nullptr};
            whole.start(all());
            interrupted = whole.turn(step);
        }
        ASSERT_TRUE(primary_.open_connections.empty()) << step;
        ASSERT_TRUE(standby_.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

TEST_F(reads, end_in_one_way_when_cancelled_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        asio::io_context context;
        database main(
            context.get_executor(), options_, primary_.make_connector(), time_.source(), standby_.make_connector());
        const auto some = [&]() -> asio::awaitable<void> {
            co_await main.open();
            for (int i = 0; i < 4; ++i)
                co_await read(main, "SELECT 1");
        };
        test::stepped whole{context, {}, false, nullptr};
        whole.start(some());
        interrupted = whole.turn(step);
        whole.cancel.emit(asio::cancellation_type::terminal);
        whole.finish();
        EXPECT_TRUE(whole.ended) << step;
        test::stepped rest{context, {}, false, nullptr};
        rest.start(main.close(1s));
        rest.finish();
        EXPECT_FALSE(rest.error) << step;
        EXPECT_EQ(main.standbys().pool_stats().size, 0U) << step;
        EXPECT_TRUE(standby_.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

TEST_F(reads, go_to_the_primary_when_there_are_no_standbys)
{
    options_.standbys = {};
    run([&](database& main) -> asio::awaitable<void> {
        co_await read(main, "SELECT 1");
        EXPECT_EQ(log_of(primary_), "1:SELECT 1");
        EXPECT_THROW(
            co_await read(main, "SELECT 1", {.max_staleness = {}, .primary_otherwise = false}), no_fresh_standby);
        EXPECT_EQ(main.standbys().name(), "main/standby");
        EXPECT_THROW((void)main.standbys().pool(), database_disabled);
    });
}

TEST_F(reads, offer_nothing_that_writes)
{
    run([&](database& main) -> asio::awaitable<void> {
        auto session = main.read();
        const std::vector<int> rows{1};
        EXPECT_THROW(co_await session.execute_many("INSERT INTO t VALUES ($1)", rows), pg::argument_error);
        EXPECT_THROW(co_await session.copy_in("t", {"i"}, rows), pg::argument_error);
    });
}

TEST_F(reads, want_options_that_make_sense)
{
    const auto refusal_of = [&](auto change) {
        auto options = options_;
        change(options);
        try {
            asio::io_context context;
            const database main(context.get_executor(), options, primary_.make_connector());
        }
        catch (const std::invalid_argument& refused) {
            return std::string(refused.what());
        }
        return std::string("none");
    };
    EXPECT_EQ(refusal_of([](auto&) {}), "none");
    EXPECT_THAT(refusal_of([](auto& of) { of.standbys.pool.minimum = 1; }), HasSubstr("minimum"));
    EXPECT_THAT(refusal_of([](auto& of) { of.standbys.patience = 0ms; }), HasSubstr("patience"));
    EXPECT_THAT(
        refusal_of([](auto& of) { of.connect.target_session = pg::target_session_attributes::any; }),
        HasSubstr("target_session_attrs"));
    EXPECT_EQ(
        refusal_of([](auto& of) {
            of.connect.target_session = pg::target_session_attributes::any;
            of.standbys.hosts = {{.host = "replica", .hostaddr = {}}};
        }),
        "none");
    EXPECT_THAT(
        refusal_of([](auto& of) { of.connect.prepared_statements = pg::prepared_statements::unnamed; }),
        HasSubstr("pooler"));
}

} // namespace
} // namespace tradecore
