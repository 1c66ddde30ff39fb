// SPDX-License-Identifier: Apache-2.0
// What is said of options that cannot be: which member, and what it may be.
#include "db/support/complaint.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/pool_sizing.hpp>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::complaint_of;

constexpr milliseconds too_long = std::chrono::hours(24 * 366 * 100);

/// What spoils the options, and what is said of it.
using wrong_option = std::pair<std::function<void(database_options&)>, std::string>;

std::string complaint(const database_options& options)
{
    boost::asio::io_context context;
    test::fake_server server;
    return complaint_of([&] {
        const database refused(
            context.get_executor(), options, server.make_connector(), time_source(), server.make_connector());
    });
}

void expect_refused(const std::vector<wrong_option>& wrong, const database_options& right = test::quiet_options())
{
    EXPECT_EQ(complaint(right), "nothing");
    for (const auto& [spoil, told] : wrong) {
        auto options = right;
        spoil(options);
        EXPECT_EQ(complaint(options), told);
    }
}

TEST(option_texts, of_a_database_name_the_member_and_what_it_may_be)
{
    expect_refused({
        {[](auto& o) { o.name.clear(); }, "database_options.name must not be empty"},
        {[](auto& o) { o.command_timeout = -1ms; }, "database_options.command_timeout must not be negative"},
        {[](auto& o) { o.command_timeout = 2'147'483'648ms; },
         "database_options.command_timeout must not be above 2147483647 ms, PostgreSQL's longest; 0 is no limit"},
        {[](auto& o) { o.rollback_timeout = 0ms; }, "database_options.rollback_timeout must be positive"},
        {[](auto& o) { o.rollback_timeout = too_long; },
         "database_options.rollback_timeout must not be above 100 years"},
        {[](auto& o) { o.commit_resolution = -1ms; }, "database_options.commit_resolution must not be negative"},
        {[](auto& o) { o.commit_resolution = too_long; },
         "database_options.commit_resolution must not be above 100 years"},
        {[](auto& o) { o.slow_query = -1ms; }, "database_options.slow_query must not be negative"},
        {[](auto& o) { o.long_transaction = -1ms; }, "database_options.long_transaction must not be negative"},
        {[](auto& o) { o.pool.maximum = 0; }, "pool_options.maximum must be at least 1"},
        {[](auto& o) { o.pool.minimum = 5; }, "pool_options.minimum must not be above maximum"},
        {[](auto& o) { o.pool.maximum_connecting = 0; }, "pool_options.maximum_connecting must be at least 1"},
        {[](auto& o) { o.pool.acquire_timeout = 0ms; }, "pool_options.acquire_timeout must be positive"},
        {[](auto& o) { o.pool.idle_check_after = -1ms; }, "pool_options.idle_check_after must not be negative"},
        {[](auto& o) { o.pool.validation_timeout = 0ms; }, "pool_options.validation_timeout must be positive"},
        {[](auto& o) { o.pool.keepalive_time = -1ms; }, "pool_options.keepalive_time must not be negative"},
        {[](auto& o) { o.pool.idle_timeout = -1ms; }, "pool_options.idle_timeout must not be negative"},
        {[](auto& o) { o.pool.max_lifetime = -1ms; }, "pool_options.max_lifetime must not be negative"},
        {[](auto& o) { o.pool.cleanup_timeout = 0ms; }, "pool_options.cleanup_timeout must be positive"},
        {[](auto& o) { o.pool.connect_backoff = 0ms; }, "pool_options.connect_backoff must be positive"},
        {[](auto& o) { o.pool.connect_backoff_limit = 99ms; },
         "pool_options.connect_backoff_limit must not be below connect_backoff"},
        {[](auto& o) { o.pool.slow_acquire = -1ms; }, "pool_options.slow_acquire must not be negative"},
        {[](auto& o) { o.pool.leak_detection = -1ms; }, "pool_options.leak_detection must not be negative"},
        {[](auto& o) { o.pool.exhaustion_threshold = 0; },
         "pool_options.exhaustion_threshold must be above 0 and at most 1"},
        {[](auto& o) { o.pool.sharing.window = 0; }, "sharing_options.window must be at least 1"},
        {[](auto& o) { o.pool.sharing.patience = 0ms; }, "sharing_options.patience must be positive"},
        {[](auto& o) { o.pool.hooks.on_connect_timeout = 0ms; }, "pool_hooks.on_connect_timeout must be positive"},
        {[](auto& o) { o.breaker.failure_threshold = 0; }, "breaker_options.failure_threshold must be at least 1"},
        {[](auto& o) { o.breaker.burst = -1ms; }, "breaker_options.burst must not be negative"},
        {[](auto& o) { o.breaker.probe_timeout = 0ms; }, "breaker_options.probe_timeout must be positive"},
        {[](auto& o) { o.breaker.probe_timeout = 5'001ms; }, "breaker_options.probe_timeout must be at most 5 s"},
        {[](auto& o) { o.breaker.background_probe = 0ms; }, "breaker_options.background_probe must be positive"},
        {[](auto& o) { o.breaker.background_probe_limit = 999ms; },
         "breaker_options.background_probe_limit must not be below background_probe"},
        {[](auto& o) { o.breaker.caller_probe = 4'999ms; },
         "breaker_options.caller_probe must not be below probe_timeout"},
        {[](auto& o) { o.retry_budget.share = -0.1; }, "retry_budget_options.share must not be negative"},
        {[](auto& o) { o.retry_budget.window = 9ms; }, "retry_budget_options.window must be at least 10 ms"},
        {[](auto& o) { o.retries.outage.max_attempts = 0; },
         "retry_policies.outage: retry_policy.max_attempts must be at least 1"},
        {[](auto& o) { o.retries.outage.backoff.base = 0ms; },
         "retry_policies.outage: retry_policy.backoff.base must be positive"},
        {[](auto& o) { o.retries.conflict.backoff.cap = 0ms; },
         "retry_policies.conflict: retry_policy.backoff.cap must not be below base"},
        {[](auto& o) { o.retries.conflict.backoff.jitter = 1.5; },
         "retry_policies.conflict: retry_policy.backoff.jitter must be between 0 and 1"},
    });
}

TEST(option_texts, of_times_beyond_the_clock_name_the_member)
{
    const std::vector<std::pair<milliseconds pool_options::*, std::string>> times{
        {&pool_options::acquire_timeout, "acquire_timeout"},
        {&pool_options::idle_check_after, "idle_check_after"},
        {&pool_options::validation_timeout, "validation_timeout"},
        {&pool_options::keepalive_time, "keepalive_time"},
        {&pool_options::idle_timeout, "idle_timeout"},
        {&pool_options::max_lifetime, "max_lifetime"},
        {&pool_options::cleanup_timeout, "cleanup_timeout"},
        {&pool_options::connect_backoff_limit, "connect_backoff_limit"},
        {&pool_options::slow_acquire, "slow_acquire"},
        {&pool_options::leak_detection, "leak_detection"},
    };
    for (const auto& [member, name] : times) {
        auto options = test::quiet_options();
        options.pool.*member = too_long;
        EXPECT_EQ(complaint(options), "pool_options." + name + " must not be above 100 years");
    }
    auto options = test::quiet_options();
    options.pool.hooks.on_connect_timeout = too_long;
    EXPECT_EQ(complaint(options), "pool_hooks.on_connect_timeout must not be above 100 years");
}

TEST(option_texts, of_standbys_name_the_member_and_say_what_they_need)
{
    auto right = test::quiet_options();
    right.standbys.enabled = true;
    right.connect.target_session = pg::target_session_attributes::primary;
    expect_refused(
        {
            {[](auto& o) { o.standbys.pool.maximum = 0; }, "pool_options.maximum must be at least 1"},
            {[](auto& o) { o.standbys.pool.minimum = 1; },
             "standby_options.pool.minimum must be 0: reads make the connections they want"},
            {[](auto& o) { o.standbys.patience = 0ms; }, "standby_options.patience must be positive"},
            {[](auto& o) { o.connect.target_session = pg::target_session_attributes::any; },
             "database_options.standbys needs target_session_attrs to be read-write or primary, so that the database "
             "itself is the primary, or hosts of their own"},
            {[](auto& o) { o.connect.prepared_statements = pg::prepared_statements::unnamed; },
             "database_options.standbys cannot be used through a pooler that gives each transaction another server: "
             "what was asked of one would be believed of another"},
        },
        right);
    right.connect.target_session = pg::target_session_attributes::any;
    right.standbys.hosts = {{.host = "standby.example", .port = 5432}};
    EXPECT_EQ(complaint(right), "nothing");
}

TEST(option_texts, of_workers_say_what_cannot_be_divided)
{
    EXPECT_EQ(complaint_of([] { (void)share_of_worker(pool_options{}, 0); }), "there must be at least 1 worker");
    EXPECT_EQ(
        complaint_of([] { (void)share_of_worker(pool_options{.minimum = 0, .maximum = 3}, 4); }),
        "3 connections cannot be divided among 4 workers");
}

} // namespace
} // namespace tradecore
