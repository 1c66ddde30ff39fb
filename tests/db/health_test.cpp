// SPDX-License-Identifier: Apache-2.0
#include "db/support/documentation.hpp"
#include "db/support/fake_database.hpp"
#include "db/support/fake_server.hpp"

#include <tradecore/db/database.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using test::fake_server;
using test::with_database;
using testing::MatchesRegex;

TEST(health, of_an_exhausted_pool_says_who_holds_the_connections)
{
    fake_server server;
    with_database(server, test::quiet_options(1), [](database& main) -> asio::awaitable<void> {
        const auto mine = co_await main.pool().acquire(usage::here("import"));
        const auto health = co_await main.health_check(8ms);
        EXPECT_FALSE(health.reachable);
        EXPECT_THAT(
            health.error, MatchesRegex("pool 'main': no connection within [0-9]+ ms: all 1 are in use; held longest by "
                                       "session import at .*health_test.cpp:[0-9]+ for [0-9]+ ms"));
    });
}

TEST(health, of_a_server_that_does_not_answer_says_so)
{
    fake_server server;
    with_database(server, test::quiet_options(1), [&](database& main) -> asio::awaitable<void> {
        server.on_command = [](fake_server::connection& on, const std::string&) { on.hold_next("never"); };
        const auto health = co_await main.health_check(5ms);
        EXPECT_FALSE(health.reachable);
        EXPECT_EQ(health.error, "the server has not answered within 5 ms");
        server.on_command = nullptr;
        server.held("never").open();
    });
}

/// @returns the blocks of JSON of docs/health.md.
std::vector<json::value> documented()
{
    std::ifstream page(TRADECORE_SOURCE_ROOT "/docs/health.md");
    const std::string text(std::istreambuf_iterator<char>(page), {});
    std::vector<json::value> found;
    for (const auto& block : test::all_in(text, "```json\n([^`]*)```"))
        found.push_back(json::parse(block));
    return found;
}

TEST(health, as_json_is_that_of_the_documentation)
{
    const database_health well{
        .name = "main",
        .reachable = true,
        .latency = 174us,
        .server_version = "15.6",
        .role = "primary",
        .breaker = resilience::breaker_state::closed,
        .pool_info = {.size = 20, .active = 3, .idle = 17, .minimum = 20, .maximum = 100}};
    const database_health exhausted{
        .name = "main",
        .latency = 875'200us,
        .error = "pool 'main': no connection within 875 ms: all 2 are in use; held longest by session import at "
                 "src/import.cpp:41 for 61204 ms",
        .breaker = resilience::breaker_state::closed,
        .pool_info = {.size = 2, .active = 2, .waiting = 4, .minimum = 2, .maximum = 2}};
    const auto page = documented();
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(json::serialize(page[0]), json::serialize(to_json(well))) << "in this order";
    EXPECT_EQ(json::serialize(page[1]), json::serialize(to_json(exhausted)));
}

TEST(health, as_json_is_utf8_whatever_a_server_says)
{
    // Before it knows which encoding is wanted a server talks in its own.
    const database_health found{.name = "m\xe4rz", .error = "Rolle \xbbx\xab gibt es nicht, sagt é"};
    const auto read = json::parse(json::serialize(to_json(found)));
    EXPECT_EQ(read.at("name").as_string(), "m\uFFFDrz");
    EXPECT_EQ(read.at("error").as_string(), "Rolle \uFFFDx\uFFFD gibt es nicht, sagt é");
}

} // namespace
} // namespace tradecore
