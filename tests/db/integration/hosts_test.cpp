// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/pool.hpp>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// A pool whose connections are made to one address and to the other in turns; both lead to the same server.
template <class F>
void with_two_hosts(F body)
{
    test::run([&]() -> asio::awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        auto left = pg::connect_options::parse(test::tcp_dsn_for("tc_trust", ""));
        const auto port = left.hosts.front().port;
        auto right = left;
        left.hosts = {{.host = "left", .hostaddr = "127.0.0.1", .port = port}};
        right.hosts = {
            {.host = "nowhere", .hostaddr = "127.0.0.1", .port = 1},
            {.host = "right", .hostaddr = "127.0.0.1", .port = port}};
        const auto made = std::make_shared<std::size_t>(0);
        const auto to_left = make_connector(here, left);
        const auto to_right = make_connector(here, right);
        pool connections(
            here, "main", {.minimum = 4, .maximum = 4, .maximum_connecting = 1, .exhaustion_threshold = 1},
            [=] { return (*made)++ % 2 == 0 ? to_left() : to_right(); });
        co_await connections.open();
        co_await body(connections, port);
        co_await connections.close(5s);
    });
}

TEST(pool_of_two_hosts, knows_where_each_connection_leads)
{
    with_two_hosts([](pool& connections, std::uint16_t port) -> asio::awaitable<void> {
        std::size_t right = 0;
        std::vector<lease> all;
        for (int i = 0; i < 4; ++i) {
            all.push_back(co_await connections.acquire({}));
            const auto& host = all.back()->host();
            EXPECT_EQ(host.hostaddr, "127.0.0.1");
            EXPECT_EQ(host.port, port) << "not of the host that was tried in vain";
            right += host.name() == "right" ? 1U : 0U;
        }
        EXPECT_EQ(right, 2U);
    });
}

TEST(pool_of_two_hosts, ends_the_connections_to_one_of_them)
{
    with_two_hosts([](pool& connections, std::uint16_t port) -> asio::awaitable<void> {
        EXPECT_EQ(connections.evict_host("nowhere"), 0U);
        EXPECT_EQ(connections.evict_host("left", 1), 0U);
        auto lent = co_await connections.acquire({});
        auto other = co_await connections.acquire({});
        if (lent->host().host != "left")
            std::swap(lent, other);
        EXPECT_EQ(connections.evict_host("left", port), 2U);
        EXPECT_TRUE(lent->is_open()) << "who has one keeps it";
        EXPECT_TRUE(other->is_open());
        lent.reset();
        other.reset();
        EXPECT_EQ(connections.evict_host("right"), 2U);
        EXPECT_EQ(connections.evict_host("127.0.0.1"), 0U) << "there are none";
    });
}

} // namespace
} // namespace tradecore
