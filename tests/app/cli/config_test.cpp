// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace tradecore::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Sets variables of this process as long as it lives.
class variables {
public:
    explicit variables(const std::map<std::string, std::string>& set)
    {
        for (const auto& [name, value] : set) {
            const char* const before = std::getenv(name.c_str());
            before_[name] = before == nullptr ? std::nullopt : std::optional<std::string>(before);
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
    variables(const variables&) = delete;
    variables& operator=(const variables&) = delete;
    ~variables()
    {
        for (const auto& [name, value] : before_) {
            if (value)
                ::setenv(name.c_str(), value->c_str(), 1);
            else
                ::unsetenv(name.c_str());
        }
    }

private:
    std::map<std::string, std::optional<std::string>> before_;
};

/// What `tradecore config` prints.
std::string printed(const std::string& arguments = {})
{
    CLI::App program;
    int status = -1;
    cli::add_config(program, status);
    testing::internal::CaptureStdout();
    program.parse("config " + arguments);
    auto text = testing::internal::GetCapturedStdout();
    EXPECT_EQ(status, cli::exit_ok);
    return text;
}

TEST(config_command, says_how_many_connections_each_worker_may_make)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1,db2/trading?target_session_attrs=read-write"},
         {"ENABLE_VB_DATABASE", "false"},
         {"DB_WORKERS", ""}});
    EXPECT_THAT(printed(), HasSubstr("\n1 worker: 20 to 100 connections to main; 100 in all\n"));
    EXPECT_THAT(printed("--workers 4"), HasSubstr("\neach of 4 workers: 5 to 25 connections to main; 100 in all\n"));
    const variables reads({{"PG_STANDBY_READS", "true"}});
    EXPECT_THAT(
        printed("--workers 4"),
        HasSubstr("each of 4 workers: 5 to 25 connections to main and 0 to 5 to its standbys; 100 in all, and 20 to "
                  "standbys\nrecommended on each server: max_connections = 200\n"));
}

TEST(config_command, recommends_what_the_pools_for_standbys_need_too)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1,db2/trading?target_session_attrs=read-write"},
         {"ENABLE_VB_DATABASE", "false"},
         {"PG_STANDBY_READS", "true"},
         {"PG_STANDBY_POOL_MAX_SIZE", "5001"}});
    EXPECT_THAT(
        printed("--workers 2"),
        HasSubstr("100 in all, and 5000 to standbys\nrecommended on each server: max_connections = 10000\n"));
    EXPECT_THAT(
        printed("--json --workers 2"), AllOf(
                                           HasSubstr(R"("connections":100,"standby_connections":5000,)"),
                                           HasSubstr(R"("recommended_max_connections":10000)")));
}

TEST(config_command, says_where_simulate_has_sizes_of_its_own)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1/trading"}, {"VB_POSTGRES_DSN", "postgresql://app@db1/vb"}});
    const std::string line = "tradecore simulate: at most 16 connections, or two for each process, to ";
    EXPECT_THAT(printed(), HasSubstr("\n" + line + "main and vb, whose sizes are not set\n"));
    const variables sized({{"PG_POOL_MIN_SIZE", "20"}});
    EXPECT_THAT(printed(), HasSubstr("\n" + line + "vb, whose sizes are not set\n"));
    const variables both({{"VB_PG_POOL_MAX_SIZE", "20"}});
    EXPECT_THAT(printed(), Not(HasSubstr("tradecore simulate")));
}

TEST(config_command, lists_the_level_of_the_log)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1/trading"},
         {"ENABLE_VB_DATABASE", "false"},
         {"TRADECORE_LOG", "error"}});
    EXPECT_THAT(printed("--json"), HasSubstr(R"("TRADECORE_LOG":{"value":"error","origin":"TRADECORE_LOG"})"));
}

TEST(config_command, prints_json_that_can_be_read_whatever_the_environment_holds)
{
    const variables set({{"POSTGRES_DSN", "postgresql://app@db1/caf%E9"}, {"ENABLE_VB_DATABASE", "false"}});
    const auto read = boost::json::parse(printed("--json"));
    EXPECT_EQ(read.at("settings").at("POSTGRES_DSN.dbname").at("value").as_string(), "caf\uFFFD");
}

TEST(config_command, names_settings_of_all_databases_that_were_meant_for_one_and_names_with_a_slip)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1/trading"},
         {"VB_POSTGRES_DSN", "postgresql://app@db1/vb"},
         {"DATABASE_URL", "postgresql://app@db1/trading"},
         {"VB_DB_SLOW_QUERY_THRESHOLD_MS", "5"},
         {"VB_DB_WORKERS", "x"},
         {"ENABLE_VB_DATABSE", "false"},
         {"POSTGRES_DNS", "postgresql://app@db1/trading"},
         {"TRADECORE_LOGS", "off"},
         {"POSTGRES_USER", "app"},
         {"WEB_WORKERS", "4"}});
    EXPECT_THAT(
        printed(), HasSubstr("\nnot known, and without effect: ENABLE_VB_DATABSE, POSTGRES_DNS, TRADECORE_LOGS, "
                             "VB_DB_SLOW_QUERY_THRESHOLD_MS, VB_DB_WORKERS\n"));
}

TEST(config_command, names_variables_that_look_like_settings_and_are_none)
{
    const variables set(
        {{"POSTGRES_DSN", "postgresql://app@db1/trading"},
         {"ENABLE_VB_DATABASE", "false"},
         {"PG_POOL_MAXSIZE", "5"},
         {"PG_POOL_MAX_SIZE", "50"},
         {"VB_PG_POOL_MAX_SIZE", "5"},
         {"VB_PG_RETRY_ATTEMPT", "5"}});
    const auto text = printed();
    EXPECT_THAT(text, HasSubstr("\nnot known, and without effect: PG_POOL_MAXSIZE, VB_PG_RETRY_ATTEMPT\n"));
    EXPECT_THAT(printed("--json"), HasSubstr(R"("unknown":["PG_POOL_MAXSIZE","VB_PG_RETRY_ATTEMPT"])"));
}

} // namespace
} // namespace tradecore::app
