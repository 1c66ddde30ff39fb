// SPDX-License-Identifier: Apache-2.0
#include "db/read_position.hpp"
#include "support/postgres.hpp"
#include "support/replicated_servers.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::replicated_servers;
using clock = std::chrono::steady_clock;

// [read-standbys]
database_options with_standbys()
{
    database_options options;
    options.connect =
        pg::connect_options::parse("postgresql://app@db1,db2,db3/trading?target_session_attrs=read-write");
    options.standbys.enabled = true;
    return options;
}

asio::awaitable<std::int64_t> open_orders(database& db)
{
    co_return co_await db.read({.max_staleness = 500ms})
        .fetchval<std::int64_t>("SELECT count(*) FROM orders WHERE state = 'open'");
}
// [/read-standbys]

asio::awaitable<void> moment()
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
}

/// A primary with a table `counter` of one row, and its standby.
class reads_on_servers : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        servers_ = std::make_unique<replicated_servers>(
            "CREATE TABLE counter (value bigint); INSERT INTO counter VALUES (0); CREATE TABLE other (i int);"
            "CREATE TABLE orders (state text); INSERT INTO orders VALUES ('open');"
            "CREATE ROLE plain LOGIN; GRANT SELECT ON counter TO plain;"
            "CREATE FUNCTION count_on() RETURNS bigint LANGUAGE sql AS "
            "'UPDATE counter SET value = value + 1 RETURNING value'",
            std::map<std::string, std::string>{{"max_standby_streaming_delay", "0"}});
    }
    static void TearDownTestSuite() { servers_.reset(); }

    reads_on_servers()
    {
        options_.connect = pg::connect_options::parse(servers_->dsn("target_session_attrs=read-write"));
        options_.pool = {.minimum = 0, .maximum = 4};
        options_.pool.exhaustion_threshold = 1;
        options_.standbys.enabled = true;
        options_.standbys.pool.maximum = 4;
        options_.standbys.patience = 10s;
        options_.breaker_enabled = false;
    }

    /// A test that failed leaves the next one no standby that waits.
    void TearDown() override
    {
        servers_->at_standby("SELECT pg_wal_replay_resume()");
        servers_->connect_standby();
    }

    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await with_timeout(4min, body(main));
            co_await main.close(5s);
        });
    }

    static asio::awaitable<std::int64_t> value(database& main, read_options how = {.max_staleness = 10s})
    {
        co_return co_await main.read(how).fetchval<std::int64_t>("SELECT value FROM counter");
    }
    static asio::awaitable<std::int64_t> count_on(database& main)
    {
        co_return co_await main.fetchval<std::int64_t>("UPDATE counter SET value = value + 1 RETURNING value");
    }
    /// Reads until a standby has answered.
    static asio::awaitable<void> until_standby_answers(database& main, read_options how = {.max_staleness = 10s})
    {
        const auto before = main.read_statistics().at_standby;
        while (main.read_statistics().at_standby == before) {
            (void)co_await value(main, how);
            co_await moment();
        }
    }
    /// The standby stays where it is, and says at once that nothing is missing. Then the value is counted on, and read
    /// until that is seen.
    static asio::awaitable<void> read_what_no_standby_has(database& main)
    {
        const auto written = co_await count_on(main);
        while (co_await value(main, {.max_staleness = 50ms}) != written)
            co_await moment();
        const auto before = main.read_statistics().at_standby;
        for (int i = 0; i < 10; ++i)
            EXPECT_EQ(co_await value(main, {.max_staleness = 50ms}), written);
        EXPECT_EQ(main.read_statistics().at_standby, before);
        EXPECT_EQ(co_await value(main, {.max_staleness = std::nullopt}), written - 1) << "who does not mind";
    }

    inline static std::unique_ptr<replicated_servers> servers_;
    database_options options_;
};

TEST_F(reads_on_servers, are_answered_by_the_standby_of_an_idle_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        EXPECT_TRUE(co_await main.read().fetchval<bool>("SELECT pg_is_in_recovery()"));
        const auto before = main.read_statistics();
        for (int i = 0; i < 20; ++i)
            (void)co_await value(main);
        EXPECT_EQ(main.read_statistics().too_old, before.too_old);
        EXPECT_EQ(main.read_statistics().at_standby, before.at_standby + 20);
        const auto health = co_await main.standbys().health_check();
        EXPECT_EQ(health.role, "standby");
        EXPECT_EQ(health.name, "main/standby");
    });
}

TEST_F(reads_on_servers, are_set_up_as_documented)
{
    const auto documented = with_standbys();
    EXPECT_EQ(documented.connect.hosts.size(), 3U);
    asio::io_context context;
    EXPECT_EQ(database(context.get_executor(), documented).standbys().name(), "main/standby");
    run([&](database& main) -> asio::awaitable<void> { EXPECT_EQ(co_await open_orders(main), 1); });
}

TEST_F(reads_on_servers, serve_several_threads)
{
    options_.used_by = threads::several;
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        auto rows = co_await main.read({.max_staleness = 10s}).cursor<bool>("SELECT pg_is_in_recovery()");
        EXPECT_TRUE((co_await rows.next()).at(0));
        pg::batch todo;
        const auto where = todo.add<bool>("SELECT pg_is_in_recovery()");
        auto answers = co_await main.read({.max_staleness = 10s}).run(std::move(todo));
        EXPECT_TRUE(answers.get(where));
    });
}

TEST_F(reads_on_servers, see_all_that_was_written_longer_ago_than_they_may_be_old)
{
    constexpr auto bound = 40ms;
    run([&](database& main) -> asio::awaitable<void> {
        struct acknowledged {
            clock::time_point when;
            std::int64_t value;
        };
        std::deque<acknowledged> all;
        bool paused = false;
        for (int i = 0; i < 400 || main.read_statistics().at_standby < 20 || main.read_statistics().too_old < 20; ++i) {
            if (i % 50 == 49) {
                paused = !paused;
                servers_->at_standby(paused ? "SELECT pg_wal_replay_pause()" : "SELECT pg_wal_replay_resume()");
            }
            if (i % 3 == 0) {
                const auto written = co_await count_on(main);
                all.push_back({clock::now(), written});
            }
            const auto asked = clock::now();
            const auto found = co_await value(main, {.max_staleness = bound});
            std::int64_t least = 0;
            for (const auto& each : all)
                least = each.when < asked - bound ? each.value : least;
            EXPECT_GE(found, least) << "read " << i;
            co_await moment();
        }
        servers_->at_standby("SELECT pg_wal_replay_resume()");
    });
}

TEST_F(reads_on_servers, go_to_the_primary_while_replay_is_paused)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        servers_->at_standby("SELECT pg_wal_replay_pause()");
        co_await read_what_no_standby_has(main);
        servers_->at_standby("SELECT pg_wal_replay_resume()");
        co_await until_standby_answers(main, {.max_staleness = 100ms});
    });
}

TEST_F(reads_on_servers, go_to_the_primary_while_the_standby_is_cut_off)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        servers_->disconnect_standby();
        // The server writes something by itself at times: if that has come in between, the standby gets it first.
        const auto lacks_something = [] {
            return servers_->at_primary("SELECT pg_current_wal_flush_lsn()") !=
                   servers_->at_standby("SELECT pg_last_wal_replay_lsn()");
        };
        while (lacks_something()) {
            servers_->connect_standby();
            while (lacks_something())
                co_await moment();
            servers_->disconnect_standby();
        }
        // An idle primary: nothing is missing, and that is proved though nothing is received.
        co_await until_standby_answers(main, {.max_staleness = 100ms});
        co_await read_what_no_standby_has(main);
        EXPECT_EQ(servers_->at_standby("SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"), "t")
            << "it believes that it has everything";
        servers_->connect_standby();
        co_await until_standby_answers(main, {.max_staleness = 100ms});
    });
}

TEST_F(reads_on_servers, need_no_privileges)
{
    auto uri = servers_->dsn("target_session_attrs=read-write");
    uri.replace(uri.find("tradecore@"), std::string("tradecore").size(), "plain");
    options_.connect = pg::connect_options::parse(uri);
    run([&](database& main) -> asio::awaitable<void> { co_await until_standby_answers(main); });
}

TEST_F(reads_on_servers, know_where_the_log_ends_when_a_segment_has_just_been_filled)
{
    // The place that is inserted at is behind the header of the next page, where no standby comes yet.
    const auto question = "SELECT pg_switch_wal(); " + std::string(detail::question_to_primary);
    std::uint64_t place = 1;
    for (int i = 0; i < 10 && place % (16U << 20U) != 0; ++i) { // the server writes something by itself at times
        servers_->at_primary("UPDATE counter SET value = value");
        place = std::stoull(servers_->at_primary(question));
    }
    EXPECT_EQ(place % (16U << 20U), 0U);
}

TEST_F(reads_on_servers, are_refused_by_either_server_when_they_write)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        const auto before = co_await value(main, {.max_staleness = 0ms});
        for (const auto old : {10'000ms, 0ms}) {
            auto session = main.read({.max_staleness = old});
            EXPECT_THROW((void)co_await session.execute("UPDATE counter SET value = -1"), read_only_sql_transaction);
            EXPECT_THROW((void)co_await session.fetchval<std::int64_t>("SELECT count_on()"), read_only_sql_transaction);
            pg::batch todo;
            (void)todo.add_execute("UPDATE counter SET value = -1");
            EXPECT_THROW((co_await session.run(std::move(todo))).require_success(), read_only_sql_transaction);
            auto rows = co_await main.read({.max_staleness = old}).cursor<std::int64_t>("SELECT value FROM counter");
            EXPECT_EQ((co_await rows.next()).size(), 1U);
        }
        EXPECT_EQ(co_await value(main, {.max_staleness = 0ms}), before);
    });
}

TEST_F(reads_on_servers, in_batches_and_by_cursors_go_to_the_standby_too)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        const auto before = main.read_statistics().at_standby;
        for (const auto mode : {pg::batch_mode::one_transaction, pg::batch_mode::each_alone}) {
            pg::batch todo(mode);
            const auto where = todo.add<bool>("SELECT pg_is_in_recovery()");
            const auto found = todo.add<std::int64_t>("SELECT value FROM counter");
            auto answers = co_await main.read({.max_staleness = 10s}).run(std::move(todo));
            EXPECT_TRUE(answers.get(where));
            EXPECT_GE(answers.get(found), 0);
        }
        auto rows = co_await main.read({.max_staleness = 10s})
                        .cursor<bool>({.rows = 10}, "SELECT pg_is_in_recovery() FROM generate_series(1, 100)");
        std::size_t read = 0;
        for (auto some = co_await rows.next(); !some.empty(); some = co_await rows.next()) {
            read += some.size();
            EXPECT_TRUE(some.front());
        }
        EXPECT_EQ(read, 100U);
        EXPECT_EQ(main.read_statistics().at_standby, before + 3);
        EXPECT_EQ(main.standbys().pool_stats().active, 0U);
    });
}

TEST_F(reads_on_servers, of_what_a_standby_does_not_have_yet_are_answered_by_the_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        servers_->at_standby("SELECT pg_wal_replay_pause()");
        servers_->at_primary("CREATE TABLE late AS SELECT 7 AS number");
        const read_options however_old{.max_staleness = std::nullopt, .primary_otherwise = true, .call = {}};
        EXPECT_EQ(co_await main.read(however_old).fetchval<std::int32_t>("SELECT number FROM late"), 7);
        for (const auto mode : {pg::batch_mode::one_transaction, pg::batch_mode::each_alone}) {
            pg::batch todo(mode);
            const auto where = todo.add<bool>("SELECT pg_is_in_recovery()");
            const auto found = todo.add<std::int32_t>("SELECT number FROM late");
            auto answers = co_await main.read(however_old).run(std::move(todo));
            EXPECT_EQ(answers.get(found), 7);
            EXPECT_FALSE(answers.get(where)) << "all of it is";
        }
        auto rows = co_await main.read(however_old).cursor<std::int32_t>("SELECT number FROM late");
        EXPECT_EQ((co_await rows.next()).at(0), 7);
        co_await rows.close(); // it keeps the table from being dropped
        EXPECT_EQ(main.read_statistics().failed, 4U);
        servers_->at_primary("DROP TABLE late");
        servers_->at_standby("SELECT pg_wal_replay_resume()");
    });
}

TEST_F(reads_on_servers, that_replay_is_in_the_way_of_are_answered_by_the_primary)
{
    run([&](database& main) -> asio::awaitable<void> {
        co_await until_standby_answers(main);
        const auto before = main.read_statistics().failed;
        const auto in_the_way = [](database& on) -> asio::awaitable<std::monostate> {
            while (servers_->at_standby("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0")
                co_await moment();
            (void)co_await on.execute("TRUNCATE other");
            co_return std::monostate();
        };
        const auto sleeping = [](database& on) -> asio::awaitable<std::string> {
            co_return co_await on.read({.max_staleness = 10s})
                .fetchval<std::string>(
                    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_sleep(600)::text ELSE 'primary' END || count(*) FROM "
                    "other");
        };
        auto answered = sleeping(main);
        auto done = in_the_way(main);
        const auto [answer, nothing] = co_await when_all(std::move(answered), std::move(done));
        EXPECT_EQ(answer, "primary0");
        EXPECT_EQ(main.read_statistics().failed, before + 1);
    });
}

} // namespace
} // namespace tradecore
