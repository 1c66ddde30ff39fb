// SPDX-License-Identifier: Apache-2.0
#include "support/errors.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres.hpp"
#include "support/replicated_servers.hpp"
#include "support/run.hpp"

#include <tradecore/db/registry.hpp>
#include <tradecore/observe/capture.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <unistd.h>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::throws;

database_configuration configuration(const std::string& main, const std::string& vb)
{
    std::map<std::string, std::string, std::less<>> set{
        {"POSTGRES_DSN", main}, {"PG_POOL_MAX_SIZE", "3"}, {"VB_PG_POOL_MAX_SIZE", "2"}, {"PG_POOL_MIN_SIZE", "1"}};
    set.emplace(vb.empty() ? "ENABLE_VB_DATABASE" : "VB_POSTGRES_DSN", vb.empty() ? "false" : vb);
    return read_configuration([set](std::string_view name) -> std::optional<std::string> {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    });
}

asio::awaitable<std::string> name_of(database& on)
{
    co_return co_await on.fetchval<std::string>("SELECT current_database()");
}

asio::awaitable<void> touch(database& on)
{
    (void)co_await name_of(on);
}

TEST(registry, opens_and_closes_the_global_databases)
{
    const test::scratch_database main("main");
    const test::scratch_database vb("vb");
    test::run([&]() -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<database_closed>(touch(db)));
        co_await init_all(configuration(main.dsn(), vb.dsn()));
        EXPECT_EQ(co_await name_of(db), main.name());
        EXPECT_EQ(co_await name_of(vb_db), vb.name());
        EXPECT_EQ(get_pool().stats().maximum, 3U);
        EXPECT_EQ(get_pool("vb").stats().maximum, 2U);
        EXPECT_EQ(&get_database("main"), &db);
        EXPECT_THROW((void)get_database("nobody"), std::out_of_range);
        co_await shutdown();
        EXPECT_TRUE(co_await throws<database_closed>(touch(db)));
        EXPECT_TRUE(co_await throws<database_closed>(touch(vb_db)));
    });
    EXPECT_EQ(
        test::run_sql(
            test::dsn(), "SELECT count(*) FROM pg_stat_activity WHERE datname IN ('" + main.name() + "', '" +
                             vb.name() + "') AND backend_type = 'client backend' AND state = 'active'"),
        "0");
}

TEST(registry, transactions_of_main_and_vb_do_not_mix)
{
    const test::scratch_database main("main");
    const test::scratch_database vb("vb");
    main.run("CREATE TABLE t (x int)");
    vb.run("CREATE TABLE t (x int)");
    test::run([&]() -> asio::awaitable<void> {
        co_await init_all(configuration(main.dsn(), vb.dsn()));
        EXPECT_TRUE(co_await throws<std::logic_error>(db.transaction([]() -> asio::awaitable<void> {
            (void)co_await db.execute("INSERT INTO t VALUES (1)");
            co_await vb_db.transaction([]() -> asio::awaitable<void> {
                (void)co_await db.execute("INSERT INTO t VALUES (2)");
                (void)co_await vb_db.execute("INSERT INTO t VALUES (3)");
            });
            throw std::logic_error("no");
        })));
        co_await shutdown();
    });
    EXPECT_EQ(main.run("SELECT count(*) FROM t"), "0");
    EXPECT_EQ(vb.run("SELECT count(*) FROM t"), "1");
}

TEST(registry, vb_can_be_switched_off_and_others_added)
{
    const test::scratch_database main("main");
    test::run([&]() -> asio::awaitable<void> {
        co_await init_all(configuration(main.dsn(), ""));
        EXPECT_TRUE(co_await throws<database_disabled>(touch(vb_db)));
        EXPECT_THROW((void)get_pool("vb"), database_disabled);
        database_options options;
        options.name = "reports";
        options.connect = pg::connect_options::parse(main.dsn());
        options.pool = {.minimum = 0, .maximum = 1};
        database& reports = co_await init_database(options);
        EXPECT_EQ(co_await name_of(reports), main.name());
        EXPECT_EQ(&get_database("reports"), &reports);
        EXPECT_THAT(database_names(), testing::ElementsAre("main", "vb", "reports"));
        EXPECT_TRUE(co_await throws<std::invalid_argument>([](database_options again) -> asio::awaitable<void> {
            (void)co_await init_database(std::move(again));
        }(options)));
        co_await shutdown();
        EXPECT_TRUE(co_await throws<database_closed>(touch(reports)));
    });
}

TEST(registry, closes_main_again_when_vb_cannot_be_opened)
{
    const test::scratch_database main("main");
    test::run([&]() -> asio::awaitable<void> {
        EXPECT_TRUE(
            co_await throws<invalid_catalog_name>(init_all(configuration(main.dsn(), test::dsn("no_such_database")))));
        EXPECT_FALSE(db.is_open());
        EXPECT_FALSE(vb_db.is_open());
    });
}

/// A role that is no superuser, whose connections are limited, with a database.
class limited_role {
public:
    explicit limited_role(int limit)
    {
        test::run_sql(
            test::dsn(),
            fmt::format(
                "DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN PASSWORD 'secret' CONNECTION LIMIT {1}", name_, limit));
    }
    ~limited_role() { test::run_sql(test::dsn(), "DROP ROLE " + name_); }
    limited_role(const limited_role&) = delete;
    limited_role& operator=(const limited_role&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::string dsn(const std::string& database) const
    {
        return test::tcp_dsn_for(name_, "secret", database);
    }

private:
    std::string name_ = fmt::format("tc_limited_{}", ::getpid());
};

TEST(registry, warns_when_the_workers_pools_exceed_what_the_server_allows)
{
    const test::scratch_database main("main");
    const test::scratch_database vb("vb");
    const limited_role role(20);
    const observe::capture said;
    test::run([&]() -> asio::awaitable<void> {
        auto wanted = configuration(role.dsn(main.name()), role.dsn(vb.name()));
        wanted.main.pool.maximum = 403;
        wanted.main.pool.minimum = 4;
        wanted.vb->pool.maximum = 10;
        wanted.vb->pool.minimum = 0;
        wanted.workers = 4;
        co_await init_all(std::move(wanted));
        EXPECT_EQ(get_pool().stats().maximum, 100U);
        EXPECT_EQ(get_pool().stats().minimum, 1U);
        EXPECT_EQ(get_pool("vb").stats().maximum, 2U);
        co_await shutdown();
    });
    EXPECT_THAT(
        said.messages(observe::level::warn),
        testing::ElementsAre(
            "[POOL SIZING] the pools of 4 workers of main and vb may make 408 connections, but the server allows 197 "
            "(max_connections = 200, 3 reserved); recommended: max_connections = 816",
            "[POOL SIZING] the pools of 4 workers of main and vb may make 408 connections, but the role \"" +
                role.name() + "\" is allowed 20 (CONNECTION LIMIT)"));
}

TEST(registry, warns_of_pools_for_standbys_too)
{
    const test::replicated_servers servers;
    const observe::capture said;
    test::run([&]() -> asio::awaitable<void> {
        auto wanted = configuration(servers.dsn("target_session_attrs=read-write"), "");
        wanted.main.standbys.enabled = true;
        wanted.main.pool.maximum = 20;
        wanted.main.standbys.pool.maximum = 5'001;
        wanted.workers = 2;
        co_await init_all(std::move(wanted));
        co_await shutdown();
    });
    EXPECT_THAT(
        said.messages(observe::level::warn),
        testing::ElementsAre(
            "[POOL SIZING] the pools of 2 workers of main/standby may make 5000 connections, but the server allows 100 "
            "(max_connections = 100, 0 reserved); recommended: max_connections = 10000"));
}

TEST(registry, opens_also_while_a_standby_is_away)
{
    const test::scratch_database main("main");
    const observe::capture said;
    test::run([&]() -> asio::awaitable<void> {
        auto wanted = configuration(main.dsn(), "");
        wanted.main.standbys.enabled = true;
        wanted.main.standbys.pool.maximum = 5'000;
        wanted.main.standbys.hosts = {{.host = "/nowhere", .port = 1}};
        co_await init_all(std::move(wanted));
        co_await touch(db);
        co_await shutdown();
    });
    EXPECT_THAT(said.messages(observe::level::warn), testing::Not(testing::Contains(testing::HasSubstr("SIZING"))));
}

TEST(registry, says_nothing_of_sizes_behind_a_pooler)
{
    const test::pgbouncer pooler;
    const observe::capture said;
    test::run([&]() -> asio::awaitable<void> {
        auto wanted = configuration(pooler.dsn(), "");
        wanted.main.pool.maximum = 10'000;
        wanted.main.pool.minimum = 0;
        wanted.main.connect.prepared_statements = pg::prepared_statements::unnamed;
        co_await init_all(std::move(wanted));
        co_await touch(db);
        co_await shutdown();
    });
    EXPECT_THAT(said.messages(observe::level::warn), testing::IsEmpty());
}

TEST(registry, a_loop_may_end_without_a_shutdown)
{
    const test::scratch_database main("main");
    test::run([&]() -> asio::awaitable<void> {
        co_await init_all(configuration(main.dsn(), ""));
        co_await touch(db);
    });
    test::run([&]() -> asio::awaitable<void> {
        EXPECT_FALSE(db.is_open());
        EXPECT_TRUE(co_await throws<database_closed>(touch(db)));
        co_await init_all(configuration(main.dsn(), ""));
        co_await touch(db);
        co_await shutdown();
    });
}

} // namespace
} // namespace tradecore
