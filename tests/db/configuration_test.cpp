// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/configuration.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <unistd.h>
#include <vector>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using variables = std::map<std::string, std::string, std::less<>>;

environment from(variables set)
{
    return [set = std::move(set)](std::string_view name) -> std::optional<std::string> {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    };
}

variables with(variables more)
{
    more.emplace("POSTGRES_DSN", "postgresql://app:secret@db.example:5433/trading");
    more.emplace("VB_POSTGRES_DSN", "postgresql://vb:secret@db.example/tradecore_vb");
    return more;
}

/// Whether it tells of a connection what its DSN, or something else, says.
bool is_part(const setting& one)
{
    return one.name.find('.') != std::string::npos;
}

std::string line_of(const setting& one)
{
    return one.name + " = " + one.value + " (" + one.origin + ")";
}

/// The message of the refusal.
std::string refusal(variables set)
{
    try {
        (void)read_configuration(from(std::move(set)));
    }
    catch (const configuration_error& e) {
        EXPECT_THAT(e.what(), testing::StartsWith(e.variable()));
        EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("secret")));
        return e.what();
    }
    return "accepted";
}

TEST(configuration, has_the_defaults_of_production)
{
    const auto read = read_configuration(from(with({})));
    EXPECT_EQ(read.main.name, "main");
    EXPECT_EQ(read.main.connect.hosts.at(0).host, "db.example");
    EXPECT_EQ(read.main.connect.hosts.at(0).port, 5433);
    EXPECT_EQ(read.main.pool.minimum, 20U);
    EXPECT_EQ(read.main.pool.maximum, 100U);
    EXPECT_EQ(read.main.pool.acquire_timeout, 30s);
    EXPECT_EQ(read.main.command_timeout, 60s);
    EXPECT_EQ(read.main.slow_query, 1000ms);
    EXPECT_EQ(read.main.long_transaction, 2000ms);
    EXPECT_EQ(read.main.pool.slow_acquire, 500ms);
    EXPECT_EQ(read.main.pool.exhaustion_threshold, 0.9);
    ASSERT_TRUE(read.vb);
    EXPECT_EQ(read.vb->name, "vb");
    EXPECT_EQ(read.vb->connect.user, "vb");
    EXPECT_EQ(read.vb->pool.minimum, 10U);
    EXPECT_EQ(read.vb->pool.maximum, 50U);
}

TEST(configuration, reads_every_variable)
{
    const auto read = read_configuration(from(with(
        {{"PG_POOL_MIN_SIZE", "5"},
         {"PG_POOL_MAX_SIZE", "20"},
         {"PG_POOL_TIMEOUT_SEC", "2.5"},
         {"PG_COMMAND_TIMEOUT_SEC", "0"},
         {"VB_PG_POOL_MIN_SIZE", "1"},
         {"VB_PG_POOL_MAX_SIZE", "2"},
         {"VB_PG_POOL_TIMEOUT_SEC", "3"},
         {"VB_PG_COMMAND_TIMEOUT_SEC", "4"},
         {"DB_SLOW_QUERY_THRESHOLD_MS", "11"},
         {"DB_POOL_EXHAUSTION_THRESHOLD", "0.5"},
         {"DB_LONG_TRANSACTION_THRESHOLD_MS", "12"},
         {"DB_SLOW_ACQUIRE_THRESHOLD_MS", "13"}})));
    EXPECT_EQ(read.main.pool.minimum, 5U);
    EXPECT_EQ(read.main.pool.maximum, 20U);
    EXPECT_EQ(read.main.pool.acquire_timeout, 2500ms);
    EXPECT_EQ(read.main.command_timeout, 0ms);
    EXPECT_EQ(read.vb->pool.minimum, 1U);
    EXPECT_EQ(read.vb->pool.maximum, 2U);
    EXPECT_EQ(read.vb->pool.acquire_timeout, 3s);
    EXPECT_EQ(read.vb->command_timeout, 4s);
    for (const auto* one : {&read.main, &*read.vb}) {
        EXPECT_EQ(one->slow_query, 11ms);
        EXPECT_EQ(one->pool.exhaustion_threshold, 0.5);
        EXPECT_EQ(one->long_transaction, 12ms);
        EXPECT_EQ(one->pool.slow_acquire, 13ms);
    }
}

TEST(configuration, reads_what_pools_do_for_their_connections)
{
    const auto read = read_configuration(from(with(
        {{"PG_POOL_MAX_CONNECTING", "7"},
         {"PG_POOL_IDLE_CHECK_SEC", "0.5"},
         {"PG_POOL_VALIDATION_TIMEOUT_SEC", "0.25"},
         {"PG_POOL_KEEPALIVE_SEC", "11"},
         {"PG_POOL_IDLE_TIMEOUT_SEC", "12"},
         {"PG_POOL_MAX_LIFETIME_SEC", "13"},
         {"PG_POOL_SHARING", "off"},
         {"PG_POOL_SHARING_WINDOW", "15"},
         {"PG_POOL_SHARING_PATIENCE_MS", "16"},
         {"VB_PG_POOL_LEAK_DETECTION_SEC", "14"}})));
    EXPECT_FALSE(read.main.pool.sharing.enabled);
    EXPECT_EQ(read.main.pool.sharing.window, 15U);
    EXPECT_EQ(read.main.pool.sharing.patience, 16ms);
    EXPECT_TRUE(read.vb->pool.sharing.enabled);
    EXPECT_EQ(read.main.pool.maximum_connecting, 7U);
    EXPECT_EQ(read.main.pool.idle_check_after, 500ms);
    EXPECT_EQ(read.main.pool.validation_timeout, 250ms);
    EXPECT_EQ(read.main.pool.keepalive_time, 11s);
    EXPECT_EQ(read.main.pool.idle_timeout, 12s);
    EXPECT_EQ(read.main.pool.max_lifetime, 13s);
    EXPECT_EQ(read.main.pool.leak_detection, 0s);
    EXPECT_EQ(read.vb->pool.leak_detection, 14s);
    EXPECT_EQ(read.vb->pool.maximum_connecting, pool_options().maximum_connecting);
}

TEST(configuration, reads_how_outages_are_met)
{
    const auto read = read_configuration(from(with(
        {{"PG_COMMIT_RESOLUTION_SEC", "0"},
         {"PG_RETRY_ATTEMPTS", "1"},
         {"PG_RETRY_BASE_MS", "2"},
         {"PG_RETRY_CAP_MS", "4"},
         {"PG_RETRY_BUDGET", "0.5"},
         {"PG_RETRY_CONFLICT_ATTEMPTS", "6"},
         {"PG_BREAKER_ENABLED", "off"},
         {"PG_BREAKER_FAILURES", "8"},
         {"PG_BREAKER_PROBE_SEC", "9"},
         {"PG_BREAKER_CALLER_PROBE_SEC", "10"},
         {"VB_PG_RETRY_CAP_MS", "20"}})));
    EXPECT_EQ(read.main.commit_resolution, 0s);
    EXPECT_EQ(read.main.retries.outage.max_attempts, 1);
    EXPECT_EQ(read.main.retries.outage.backoff.base, 2ms);
    EXPECT_EQ(read.main.retries.outage.backoff.cap, 4ms);
    EXPECT_EQ(read.main.retry_budget.share, 0.5);
    EXPECT_EQ(read.main.retries.conflict.max_attempts, 6);
    EXPECT_FALSE(read.main.breaker_enabled);
    EXPECT_EQ(read.main.breaker.failure_threshold, 8U);
    EXPECT_EQ(read.main.breaker.background_probe, 9s);
    EXPECT_EQ(read.main.breaker.caller_probe, 10s);
    EXPECT_NO_THROW(read.main.breaker.validate()); // the longest pause between probes grows with the first
    EXPECT_TRUE(read.vb->breaker_enabled);
    EXPECT_EQ(read.vb->retries.outage.backoff.base, 20ms) << "who lowers the cap alone means the base too";
}

TEST(configuration, reads_where_reads_may_go)
{
    auto set = with(
        {{"PG_STANDBY_READS", "true"},
         {"PG_STANDBY_POOL_MAX_SIZE", "7"},
         {"PG_STANDBY_PATIENCE_MS", "8"},
         {"PG_POOL_KEEPALIVE_SEC", "9"},
         {"DB_SLOW_ACQUIRE_THRESHOLD_MS", "10"},
         {"DB_POOL_EXHAUSTION_THRESHOLD", "0.5"}});
    set["POSTGRES_DSN"] = "postgresql://app@db1,db2/trading?target_session_attrs=primary";
    const auto read = read_configuration(from(set));
    const auto& standbys = read.main.standbys;
    EXPECT_TRUE(standbys.enabled);
    EXPECT_EQ(standbys.patience, 8ms);
    EXPECT_EQ(standbys.pool.minimum, 0U);
    EXPECT_EQ(standbys.pool.maximum, 7U);
    EXPECT_EQ(standbys.pool.keepalive_time, 9s) << "their connections are treated like the others";
    EXPECT_EQ(standbys.pool.slow_acquire, 10ms);
    EXPECT_EQ(standbys.pool.exhaustion_threshold, 0.5);
    EXPECT_FALSE(read.vb->standbys.enabled);

    EXPECT_EQ(
        refusal(with({{"PG_STANDBY_READS", "true"}})),
        "PG_STANDBY_READS: is true; then POSTGRES_DSN has to name all servers, and target_session_attrs=read-write (or "
        "primary)");
    set["POSTGRES_DSN"] += "&prepared_statements=unnamed";
    EXPECT_EQ(
        refusal(set), "PG_STANDBY_READS: is true, but POSTGRES_DSN leads to a pooler (prepared_statements): standbys "
                      "are read from without one");
}

TEST(configuration, has_the_defaults_of_the_options)
{
    const auto read = read_configuration(from(with({})));
    const database_options plain;
    for (const auto* one : {&read.main, &*read.vb}) {
        EXPECT_EQ(one->pool.maximum_connecting, plain.pool.maximum_connecting);
        EXPECT_EQ(one->pool.idle_check_after, plain.pool.idle_check_after);
        EXPECT_EQ(one->pool.validation_timeout, plain.pool.validation_timeout);
        EXPECT_EQ(one->pool.keepalive_time, plain.pool.keepalive_time);
        EXPECT_EQ(one->pool.idle_timeout, plain.pool.idle_timeout);
        EXPECT_EQ(one->pool.max_lifetime, plain.pool.max_lifetime);
        EXPECT_EQ(one->pool.leak_detection, plain.pool.leak_detection);
        EXPECT_EQ(one->pool.sharing.enabled, plain.pool.sharing.enabled);
        EXPECT_EQ(one->pool.sharing.window, plain.pool.sharing.window);
        EXPECT_EQ(one->pool.sharing.patience, plain.pool.sharing.patience);
        EXPECT_EQ(one->commit_resolution, plain.commit_resolution);
        EXPECT_EQ(one->retries.outage.max_attempts, plain.retries.outage.max_attempts);
        EXPECT_EQ(one->retries.outage.backoff.base, plain.retries.outage.backoff.base);
        EXPECT_EQ(one->retries.outage.backoff.cap, plain.retries.outage.backoff.cap);
        EXPECT_EQ(one->retries.conflict.max_attempts, plain.retries.conflict.max_attempts);
        EXPECT_EQ(one->retry_budget.share, plain.retry_budget.share);
        EXPECT_EQ(one->breaker_enabled, plain.breaker_enabled);
        EXPECT_EQ(one->breaker.failure_threshold, plain.breaker.failure_threshold);
        EXPECT_EQ(one->breaker.background_probe, plain.breaker.background_probe);
        EXPECT_EQ(one->breaker.background_probe_limit, plain.breaker.background_probe_limit);
        EXPECT_EQ(one->breaker.caller_probe, plain.breaker.caller_probe);
        EXPECT_EQ(one->standbys.enabled, plain.standbys.enabled);
        EXPECT_EQ(one->standbys.pool.maximum, plain.standbys.pool.maximum);
        EXPECT_EQ(one->standbys.patience, plain.standbys.patience);
    }
}

/// The variables of docs/configuration.md and their defaults.
std::map<std::string, std::string> documented()
{
    static const std::regex both(R"(\|(?: `(\w+)`)? \| `(\w+)` \| ([^|]*?) \| .*)");
    static const std::regex common(R"(\| `(\w+)` \| ([^|`]*?) \| [^|]* \|)");
    static const std::regex split(R"((\S+), vb (\S+))");
    std::ifstream page(TRADECORE_SOURCE_ROOT "/docs/configuration.md");
    EXPECT_TRUE(page);
    std::map<std::string, std::string> found;
    std::smatch match;
    for (std::string line; std::getline(page, line);) {
        if (std::regex_match(line, match, both)) {
            std::smatch defaults;
            const auto said = match[3].str();
            const bool differ = std::regex_match(said, defaults, split);
            if (match[1].matched)
                found.emplace(match[1], differ ? defaults[1].str() : said);
            found.emplace(match[2], differ ? defaults[2].str() : said);
        }
        else if (std::regex_match(line, match, common)) {
            found.emplace(match[1], match[2]);
        }
    }
    return found;
}

TEST(configuration, is_that_of_the_documentation)
{
    std::map<std::string, std::string> known;
    for (const auto& one : read_configuration(from(with({}))).settings)
        if (!is_part(one))
            known.emplace(one.name, one.name.ends_with("POSTGRES_DSN") ? "–" : one.value);
    for (const char* other : {"DATABASE_URL", "VB_DATABASE_URL"}) // stands for POSTGRES_DSN
        known.emplace(other, "–");
    EXPECT_EQ(documented(), known);
}

TEST(configuration, prefers_postgres_dsn_and_takes_database_url)
{
    auto set = with({{"DATABASE_URL", "postgresql://other.example/other"}});
    EXPECT_EQ(read_configuration(from(set)).main.connect.hosts.at(0).host, "db.example");
    set["POSTGRES_DSN"] = ""; // empty counts as not set
    EXPECT_EQ(read_configuration(from(set)).main.connect.hosts.at(0).host, "other.example");
}

TEST(configuration, vb_can_be_switched_off)
{
    for (const char* off : {"false", "False", "0", "no", "OFF"})
        EXPECT_FALSE(read_configuration(from(with({{"ENABLE_VB_DATABASE", off}}))).vb) << off;
    for (const char* on : {"true", "TRUE", "1", "yes", "on"})
        EXPECT_TRUE(read_configuration(from(with({{"ENABLE_VB_DATABASE", on}}))).vb) << on;
    EXPECT_FALSE(read_configuration(from({{"POSTGRES_DSN", "postgresql://h/d"}, {"ENABLE_VB_DATABASE", "false"}})).vb);
}

TEST(configuration, who_lowers_the_maximum_alone_means_the_minimum_too)
{
    EXPECT_EQ(read_configuration(from(with({{"PG_POOL_MAX_SIZE", "4"}}))).main.pool.minimum, 4U);
}

TEST(configuration, workers_share_the_pools)
{
    EXPECT_EQ(read_configuration(from(with({}))).workers, 1U);
    const auto read = read_configuration(from(with({{"DB_WORKERS", "4"}})));
    EXPECT_EQ(read.workers, 4U);
    EXPECT_EQ(read.main.pool.maximum, 100U); // of all of them
}

TEST(configuration, reads_what_a_dsn_leaves_out_from_the_same_environment)
{
    auto set = with({{"PGUSER", "somebody"}});
    set["POSTGRES_DSN"] = "postgresql://db.example/trading";
    EXPECT_EQ(read_configuration(from(set)).main.connect.user, "somebody");
}

TEST(configuration, says_what_is_in_force_and_where_it_came_from)
{
    auto set = with(
        {{"PG_POOL_MAX_SIZE", "8"},
         {"VB_PG_COMMAND_TIMEOUT_SEC", "2.5"},
         {"VB_PG_BREAKER_FAILURES", "2"},
         {"DB_LOG_ARGUMENTS", "off"}});
    set.erase("VB_POSTGRES_DSN");
    set["VB_DATABASE_URL"] = "postgresql://vb@vb.example/tradecore_vb?passfile=/etc/pass";
    const auto read = read_configuration(from(set));
    std::vector<std::string> lines;
    for (const auto& one : read.settings)
        if (!is_part(one))
            lines.push_back(line_of(one));
    EXPECT_THAT(
        lines, testing::ElementsAre(
                   "POSTGRES_DSN = db.example:5433/trading as app, password given (hidden) (POSTGRES_DSN)",
                   "PG_POOL_MAX_SIZE = 8 (PG_POOL_MAX_SIZE)", "PG_POOL_MIN_SIZE = 8 (follows PG_POOL_MAX_SIZE)",
                   "PG_POOL_TIMEOUT_SEC = 30 (default)", "PG_POOL_MAX_CONNECTING = 4 (default)",
                   "PG_POOL_IDLE_CHECK_SEC = 1 (default)", "PG_POOL_VALIDATION_TIMEOUT_SEC = 2 (default)",
                   "PG_POOL_KEEPALIVE_SEC = 120 (default)", "PG_POOL_IDLE_TIMEOUT_SEC = 600 (default)",
                   "PG_POOL_MAX_LIFETIME_SEC = 1800 (default)", "PG_POOL_LEAK_DETECTION_SEC = 0 (default)",
                   "PG_POOL_SHARING = true (default)", "PG_POOL_SHARING_WINDOW = 64 (default)",
                   "PG_POOL_SHARING_PATIENCE_MS = 20 (default)", "PG_COMMAND_TIMEOUT_SEC = 60 (default)",
                   "PG_COMMIT_RESOLUTION_SEC = 10 (default)", "PG_RETRY_ATTEMPTS = 3 (default)",
                   "PG_RETRY_CAP_MS = 2000 (default)", "PG_RETRY_BASE_MS = 50 (default)",
                   "PG_RETRY_BUDGET = 0.2 (default)", "PG_RETRY_CONFLICT_ATTEMPTS = 5 (default)",
                   "PG_BREAKER_ENABLED = true (default)", "PG_BREAKER_FAILURES = 5 (default)",
                   "PG_BREAKER_PROBE_SEC = 1 (default)", "PG_BREAKER_CALLER_PROBE_SEC = 30 (default)",
                   "PG_STANDBY_READS = false (default)", "PG_STANDBY_POOL_MAX_SIZE = 20 (default)",
                   "PG_STANDBY_PATIENCE_MS = 100 (default)", "ENABLE_VB_DATABASE = true (default)",
                   "VB_POSTGRES_DSN = vb.example:5432/tradecore_vb as vb, password looked for in /etc/pass "
                   "(VB_DATABASE_URL)",
                   "VB_PG_POOL_MAX_SIZE = 50 (default)", "VB_PG_POOL_MIN_SIZE = 10 (default)",
                   "VB_PG_POOL_TIMEOUT_SEC = 30 (default)", "VB_PG_POOL_MAX_CONNECTING = 4 (default)",
                   "VB_PG_POOL_IDLE_CHECK_SEC = 1 (default)", "VB_PG_POOL_VALIDATION_TIMEOUT_SEC = 2 (default)",
                   "VB_PG_POOL_KEEPALIVE_SEC = 120 (default)", "VB_PG_POOL_IDLE_TIMEOUT_SEC = 600 (default)",
                   "VB_PG_POOL_MAX_LIFETIME_SEC = 1800 (default)", "VB_PG_POOL_LEAK_DETECTION_SEC = 0 (default)",
                   "VB_PG_POOL_SHARING = true (default)", "VB_PG_POOL_SHARING_WINDOW = 64 (default)",
                   "VB_PG_POOL_SHARING_PATIENCE_MS = 20 (default)",
                   "VB_PG_COMMAND_TIMEOUT_SEC = 2.5 (VB_PG_COMMAND_TIMEOUT_SEC)",
                   "VB_PG_COMMIT_RESOLUTION_SEC = 10 (default)", "VB_PG_RETRY_ATTEMPTS = 3 (default)",
                   "VB_PG_RETRY_CAP_MS = 2000 (default)", "VB_PG_RETRY_BASE_MS = 50 (default)",
                   "VB_PG_RETRY_BUDGET = 0.2 (default)", "VB_PG_RETRY_CONFLICT_ATTEMPTS = 5 (default)",
                   "VB_PG_BREAKER_ENABLED = true (default)", "VB_PG_BREAKER_FAILURES = 2 (VB_PG_BREAKER_FAILURES)",
                   "VB_PG_BREAKER_PROBE_SEC = 1 (default)", "VB_PG_BREAKER_CALLER_PROBE_SEC = 30 (default)",
                   "VB_PG_STANDBY_READS = false (default)", "VB_PG_STANDBY_POOL_MAX_SIZE = 20 (default)",
                   "VB_PG_STANDBY_PATIENCE_MS = 100 (default)", "DB_WORKERS = 1 (default)",
                   "DB_SLOW_QUERY_THRESHOLD_MS = 1000 (default)", "DB_POOL_EXHAUSTION_THRESHOLD = 0.9 (default)",
                   "DB_LONG_TRANSACTION_THRESHOLD_MS = 2000 (default)", "DB_SLOW_ACQUIRE_THRESHOLD_MS = 500 (default)",
                   "DB_LOG_ARGUMENTS = false (DB_LOG_ARGUMENTS)", "TRADECORE_LOG = info (default)"));
}

/// What is said of the main database's connection and its parts.
std::vector<std::string> parts(variables set)
{
    set.emplace("ENABLE_VB_DATABASE", "false");
    set.emplace("HOME", "/nowhere");
    std::vector<std::string> lines;
    for (const auto& one : read_configuration(from(std::move(set))).settings)
        if (is_part(one) || one.name == "POSTGRES_DSN")
            lines.push_back(line_of(one));
    return lines;
}

TEST(configuration, says_of_each_part_of_a_connection_where_it_comes_from)
{
    EXPECT_THAT(
        parts(
            {{"DATABASE_URL", "postgresql:///x?target_session_attrs=read-write&prepared_statements=unnamed"},
             {"PGHOST", "one,two"},
             {"PGPORT", "7777"},
             {"PGUSER", "foo"},
             {"PGPASSWORD", "secret"},
             {"PGSSLMODE", "verify-full"},
             {"PGCONNECT_TIMEOUT", "3"}}),
        testing::ElementsAre(
            "POSTGRES_DSN = one:7777,two:7777/x as foo, password given (hidden) "
            "(DATABASE_URL, PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE, PGCONNECT_TIMEOUT)",
            "POSTGRES_DSN.host = one,two (PGHOST)", "POSTGRES_DSN.port = 7777,7777 (PGPORT)",
            "POSTGRES_DSN.dbname = x (DATABASE_URL)", "POSTGRES_DSN.user = foo (PGUSER)",
            "POSTGRES_DSN.password = given (hidden) (PGPASSWORD)", "POSTGRES_DSN.sslmode = verify-full (PGSSLMODE)",
            "POSTGRES_DSN.target_session_attrs = read-write (DATABASE_URL)",
            "POSTGRES_DSN.connect_timeout = 3 (PGCONNECT_TIMEOUT)",
            "POSTGRES_DSN.prepared_statements = unnamed (DATABASE_URL)"));
    EXPECT_THAT(
        parts({{"POSTGRES_DSN", "hostaddr=10.0.0.1 user=foo passfile=/etc/pass"}, {"PGPORT", ""}}),
        testing::ElementsAre(
            "POSTGRES_DSN = 10.0.0.1:5432/foo as foo, password looked for in /etc/pass (POSTGRES_DSN)",
            "POSTGRES_DSN.host = 10.0.0.1 (POSTGRES_DSN)", "POSTGRES_DSN.port = 5432 (default)",
            "POSTGRES_DSN.dbname = foo (default)", "POSTGRES_DSN.user = foo (POSTGRES_DSN)",
            "POSTGRES_DSN.password = looked for in /etc/pass (POSTGRES_DSN)", "POSTGRES_DSN.sslmode = prefer (default)",
            "POSTGRES_DSN.target_session_attrs = any (default)", "POSTGRES_DSN.connect_timeout = 10 (default)",
            "POSTGRES_DSN.prepared_statements = named (default)"));
}

TEST(configuration, says_what_comes_from_a_service_file)
{
    const auto path = testing::TempDir() + "tradecore_service_" + std::to_string(::getpid());
    std::ofstream(path) << "[trading]\nhost=db.example\npassword=secret\n";
    const auto lines = parts({{"POSTGRES_DSN", "service=trading user=foo"}, {"PGSERVICEFILE", path}});
    std::remove(path.c_str());
    EXPECT_THAT(lines, testing::Contains("POSTGRES_DSN.host = db.example (service file " + path + ", line 2)"));
    EXPECT_THAT(lines, testing::Contains("POSTGRES_DSN.password = given (hidden) (service file " + path + ", line 3)"));
}

TEST(configuration, shows_times_as_they_are_in_force)
{
    const auto read = read_configuration(from(with({{"PG_COMMAND_TIMEOUT_SEC", "0.0014"}})));
    EXPECT_EQ(read.main.command_timeout, 1ms);
    EXPECT_THAT(
        read.settings,
        testing::Contains(testing::ResultOf(line_of, "PG_COMMAND_TIMEOUT_SEC = 0.001 (PG_COMMAND_TIMEOUT_SEC)")));
}

TEST(configuration, says_what_follows_another_setting)
{
    EXPECT_THAT(
        read_configuration(from(with({{"VB_PG_RETRY_CAP_MS", "20"}}))).settings,
        testing::Contains(testing::ResultOf(line_of, "VB_PG_RETRY_BASE_MS = 20 (follows VB_PG_RETRY_CAP_MS)")));
}

TEST(configuration, refuses_times_that_would_be_rounded_to_none)
{
    for (const std::string prefix : {"", "VB_"})
        for (const std::string variable :
             {"PG_POOL_TIMEOUT_SEC", "PG_COMMAND_TIMEOUT_SEC", "PG_POOL_IDLE_CHECK_SEC",
              "PG_POOL_VALIDATION_TIMEOUT_SEC", "PG_POOL_KEEPALIVE_SEC", "PG_POOL_IDLE_TIMEOUT_SEC",
              "PG_POOL_MAX_LIFETIME_SEC", "PG_POOL_LEAK_DETECTION_SEC", "PG_COMMIT_RESOLUTION_SEC",
              "PG_BREAKER_PROBE_SEC", "PG_BREAKER_CALLER_PROBE_SEC"})
            for (const std::string value : {"0.0004", "0.0009", "1e-300"}) {
                const auto name = prefix + variable;
                EXPECT_THAT(
                    refusal(with({{name, value}})), testing::StartsWith(fmt::format("{}: '{}' is ", name, value)));
            }
    EXPECT_EQ(
        refusal(with({{"PG_COMMAND_TIMEOUT_SEC", "0.0004"}})),
        "PG_COMMAND_TIMEOUT_SEC: '0.0004' is above 0 and below 0.001, a millisecond");
}

TEST(configuration, refuses_a_log_level_that_is_none)
{
    EXPECT_EQ(
        refusal(with({{"TRADECORE_LOG", "abc"}})),
        "TRADECORE_LOG: 'abc' is none of trace, debug, info, warn, error, critical, off");
    EXPECT_THAT(
        read_configuration(from(with({{"TRADECORE_LOG", "WARNING"}}))).settings,
        testing::Contains(testing::ResultOf(line_of, "TRADECORE_LOG = warn (TRADECORE_LOG)")));
}

/// What is said of a DSN, by a refusal or as a setting.
std::string said_of(const std::string& dsn)
{
    try {
        const variables set{{"POSTGRES_DSN", dsn}, {"ENABLE_VB_DATABASE", "false"}, {"HOME", "/nowhere"}};
        return read_configuration(from(set)).settings.front().value;
    }
    catch (const configuration_error& e) {
        return e.what();
    }
}

TEST(configuration, shows_no_password_that_was_not_escaped)
{
    for (const std::string password :
         {"ca@nary", "c/anary", "/canary", "ca?nary", "c#anary", "c:anary", "c%nary", "@canary"}) {
        const auto said = said_of("postgresql://app:" + password + "@db.example:5433/trading?sslmode=require");
        EXPECT_THAT(said, testing::Not(testing::HasSubstr("nary"))) << password;
    }
    EXPECT_THAT(
        said_of("postgresql://app:c%40n%2Fary@db.example/trading"),
        testing::HasSubstr("db.example:5432/trading as app, "));
    EXPECT_EQ(
        said_of("postgresql://app:ca@nary@db.example/trading"),
        "POSTGRES_DSN: has an '@' where a password may not end: write '@' in passwords and names as %40, '/' as %2F");
}

TEST(configuration, refuses_a_mangled_dsn_without_showing_its_password)
{
    for (const std::string dsn :
         {"postgresql://app:canary@db.example:5433/trading?sslmode=require&connect_timeout=3",
          "host=db.example port=5433 user=app password=canary dbname=trading sslmode=require",
          "host='db' password='canary' user='app'"}) {
        std::size_t refused = 0;
        for (std::size_t at = 0; at <= dsn.size(); ++at) {
            for (const char c : std::string(":@/?#[]%= '\"\\,&\n")) {
                for (const std::size_t replaced : {0U, 1U}) {
                    auto mangled = dsn;
                    mangled.replace(at, replaced, 1, c);
                    const auto said = said_of(mangled);
                    const bool is_refusal = said.starts_with("POSTGRES_DSN");
                    refused += is_refusal ? 1 : 0;
                    if (is_refusal)
                        EXPECT_THAT(said, testing::Not(testing::HasSubstr("canary"))) << mangled;
                }
            }
        }
        EXPECT_GT(refused, 100U);
    }
}

TEST(configuration, refuses_wrong_values_by_the_variables_name)
{
    EXPECT_THAT(refusal(with({{"DB_WORKERS", "0"}})), testing::StartsWith("DB_WORKERS: "));
    EXPECT_EQ(refusal({}), "POSTGRES_DSN: is not set, nor is DATABASE_URL");
    EXPECT_EQ(
        refusal({{"POSTGRES_DSN", "postgresql://h/d"}}),
        "VB_POSTGRES_DSN: is not set, nor is VB_DATABASE_URL; ENABLE_VB_DATABASE=false does without this database");
    EXPECT_EQ(
        refusal(with({{"PG_POOL_MAX_SIZE", "many"}})),
        "PG_POOL_MAX_SIZE: 'many' is not a whole number from 1 to 10000");
    EXPECT_THAT(refusal(with({{"PG_POOL_MAX_SIZE", "0"}})), testing::StartsWith("PG_POOL_MAX_SIZE: "));
    EXPECT_THAT(refusal(with({{"PG_POOL_MIN_SIZE", "-1"}})), testing::StartsWith("PG_POOL_MIN_SIZE: "));
    EXPECT_THAT(refusal(with({{"PG_POOL_MIN_SIZE", "5 "}})), testing::StartsWith("PG_POOL_MIN_SIZE: "));
    EXPECT_EQ(
        refusal(with({{"PG_POOL_MIN_SIZE", "5"}, {"PG_POOL_MAX_SIZE", "4"}})),
        "PG_POOL_MIN_SIZE: 5 is above PG_POOL_MAX_SIZE, which is 4");
    EXPECT_EQ(
        refusal(with({{"VB_PG_POOL_MIN_SIZE", "60"}})),
        "VB_PG_POOL_MIN_SIZE: 60 is above VB_PG_POOL_MAX_SIZE, which is 50 by default");
    EXPECT_THAT(refusal(with({{"VB_PG_POOL_TIMEOUT_SEC", "nan"}})), testing::StartsWith("VB_PG_POOL_TIMEOUT_SEC: "));
    EXPECT_THAT(refusal(with({{"PG_POOL_TIMEOUT_SEC", "0"}})), testing::StartsWith("PG_POOL_TIMEOUT_SEC: "));
    EXPECT_THAT(refusal(with({{"PG_COMMAND_TIMEOUT_SEC", "-3"}})), testing::StartsWith("PG_COMMAND_TIMEOUT_SEC: "));
    EXPECT_EQ(
        refusal(with({{"ENABLE_VB_DATABASE", "maybe"}})), "ENABLE_VB_DATABASE: 'maybe' is neither true nor false");
    EXPECT_THAT(
        refusal(with({{"DB_POOL_EXHAUSTION_THRESHOLD", "90"}})), testing::StartsWith("DB_POOL_EXHAUSTION_THRESHOLD: "));
    EXPECT_THAT(
        refusal(with({{"DB_SLOW_QUERY_THRESHOLD_MS", "1.5"}})), testing::StartsWith("DB_SLOW_QUERY_THRESHOLD_MS: "));
    EXPECT_EQ(
        refusal(with({{"PG_RETRY_BASE_MS", "5"}, {"PG_RETRY_CAP_MS", "4"}})),
        "PG_RETRY_BASE_MS: 5 is above PG_RETRY_CAP_MS, which is 4");
    EXPECT_EQ(
        refusal(with({{"PG_RETRY_BASE_MS", "5000"}})),
        "PG_RETRY_BASE_MS: 5000 is above PG_RETRY_CAP_MS, which is 2000 by default");
    EXPECT_EQ(
        refusal(with({{"VB_PG_BREAKER_CALLER_PROBE_SEC", "4"}})),
        "VB_PG_BREAKER_CALLER_PROBE_SEC: '4' is not a number of seconds from 5 to 86400");
    EXPECT_EQ(refusal(with({{"PG_RETRY_BUDGET", "20%"}})), "PG_RETRY_BUDGET: '20%' is not a share from 0 to 1");
    EXPECT_EQ(refusal(with({{"PG_BREAKER_ENABLED", "2"}})), "PG_BREAKER_ENABLED: '2' is neither true nor false");
    for (const std::string variable :
         {"PG_RETRY_ATTEMPTS", "PG_RETRY_CAP_MS", "PG_RETRY_BASE_MS", "PG_RETRY_CONFLICT_ATTEMPTS",
          "PG_BREAKER_FAILURES", "PG_BREAKER_PROBE_SEC", "PG_POOL_MAX_CONNECTING", "PG_POOL_VALIDATION_TIMEOUT_SEC",
          "PG_POOL_SHARING_WINDOW", "PG_POOL_SHARING_PATIENCE_MS"})
        EXPECT_THAT(refusal(with({{variable, "0"}})), testing::StartsWith(variable + ": '0' is not "));
    for (const std::string variable :
         {"PG_POOL_IDLE_CHECK_SEC", "PG_POOL_KEEPALIVE_SEC", "PG_POOL_IDLE_TIMEOUT_SEC", "PG_POOL_MAX_LIFETIME_SEC",
          "PG_POOL_LEAK_DETECTION_SEC", "PG_COMMIT_RESOLUTION_SEC"}) {
        EXPECT_THAT(
            refusal(with({{"VB_" + variable, "-1"}})), testing::StartsWith("VB_" + variable + ": '-1' is not "));
        EXPECT_EQ(refusal(with({{variable, "0"}})), "accepted");
    }
    auto set = with({});
    set["POSTGRES_DSN"] = "postgresql://app:secret@db:99999/x";
    EXPECT_THAT(refusal(set), testing::StartsWith("POSTGRES_DSN: "));
}

} // namespace
} // namespace tradecore
