// SPDX-License-Identifier: Apache-2.0
// The code of docs/health.md, and of docs/pool.md what asks the registry, run.
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/registry.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// [ready]
asio::awaitable<bool> is_ready(tradecore::database& db)
{
    using namespace tradecore;
    const auto health = co_await db.health_check(1s);
    const bool refuses_callers = health.breaker == resilience::breaker_state::open;
    if (!health.reachable)
        observe::log(observe::level::warn, "not ready", {{"database", health.name}, {"error", health.error}});
    const bool serves = health.reachable && health.role == "primary" && !refuses_callers;
    co_return serves;
}
// [/ready]

// [all]
asio::awaitable<std::string> health_of_all()
{
    std::string text;
    for (const auto& name : tradecore::database_names()) {
        auto& db = tradecore::get_database(name);
        if (db.is_open())
            text += (text.empty() ? "" : ",") + to_json_text(co_await db.health_check(1s));
    }
    co_return "[" + text + "]";
}
// [/all]

// [get-pool]
asio::awaitable<std::int64_t> count_words()
{
    auto connection = co_await tradecore::get_pool("main").acquire(tradecore::usage::here("word count"));
    co_await connection->execute("SET work_mem = '64MB'");
    co_return co_await connection->fetchval<std::int64_t>("SELECT count(DISTINCT word) FROM words");
} // it goes back here, and the pool resets what was set
// [/get-pool]

TEST(registry_pages, their_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run("CREATE TABLE words (word text); INSERT INTO words VALUES ('a'), ('b'), ('a')");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        tradecore::database_options options;
        options.connect = tradecore::pg::connect_options::parse(scratch.dsn());
        options.pool = {.minimum = 1, .maximum = 1};
        tradecore::database& main = co_await tradecore::init_database(options);
        EXPECT_TRUE(co_await is_ready(main));
        EXPECT_EQ(co_await count_words(), 2);
        EXPECT_NE(co_await main.fetchval<std::string>("SHOW work_mem"), "64MB");
        const auto all = boost::json::parse(co_await health_of_all()).as_array();
        EXPECT_EQ(all.size(), 1U);
        EXPECT_EQ(all.at(0).at("name").as_string(), "main");
        EXPECT_TRUE(all.at(0).at("reachable").as_bool());
        co_await tradecore::shutdown();
        EXPECT_FALSE(co_await is_ready(main));
    });
}

} // namespace
