// SPDX-License-Identifier: Apache-2.0
#include "app/integration/simulation.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <unistd.h>

// The program as its users run it, on two databases of their own.

namespace {

namespace pg = tradecore::pg;
using namespace tradecore::test;
using namespace tradecore::app::testing;

TEST_F(simulation, gives_equal_digests_for_any_number_of_connections_and_for_every_run_of_a_seed)
{
    const auto one = simulate({"--connections", "1"});
    expect_sound(one);
    for (const auto* connections : {"4", "16", "16"}) {
        const auto other = simulate({"--connections", connections});
        expect_sound(other);
        EXPECT_EQ(other.at("digest"), one.at("digest")) << connections << " connections";
    }
    const auto other_seed = simulate({"--seed", "2"});
    EXPECT_NE(other_seed.at("digest"), one.at("digest"));
}

TEST_F(simulation, drops_what_it_made_unless_it_is_kept)
{
    const auto tables = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                        " WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";
    simulate({});
    EXPECT_EQ(main_.run(tables), "0");
    EXPECT_EQ(vb_.run(tables), "0");
    simulate({"--keep"});
    EXPECT_EQ(main_.run("SELECT count(*) FROM orders"), orders);
}

TEST_F(simulation, repeats_a_kept_run_without_appending_anything_and_keeps_it)
{
    const auto first = simulate({"--keep"});
    const auto again = simulate({});
    EXPECT_EQ(main_.run("SELECT count(*) FROM orders"), orders);
    expect_sound(again);
    EXPECT_EQ(again.at("digest"), first.at("digest"));
    EXPECT_EQ(again.at("events"), first.at("events"));
    EXPECT_EQ(again.at("repeated"), again.at("commands"));
}

TEST_F(simulation, goes_on_where_it_was_killed)
{
    const auto whole = simulate({});
    for (const auto* reached : {"orders 21/", "orders 84/", "orders 147/"}) {
        child_process killed(command({}), environment());
        ASSERT_TRUE(killed.wait_for_line(reached));
        killed.send(SIGKILL);
        EXPECT_EQ(killed.wait().status, 128 + SIGKILL);
        const auto resumed = simulate({});
        expect_sound(resumed);
        EXPECT_EQ(resumed.at("digest"), whole.at("digest")) << "killed at " << reached;
        EXPECT_GT(resumed.at("repeated").as_int64(), 0);
    }
}

TEST_F(simulation, ends_on_a_signal_and_can_go_on)
{
    const auto whole = simulate({});
    child_process running(command({}), environment());
    ASSERT_TRUE(running.wait_for_line("orders 42/"));
    running.send(SIGTERM);
    const auto ended = running.wait();
    EXPECT_EQ(ended.status, 128 + SIGTERM) << ended.err;
    EXPECT_NE(ended.err.find("interrupted"), std::string::npos);
    EXPECT_EQ(simulate({}).at("digest"), whole.at("digest"));
}

TEST_F(simulation, does_not_mix_two_runs)
{
    simulate({"--keep"});
    const auto other = run_program(command({"--cash", "5000"}), environment());
    EXPECT_EQ(other.status, 1);
    EXPECT_NE(other.err.find("another run that is to be kept (cash \"100000\" there, \"5000\" now)"), std::string::npos)
        << other.err;
}

TEST_F(simulation, leaves_alone_what_is_not_of_a_simulation)
{
    main_.run("CREATE TABLE public.users (name text); INSERT INTO users VALUES ('somebody')");
    auto refused = run_program(command({}), environment());
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("the database main has a table users that is not of a simulation"), std::string::npos)
        << refused.err;
    EXPECT_EQ(main_.run("SELECT name FROM users"), "somebody");
    main_.run("DROP TABLE users");

    vb_.run("CREATE SCHEMA es; CREATE TABLE es.mine (name text)");
    refused = run_program(command({"--seed", "5"}), environment());
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("the database vb has a schema es that is not of a simulation"), std::string::npos)
        << refused.err;
    EXPECT_EQ(vb_.run("SELECT to_regclass('es.mine') IS NOT NULL"), "t");
}

TEST_F(simulation, empties_what_a_program_killed_while_dropping_left)
{
    const auto whole = simulate({});
    simulate({"--keep"});
    // As after the first steps of dropping: the claim is gone, one database is empty, the other is not.
    main_.run("DELETE FROM simulation_run");
    vb_.run("DROP SCHEMA es CASCADE; DROP SCHEMA proj CASCADE; DROP TABLE tradecore_schema, vb_accounts, vb_orders, "
            "vb_fills");
    const auto again = simulate({});
    expect_sound(again);
    EXPECT_EQ(again.at("digest"), whole.at("digest"));
    EXPECT_EQ(again.at("repeated").as_int64(), 0);
}

TEST_F(simulation, has_its_databases_for_itself)
{
    child_process running(command({}), environment());
    ASSERT_TRUE(running.wait_for_line("orders 21/"));
    running.send(SIGSTOP); // or it might be done before the other gives up
    const auto second = run_program(command({"--seed", "2"}), environment());
    running.send(SIGCONT);
    EXPECT_EQ(second.status, 1);
    EXPECT_NE(second.err.find("another program runs a simulation in the database main"), std::string::npos)
        << second.err;
    EXPECT_EQ(running.wait().status, 0);
}

/// A run that goes on where it was and waits in its first look-up, until it is let go.
class paused_simulation : public simulation {
protected:
    boost::asio::awaitable<void> start()
    {
        hold_ = co_await session();
        co_await hold_->execute("BEGIN");
        co_await hold_->execute("LOCK TABLE es.commands");
        program_.emplace(command({}), environment());
        while (!co_await hold_->fetchval<bool>("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = "
                                               "'es.commands'::regclass)"))
            ;
    }
    boost::asio::awaitable<child_process::outcome> let_go()
    {
        co_await hold_->execute("ROLLBACK");
        co_return program_->wait();
    }

    boost::asio::awaitable<std::unique_ptr<pg::connection>> session() const
    {
        co_return co_await pg::connection::connect(
            co_await boost::asio::this_coro::executor, pg::connect_options::parse(main_.dsn()));
    }
    /// @returns the process id of the session that holds a simulation's lock in the database; empty when there is none.
    static std::string holder_in(const scratch_database& database)
    {
        return database.run(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
    }

    std::unique_ptr<pg::connection> hold_;
    std::optional<child_process> program_;
};

TEST_F(paused_simulation, takes_its_locks_again_when_their_sessions_are_lost)
{
    const auto whole = simulate({"--keep"});
    run([&]() -> boost::asio::awaitable<void> {
        co_await start();
        for (const auto* database : {&main_, &vb_}) {
            const auto first = holder_in(*database);
            database->run("SELECT pg_terminate_backend(" + first + ")");
            auto second = first;
            while (second.empty() || second == first)
                second = holder_in(*database);
        }
        const auto ended = co_await let_go();
        EXPECT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(boost::json::parse(ended.out).as_object().at("digest"), whole.at("digest"));
    });
}

TEST_F(paused_simulation, ends_when_another_has_got_its_lock_meanwhile)
{
    simulate({"--keep"});
    run([&]() -> boost::asio::awaitable<void> {
        co_await start();
        const auto other = co_await session();
        boost::asio::co_spawn(
            co_await boost::asio::this_coro::executor,
            other->execute("SELECT pg_advisory_lock(hashtextextended('tradecore_simulation', 0))"),
            boost::asio::detached);
        while (!co_await hold_->fetchval<bool>(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", other->backend_pid()))
            ;
        main_.run("SELECT pg_terminate_backend(" + holder_in(main_) + ")");
        const auto ended = program_->wait();
        EXPECT_EQ(ended.status, 1);
        EXPECT_THAT(
            ended.err,
            testing::HasSubstr("another program has begun a simulation in the database main while the session "
                               "that kept it out was lost"));
    });
    expect_sound(simulate({}));
}

TEST_F(simulation, says_when_its_pools_are_more_than_the_server_allows)
{
    auto variables = environment();
    variables["TRADECORE_LOG"] = "warn";
    const auto said = [&](const arguments& further) { return run_program(command(further), variables).err; };
    EXPECT_THAT(
        said({"--connections", "400"}),
        testing::HasSubstr("[POOL SIZING] the pool of main and vb may make 802 connections, but the server allows 200 "
                           "(max_connections = 200, 0 reserved); recommended: max_connections = 1604"));
    EXPECT_THAT(
        said({"--connections", "400", "--workers", "3"}),
        testing::HasSubstr("[POOL SIZING] the pools of 3 workers of main and vb may make 805 connections, but"));
    EXPECT_THAT(said({}), testing::Not(testing::HasSubstr("[POOL SIZING]")));
}

TEST_F(simulation, treats_its_pools_as_the_environment_says_also_when_told_their_size)
{
    auto variables = environment();
    variables["TRADECORE_LOG"] = "warn";
    variables["PG_POOL_SHARING"] = variables["VB_PG_POOL_SHARING"] = "false"; // who finds none waits
    variables["DB_SLOW_ACQUIRE_THRESHOLD_MS"] = "1";
    EXPECT_THAT(run_program(command({"--connections", "1"}), variables).err, testing::HasSubstr("[SLOW ACQUIRE]"));
}

TEST_F(simulation, names_variables_that_look_like_settings_and_are_none)
{
    auto variables = environment();
    variables["TRADECORE_LOG"] = "warn";
    variables["PG_POOL_MAXSIZE"] = "5";
    variables["VB_DB_WORKERS"] = "5";
    EXPECT_THAT(
        run_program(command({}), variables).err,
        testing::HasSubstr("warn variables look like settings and have no effect "
                           "variables=\"PG_POOL_MAXSIZE, VB_DB_WORKERS\""));
}

TEST_F(simulation, refuses_a_wrong_price_line_before_anything_is_done)
{
    const auto file = std::filesystem::temp_directory_path() / (main_.name() + ".csv");
    std::ofstream(file) << "timestamp,close\n2024-01-01T00:00:00Z,100\n2024-01-01T00:01:00Z,minus one\n";
    const auto refused = run_program(command({"--prices", file.string()}), environment());
    std::filesystem::remove(file);
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find(file.string() + ":3: "), std::string::npos) << refused.err;
    EXPECT_EQ(main_.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

TEST_F(simulation, refuses_flags_and_variables_that_make_no_sense_by_name)
{
    const auto refused = [&](arguments further, std::map<std::string, std::string> variables, std::string_view name) {
        auto all = environment();
        for (const auto& [variable, value] : variables)
            all[variable] = value;
        const auto done = run_program(command(std::move(further)), all);
        EXPECT_EQ(done.status, 2) << done.err;
        EXPECT_NE(done.err.find(name), std::string::npos) << done.err;
    };
    refused({"--cash", "-5"}, {}, "--cash");
    refused({"--cash", "1.123456789"}, {}, "1.123456789");
    refused({"--max-fill", "0"}, {}, "--max-fill");
    refused({"--connections", "0"}, {}, "--connections");
    refused({"--no-such-flag"}, {}, "--no-such-flag");
    refused({}, {{"PG_POOL_TIMEOUT_SEC", "soon"}}, "PG_POOL_TIMEOUT_SEC");
    refused({}, {{"ENABLE_VB_DATABASE", "false"}}, "ENABLE_VB_DATABASE");
    refused({}, {{"TRADECORE_LOG", "abc"}}, "TRADECORE_LOG: 'abc' is none of trace, debug,");
    refused({}, {{"VB_POSTGRES_DSN", ""}}, "VB_POSTGRES_DSN");
    refused({}, {{"VB_POSTGRES_DSN", main_.dsn()}}, "VB_POSTGRES_DSN: names the same database");
    refused({"--symbol", "OTHER"}, {}, "--symbol needs --prices");
}

TEST(embedded_simulation, makes_a_server_of_its_own_and_takes_over_what_a_killed_program_left)
{
    const auto folder = tradecore::test::temporary_root() / ("tc-sim-" + std::to_string(::getpid()));
    const std::map<std::string, std::string> none{
        {"POSTGRES_DSN", ""},
        {"VB_POSTGRES_DSN", ""},
        {"DATABASE_URL", ""},
        {"VB_DATABASE_URL", ""},
        {"TRADECORE_LOG", "error"}};
    const arguments command{TRADECORE_BINARY, "simulate", "--traders",    "3", "--orders", "60",
                            "--json",         "--data",   folder.string()};
    {
        child_process killed(command, none);
        ASSERT_TRUE(killed.wait_for_line("orders 30/"));
        killed.send(SIGSTOP); // or it might be done before the other looks
        const auto second = run_program(command, none);
        EXPECT_EQ(second.status, 1);
        EXPECT_NE(second.err.find("is in use by another program"), std::string::npos) << second.err;
        killed.send(SIGKILL);
        killed.wait();
    }
    const auto resumed = run_program(command, none);
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    const auto fresh = run_program(command, none);
    EXPECT_EQ(fresh.status, 0) << fresh.err;
    EXPECT_EQ(
        boost::json::parse(resumed.out).as_object().at("digest"),
        boost::json::parse(fresh.out).as_object().at("digest"));
    std::filesystem::remove_all(folder);
}

TEST(help, is_there_for_the_program_and_every_subcommand)
{
    const auto program = run_program({TRADECORE_BINARY, "--help"});
    EXPECT_EQ(program.status, 0);
    for (const auto* subcommand : {"simulate", "sample"}) {
        EXPECT_NE(program.out.find(subcommand), std::string::npos);
        EXPECT_EQ(run_program({TRADECORE_BINARY, subcommand, "--help"}).status, 0);
    }
    const auto simulate = run_program({TRADECORE_BINARY, "simulate", "--help"}).out;
    for (const auto* flag :
         {"--prices", "--symbol", "--traders", "--orders", "--seed", "--cash", "--max-fill", "--connections", "--json",
          "--data", "--keep", "--workers", "--chaos"})
        EXPECT_NE(simulate.find(flag), std::string::npos) << flag;
}

TEST(sample, is_read_back_by_the_program)
{
    const auto written = run_program({TRADECORE_BINARY, "sample", "--ticks", "5"});
    EXPECT_EQ(written.status, 0);
    EXPECT_EQ(std::count(written.out.begin(), written.out.end(), '\n'), 6);
    EXPECT_TRUE(written.out.starts_with("timestamp,symbol,bid,ask,close\n")) << written.out;
}

} // namespace
