// SPDX-License-Identifier: Apache-2.0
#include "db/commit_resolution.hpp"
#include "db/support/gate.hpp"
#include "support/errors.hpp"
#include "support/network_gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/embedded/server.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <signal.h>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::ending;
using test::flow;
using test::network_gate;

enum class reported : std::uint8_t { committed, without_effect, unknown };

std::string_view name_of(reported what)
{
    switch (what) {
    case reported::committed:
        return "committed";
    case reported::without_effect:
        return "without effect";
    case reported::unknown:
        return "unknown";
    }
    return {};
}

/// Runs a transaction. @returns what its caller is told.
/// @param xid the id that an unknown one names.
asio::awaitable<reported> told_of(
    database& on, std::function<asio::awaitable<void>()> body, transaction_options how = {.max_attempts = 1},
    std::optional<std::uint64_t>* xid = nullptr)
{
    try {
        co_await on.transaction(std::move(body), how);
    }
    catch (const commit_unknown& unknown) {
        if (xid != nullptr)
            *xid = unknown.xid();
        co_return reported::unknown;
    }
    catch (const pg::error&) {
        co_return reported::without_effect;
    }
    co_return reported::committed;
}

database_options options_for(const std::string& dsn, std::size_t connections)
{
    database_options options;
    options.connect = pg::connect_options::parse(dsn);
    options.pool = {.minimum = 0, .maximum = connections};
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 20ms;
    options.pool.slow_acquire = {};
    options.breaker_enabled = false;
    return options;
}

std::size_t long_or(std::size_t usual, std::size_t patient)
{
    const char* const asked = std::getenv("TRADECORE_LONG_TESTS");
    return asked != nullptr && *asked != '\0' ? patient : usual;
}

/// A server of its own, for what cannot be done to the others' one.
class own_server {
public:
    own_server() : server_(settings(folder_)) { server_.start(); }
    embedded::server& operator*() noexcept { return server_; }
    embedded::server* operator->() noexcept { return &server_; }

private:
    static embedded::options settings(const test::temporary_folder& folder)
    {
        embedded::options small;
        small.folder = folder.path();
        small.settings = {
            {"fsync", "off"}, {"shared_buffers", "16MB"}, {"restart_after_crash", "on"}, {"wal_writer_delay", "10s"}};
        return small;
    }
    test::temporary_folder folder_;
    embedded::server server_;
};

constexpr const char* tables =
    "CREATE TABLE done (run bigint NOT NULL); CREATE TABLE counters (worker int PRIMARY KEY, n bigint NOT NULL)";

/// Workers that run transactions, each of which leaves a row of its own and counts on; what they are told is kept.
struct workload {
    database& main;
    std::size_t workers;
    std::size_t runs;
    transaction_options how;
    std::map<std::int64_t, reported> told{};
    std::size_t next = 0;

    asio::awaitable<void> run()
    {
        std::vector<asio::awaitable<void>> all;
        for (std::size_t i = 0; i < workers; ++i)
            all.push_back(work(*this, static_cast<std::int32_t>(i)));
        co_await when_all(std::move(all));
    }

    static asio::awaitable<void> write(database& on, std::int64_t run, std::int32_t worker)
    {
        // The first writes in some runs only, and in others it is the last that does.
        if (run % 3 != 0)
            (void)co_await on.fetchval<std::int64_t>("SELECT count(*) FROM counters");
        (void)co_await on.execute("UPDATE counters SET n = n + 1 WHERE worker = $1", worker);
        (void)co_await on.execute("INSERT INTO done VALUES ($1)", run);
    }
    static asio::awaitable<void> work(workload& of, std::int32_t worker)
    {
        while (of.next < of.runs) {
            const auto run = static_cast<std::int64_t>(of.next++);
            of.told[run] =
                co_await told_of(of.main, [&of, run, worker] { return write(of.main, run, worker); }, of.how);
        }
    }

    [[nodiscard]] std::size_t count(reported what) const
    {
        std::size_t found = 0;
        for (const auto& [run, each] : told)
            found += each == what ? 1 : 0;
        return found;
    }

    /// Compares what was said with what is.
    void check(const std::string& dsn) const
    {
        std::map<std::int64_t, int> rows;
        test::run([&]() -> asio::awaitable<void> {
            const auto db =
                co_await pg::connection::connect(co_await asio::this_coro::executor, pg::connect_options::parse(dsn));
            for (const auto run : co_await db->fetch<std::int64_t>("SELECT run FROM done"))
                ++rows[run];
            std::int64_t all = 0;
            for (const auto& [run, times] : rows)
                all += times;
            EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT coalesce(sum(n), 0)::bigint FROM counters"), all);
        });
        EXPECT_EQ(told.size(), runs);
        for (const auto& [run, what] : told) {
            const auto at = rows.find(run);
            const int times = at == rows.end() ? 0 : at->second;
            EXPECT_LE(times, 1) << "run " << run << " took effect twice";
            if (what != reported::unknown)
                EXPECT_EQ(times, what == reported::committed ? 1 : 0)
                    << "run " << run << " was reported as " << name_of(what);
        }
        for (const auto what : {reported::committed, reported::without_effect, reported::unknown})
            testing::Test::RecordProperty(std::string(name_of(what)), static_cast<int>(count(what)));
    }
};

void prepare(const test::scratch_database& scratch, std::size_t workers)
{
    scratch.run(tables);
    scratch.run("INSERT INTO counters SELECT n, 0 FROM generate_series(0, " + std::to_string(workers - 1) + ") n");
}

/// Ends links at random bytes: around COMMIT mostly, in either direction, and some anywhere, so that those who look for
/// the fate of a transaction are cut off, too.
class cutter {
public:
    cutter(network_gate& gate, std::uint64_t seed) : random_(seed)
    {
        // The beginning of COMMIT, which is a script of its length.
        gate.when(flow::to_server, std::string("Q\0\0\0\x0b", 5), [this](network_gate::link& on) {
            if (pick(0, 9) >= 3)
                cut_at_commit(on);
        });
        gate.on_link([this](network_gate::link& on) {
            if (pick(0, 9) == 0)
                cut(on, either(), pick(0, 2'500));
        });
    }
    [[nodiscard]] std::size_t cuts() const noexcept { return cuts_; }

private:
    void cut_at_commit(network_gate::link& on)
    {
        ++cuts_;
        const auto direction = either();
        // COMMIT has 12 bytes, of which 4 have passed, and its answer has 19.
        cut(on, direction, on.passed(direction) + pick(0, direction == flow::to_server ? 9 : 20));
    }
    void cut(network_gate::link& on, flow direction, std::uint64_t after)
    {
        test::traffic rule;
        rule.cut_by = pick(0, 1) == 0 ? ending::reset : ending::close;
        rule.piece = pick(0, 3) == 0 ? 1 : 0;
        rule.cut_after = after;
        on.set(direction, rule);
    }
    flow either() { return pick(0, 1) == 0 ? flow::to_server : flow::to_client; }
    std::uint64_t pick(std::uint64_t lowest, std::uint64_t highest)
    {
        return std::uniform_int_distribution<std::uint64_t>(lowest, highest)(random_);
    }

    std::mt19937_64 random_;
    std::size_t cuts_ = 0;
};

void cut_around_commit(const std::string& seeds, std::size_t runs, transaction_options how, bool repeats)
{
    const std::size_t workers = 16;
    const test::scratch_database scratch("lost_commit");
    prepare(scratch, workers);
    const observe::capture log(observe::level::error);
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch.dsn());
        cutter cuts(gate, std::hash<std::string>()(seeds));
        database main(here, options_for(gate.dsn(), workers));
        co_await main.open();
        workload load{.main = main, .workers = workers, .runs = runs, .how = how};
        co_await load.run();
        co_await main.close();
        load.check(scratch.dsn());
        EXPECT_EQ(load.count(reported::unknown), 0U);
        EXPECT_GT(load.count(reported::committed), runs / 4);
        if (!repeats)
            EXPECT_GT(load.count(reported::without_effect), runs / 10);
        EXPECT_GT(cuts.cuts(), runs / 4);
        testing::Test::RecordProperty("cuts", static_cast<int>(cuts.cuts()));
    });
}

TEST(lost_commit, is_reported_as_it_is_wherever_the_connection_is_cut)
{
    cut_around_commit("once", long_or(500, 10'000), {.max_attempts = 1}, false);
}

TEST(lost_commit, has_its_effect_once_when_transactions_are_repeated)
{
    cut_around_commit("repeated", long_or(200, 4'000), {.max_attempts = 10}, true);
}

TEST(lost_commit, is_told_by_the_server_that_has_done_it)
{
    const test::scratch_database scratch("lost_commit");
    prepare(scratch, 1);
    for (const bool over_tcp : {false, true}) {
        const observe::capture log(observe::level::warn);
        test::run([&]() -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            network_gate gate(here, over_tcp ? scratch.tcp_dsn() : scratch.dsn());
            database main(here, options_for(gate.dsn(), 1));
            co_await main.open();
            gate.when(flow::to_client, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
            const auto run = over_tcp ? 2 : 1;
            const auto told = co_await told_of(main, [&] { return workload::write(main, run, 0); });
            EXPECT_EQ(told, reported::committed);
            EXPECT_EQ(
                co_await main.fetchval<std::int64_t>("SELECT count(*) FROM done WHERE run = $1", std::int64_t{run}), 1);
            co_await main.close();
        });
        ASSERT_FALSE(log.entries().empty());
        EXPECT_EQ(log.entries()[0].message, "[LOST COMMIT] main transaction had taken effect");
        EXPECT_NE(log.entries()[0].value("xid"), "0");
    }
}

/// Each verb, as the only one that writes.
TEST(lost_commit, is_told_of_transactions_that_wrote_by_any_verb)
{
    const test::scratch_database scratch("lost_commit");
    scratch.run("CREATE TABLE t (id bigint)");
    const std::vector<std::int64_t> ids{1, 2, 3};
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch.dsn());
        database main(here, options_for(gate.dsn(), 2));
        co_await main.open();
        gate.when(flow::to_client, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
        std::vector<std::pair<std::string, std::function<asio::awaitable<void>()>>> bodies;
        bodies.emplace_back("execute_many", [&]() -> asio::awaitable<void> {
            (void)co_await main.execute_many("INSERT INTO t VALUES ($1)", ids);
        });
        bodies.emplace_back("batch", [&]() -> asio::awaitable<void> {
            pg::batch todo;
            (void)todo.add_execute("INSERT INTO t VALUES (1)");
            (co_await main.run(std::move(todo))).require_success();
        });
        bodies.emplace_back(
            "copy_in", [&]() -> asio::awaitable<void> { (void)co_await main.copy_in("t", {"id"}, ids); });
        bodies.emplace_back("copy_out", [&]() -> asio::awaitable<void> {
            auto rows = co_await main.copy_out<std::int64_t>("INSERT INTO t VALUES (7) RETURNING id");
            while (!(co_await rows.next()).empty()) {
            }
        });
        bodies.emplace_back("cursor", [&]() -> asio::awaitable<void> {
            auto rows = co_await main.cursor<std::int64_t>("INSERT INTO t VALUES (7) RETURNING id");
            while (!(co_await rows.next()).empty()) {
            }
        });
        bodies.emplace_back("script", [&]() -> asio::awaitable<void> {
            const auto answers = co_await main.run_script("INSERT INTO t VALUES (1); SELECT 1 -- the last");
            EXPECT_EQ(answers.size(), 2U);
        });
        bodies.emplace_back("savepoint", [&]() -> asio::awaitable<void> {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> { co_await main.execute("INSERT INTO t VALUES (1)"); });
        });
        bodies.emplace_back("savepoint that fails", [&]() -> asio::awaitable<void> {
            try {
                co_await main.transaction([&]() -> asio::awaitable<void> {
                    co_await main.execute(
                        "WITH a AS (INSERT INTO t VALUES (1) RETURNING id) SELECT 1 / (id - 1) FROM a");
                });
            }
            catch (const pg::server_error&) {
            }
        });
        for (const auto& [verb, body] : bodies)
            EXPECT_EQ(co_await told_of(main, body), reported::committed) << verb;
        const auto reads = [&]() -> asio::awaitable<void> { co_await main.execute("SELECT count(*) FROM t"); };
        EXPECT_EQ(co_await told_of(main, reads), reported::without_effect);
        gate.when(flow::to_client, "COMMIT", {});
        co_await main.close();
    });
    EXPECT_EQ(scratch.run("SELECT count(*) FROM t"), std::to_string(3 + 1 + 3 + 1 + 1 + 1 + 1));
}

// A foreign table is written in a transaction of the other server, and this one gives no id for it.
TEST(lost_commit, of_what_was_written_on_another_server_is_unknown)
{
    const test::scratch_database scratch("lost_commit");
    scratch.run("CREATE EXTENSION postgres_fdw; CREATE TABLE there (id bigint);"
                "DO $$ BEGIN EXECUTE format('CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS "
                "(dbname %L, host %L, port %L)', current_database(), "
                "split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')); END $$;"
                "CREATE USER MAPPING FOR PUBLIC SERVER itself OPTIONS (user 'tc_trust');"
                "CREATE FOREIGN TABLE here (id bigint) SERVER itself OPTIONS (table_name 'there')");
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch.dsn());
        database main(here, options_for(gate.dsn(), 2));
        co_await main.open();
        gate.when(flow::to_client, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
        const auto body = [&]() -> asio::awaitable<void> { co_await main.execute("INSERT INTO here VALUES (1)"); };
        EXPECT_EQ(co_await told_of(main, body, {.max_attempts = 3}), reported::unknown);
        gate.when(flow::to_client, "COMMIT", {});
        co_await main.close();
    });
    EXPECT_EQ(scratch.run("SELECT count(*) FROM there"), "1");
}

TEST(lost_commit, of_a_batch_that_has_committed_by_itself_is_not_repeated)
{
    const test::scratch_database scratch("lost_commit");
    scratch.run("CREATE TABLE t (id bigint)");
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch.dsn());
        database main(here, options_for(gate.dsn(), 2));
        co_await main.open();
        bool lost = false;
        gate.when(flow::to_client, "COMMIT", [&](network_gate::link& on) {
            if (!std::exchange(lost, true))
                on.end(ending::reset);
        });
        const auto body = [&]() -> asio::awaitable<void> {
            pg::batch todo(pg::batch_mode::each_alone);
            (void)todo.add_execute("INSERT INTO t VALUES (1)");
            (void)todo.add_execute("COMMIT");
            (void)todo.add_execute("SELECT 1");
            (co_await main.run(std::move(todo))).require_success();
        };
        EXPECT_NE(co_await told_of(main, body, {.max_attempts = 3}), reported::committed);
        EXPECT_TRUE(lost);
        co_await main.close();
    });
    EXPECT_EQ(scratch.run("SELECT count(*) FROM t"), "1");
}

// The network has swallowed COMMIT and does not tell the server that the client is gone.
TEST(lost_commit, that_never_arrives_is_not_waited_for_as_long_as_the_server_would)
{
    const test::scratch_database scratch("lost_commit");
    prepare(scratch, 1);
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, scratch.dsn());
        auto options = options_for(gate.dsn(), 1);
        options.command_timeout = 200ms;
        database main(here, options);
        co_await main.open();
        gate.when(flow::to_server, "COMMI", [](network_gate::link& on) {
            on.set(flow::to_server, {.what = test::traffic::mode::drop});
        });
        EXPECT_EQ(co_await told_of(main, [&] { return workload::write(main, 1, 0); }), reported::without_effect);
        co_await main.close();
    });
    EXPECT_EQ(scratch.run("SELECT count(*) FROM done"), "0");
}

TEST(lost_commit, is_unknown_when_the_server_was_started_again)
{
    own_server server;
    test::run_sql(server->dsn(), tables);
    test::run_sql(server->dsn(), "INSERT INTO counters VALUES (0, 0)");
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, server->dsn());
        database main(here, options_for(gate.dsn(), 2));
        co_await main.open();
        gate.when(flow::to_client, "COMMIT", [&](network_gate::link& on) {
            on.end(ending::reset);
            server->stop();
            server->start();
        });
        EXPECT_EQ(co_await told_of(main, [&] { return workload::write(main, 1, 0); }), reported::unknown);
        gate.when(flow::to_client, "COMMIT", {});
        co_await main.close();
    });
    EXPECT_EQ(test::run_sql(server->dsn(), "SELECT count(*) FROM done"), "1");
}

/// Does it when the server takes connections again.
std::string run_sql_when_back(const std::string& dsn, const std::string& sql)
{
    for (;;) {
        try {
            return test::run_sql(dsn, sql);
        }
        catch (const std::runtime_error&) {
            std::this_thread::yield(); // it does not tell when
        }
    }
}

// A crash takes back ids of transactions that had not reached the disk, and gives them to others: what the server says
// of the id is the truth, and is not about this transaction.
TEST(lost_commit, is_not_mistaken_for_that_of_another_with_its_id)
{
    own_server server;
    test::run_sql(server->dsn(), tables);
    test::run_sql(server->dsn(), "INSERT INTO counters VALUES (0, 0); CHECKPOINT");
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, server->dsn());
        auto options = options_for(gate.dsn(), 2);
        options.commit_resolution = 60s;
        database main(here, options);
        co_await main.open();
        std::string id_of_other;
        gate.when(flow::to_server, std::string("Q\0\0\0\x0b", 5), [&](network_gate::link& on) {
            const auto id = test::run_sql(
                server->dsn(), "SELECT pid || ' ' || backend_xid FROM pg_stat_activity WHERE backend_xid IS NOT NULL "
                               "AND backend_type = 'client backend'");
            const auto victim = std::stoi(id);
            ::kill(victim, SIGKILL);
            // When it is gone the server has begun to start again, and gives nobody the ids that come next.
            while (::kill(victim, 0) == 0)
                std::this_thread::yield();
            on.end(ending::reset);
            const auto wanted = std::stoull(id.substr(id.find(' ')));
            for (std::uint64_t got = 0; got < wanted;) {
                id_of_other =
                    run_sql_when_back(server->dsn(), "INSERT INTO done VALUES (2) RETURNING pg_current_xact_id()");
                got = std::stoull(id_of_other);
            }
        });
        std::optional<std::uint64_t> xid;
        const auto told =
            co_await told_of(main, [&] { return workload::write(main, 1, 0); }, {.max_attempts = 1}, &xid);
        gate.when(flow::to_server, std::string("Q\0\0\0\x0b", 5), {});
        EXPECT_EQ(told, reported::unknown);
        EXPECT_EQ(std::to_string(xid.value_or(0)), id_of_other);
        EXPECT_EQ(test::run_sql(server->dsn(), "SELECT pg_xact_status('" + id_of_other + "')"), "committed");
        EXPECT_EQ(test::run_sql(server->dsn(), "SELECT count(*) FROM done WHERE run = 1"), "0");
        co_await main.close();
    });
}

/// Kills a process of the server, again and again, while transactions run whose COMMITs are cut.
TEST(lost_commit, ends_nobodys_session_on_a_server_that_is_another_one)
{
    const test::scratch_database place("lost");
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        const auto where = pg::connect_options::parse(place.dsn());
        pool connections(
            here, "main", {.minimum = 0, .maximum = 2}, make_connector(here, where, first_question::incarnation));
        co_await connections.open();
        const std::string incarnation((co_await connections.acquire({}))->incarnation());
        // It has the id now that was lost on the server as it was before.
        const auto innocent = co_await pg::connection::connect(here, where);
        co_await innocent->execute("BEGIN");
        const auto xid = std::stoull(co_await innocent->fetchval<std::string>("SELECT pg_current_xact_id()::text"));

        bool begun = false;
        const time_source late{
            .now = [&] { return resilience::clock::now() + (std::exchange(begun, true) ? 2s : 0s); },
            .random = resilience::seeded_random(1),
            .pause = [](resilience::duration) -> asio::awaitable<void> { co_return; }};
        auto found = co_await detail::resolve_commit(
            connections, late, {.xid = xid, .incarnation = "1/2/3"}, resilience::clock::now() + 60s);
        EXPECT_EQ(found.fate, detail::commit_fate::unknown);
        EXPECT_EQ(co_await innocent->fetchval<int>("SELECT 1"), 1);

        begun = false;
        found = co_await detail::resolve_commit(
            connections, late, {.xid = xid, .incarnation = incarnation}, resilience::clock::now() + 60s);
        EXPECT_EQ(found.fate, detail::commit_fate::rolled_back) << found.why;
        EXPECT_TRUE(test::is<pg::error>(co_await test::error_of(innocent->execute("SELECT 1"))));
        co_await connections.close(1s);
    });
}

TEST(lost_commit, is_never_reported_wrongly_by_a_server_that_crashes)
{
    const std::size_t workers = 8;
    const auto runs = long_or(400, 4'000);
    const auto crashes = long_or(2, 20);
    own_server server;
    test::run_sql(server->dsn(), tables);
    test::run_sql(
        server->dsn(),
        "INSERT INTO counters SELECT n, 0 FROM generate_series(0, " + std::to_string(workers - 1) + ") n");
    const observe::capture log(observe::level::error);
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        network_gate gate(here, server->dsn());
        const cutter cuts(gate, 7);
        auto options = options_for(gate.dsn(), workers);
        options.commit_resolution = 20s;
        database main(here, options);
        co_await main.open();
        workload load{.main = main, .workers = workers, .runs = runs, .how = {.max_attempts = 1}};
        std::size_t killed = 0;
        std::size_t seen = 0;
        gate.when(flow::to_client, "COMMIT", [&](network_gate::link& on) {
            if (++seen % (runs / crashes / 4) != 0 || killed == crashes)
                return;
            ++killed;
            const auto pid = test::run_sql(
                server->dsn(),
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
                "ORDER BY backend_xid IS NULL LIMIT 1");
            ::kill(std::stoi(pid), SIGKILL);
            on.end(ending::reset);
        });
        co_await load.run();
        gate.when(flow::to_client, "COMMIT", {});
        EXPECT_GE(killed, 1U);
        co_await main.close();
        load.check(server->dsn());
        EXPECT_GT(load.count(reported::committed), 0U);
        // Each crash came when a COMMIT had been answered, and the answer was lost.
        EXPECT_GE(load.count(reported::unknown), killed);
        testing::Test::RecordProperty("crashes", static_cast<int>(killed));
    });
}

} // namespace
} // namespace tradecore
