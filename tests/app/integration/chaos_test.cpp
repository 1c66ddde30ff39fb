// SPDX-License-Identifier: Apache-2.0
#include "app/integration/simulation.hpp"
#include "support/test_server.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

// Simulations on an embedded server while things go wrong on purpose.

namespace {

using namespace tradecore::app::testing;
using tradecore::test::child_process;
using tradecore::test::run_program;

const std::map<std::string, std::string> embedded{
    {"POSTGRES_DSN", ""},
    {"VB_POSTGRES_DSN", ""},
    {"DATABASE_URL", ""},
    {"VB_DATABASE_URL", ""},
    {"TRADECORE_LOG", "error"}};

/// A folder with a server in it, for all tests of this file, and what a run without disturbance gives.
class fire : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        folder() = tradecore::test::temporary_root() / ("tc-fire-" + std::to_string(::getpid()));
        undisturbed() = simulate({}).at("digest").as_string();
    }
    static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

    static std::filesystem::path& folder()
    {
        static std::filesystem::path made;
        return made;
    }
    static boost::json::string& undisturbed()
    {
        static boost::json::string made;
        return made;
    }

    static arguments command(const arguments& further)
    {
        arguments all{TRADECORE_BINARY, "simulate", "--traders",      "4", "--orders", "60",
                      "--json",         "--data",   folder().string()};
        all.insert(all.end(), further.begin(), further.end());
        return all;
    }

    static boost::json::object simulate(const arguments& further)
    {
        const auto done = run_program(command(further), embedded);
        if (done.status != 0)
            throw std::runtime_error(done.err + done.out);
        return boost::json::parse(done.out).as_object();
    }

    static void expect_undisturbed(const boost::json::object& report)
    {
        EXPECT_TRUE(report.at("ok").as_bool());
        EXPECT_EQ(report.at("digest").as_string(), undisturbed());
        const auto& chaos = report.at("chaos").as_object();
        const auto& done = chaos.at("done").as_object();
        EXPECT_EQ(chaos.at("steps"), chaos.at("planned"));
        for (const auto* deed : {"fast_restarts", "immediate_restarts", "sessions_ended_alone", "silences", "refusals"})
            EXPECT_TRUE(done.contains(deed)) << deed << " in " << chaos;
        EXPECT_GT(chaos.at("repeated_by_databases").to_number<int>(), 0);
        EXPECT_GT(chaos.at("longest_call_ms").to_number<double>(), 0);
    }
};

TEST_F(fire, changes_nothing_with_seed_1)
{
    expect_undisturbed(simulate({"--chaos", "1"}));
}

TEST_F(fire, changes_nothing_with_seed_2)
{
    expect_undisturbed(simulate({"--chaos", "2"}));
}

TEST_F(fire, changes_nothing_with_seed_3)
{
    expect_undisturbed(simulate({"--chaos=3"}));
}

TEST_F(fire, changes_nothing_when_workers_share_the_traders)
{
    const auto shared = simulate({"--chaos", "4", "--workers", "2"});
    expect_undisturbed(shared);
    EXPECT_EQ(shared.at("workers").as_int64(), 2);
}

TEST_F(fire, ends_with_an_error_when_the_server_does_not_start_again)
{
    child_process running(command({"--chaos", "5"}), embedded);
    ASSERT_TRUE(running.wait_for_line("orders 6/"));
    const auto settings = folder() / "data" / "postgresql.auto.conf";
    std::ofstream(settings, std::ios::app) << "no_such_setting = on\n";
    const auto ended = running.wait();
    std::filesystem::resize_file(settings, 0);
    EXPECT_EQ(ended.status, 1) << ended.out;
    EXPECT_NE(ended.err.find("PostgreSQL ended while starting"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("no_such_setting"), std::string::npos) << ended.err;
    // And the same command goes on where that one stopped.
    EXPECT_EQ(simulate({}).at("digest").as_string(), undisturbed());
}

TEST_F(fire, is_refused_by_name_when_it_makes_no_sense)
{
    const auto refused = [](const arguments& further, std::map<std::string, std::string> variables,
                            std::string_view name) {
        variables.insert(embedded.begin(), embedded.end());
        const auto done = run_program(command(further), variables);
        EXPECT_EQ(done.status, 2) << done.err;
        EXPECT_NE(done.err.find(name), std::string::npos) << done.err;
    };
    for (const auto* seed : {"many", "-5", "1.5", "18446744073709551616"})
        refused({"--chaos", seed}, {}, std::string("--chaos: ") + seed + " is no seed");
    const auto named = [](const char* name) {
        return std::pair<const std::string, std::string>(name, "postgresql:///x");
    };
    const auto done = run_program(
        {TRADECORE_BINARY, "simulate", "--chaos"},
        {named("POSTGRES_DSN"), named("VB_POSTGRES_DSN"), {"DATABASE_URL", ""}, {"VB_DATABASE_URL", ""}});
    EXPECT_EQ(done.status, 2) << done.err;
    EXPECT_NE(done.err.find("POSTGRES_DSN: set together with --chaos"), std::string::npos) << done.err;
}

} // namespace
