// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_server.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/pool.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <string>

namespace tradecore::test {

inline pool_options sized(std::size_t minimum, std::size_t maximum)
{
    pool_options options{.minimum = minimum, .maximum = maximum};
    options.exhaustion_threshold = 1;
    return options;
}

/// Runs `body(server, pool)` on a pool that has been opened, and closes it.
template <class F>
void with_pool(pool_options options, F body)
{
    fake_server server;
    run([&]() -> asio::awaitable<void> {
        pool connections(co_await asio::this_coro::executor, "main", options, server.make_connector());
        co_await connections.open();
        co_await body(server, connections);
        co_await connections.close(std::chrono::seconds(1));
    });
    EXPECT_TRUE(server.open_connections.empty());
}

/// Takes a connection, notes its number, keeps it until the gate opens.
inline asio::awaitable<void> borrow(pool& from, std::string& log, gate& until, std::string name)
{
    try {
        const auto connection = co_await from.acquire({.kind = "test", .label = name});
        log += name + std::to_string(connection->backend_pid()) + ";";
        (void)co_await until.wait();
    }
    catch (const std::exception& e) {
        log += name + "(" + e.what() + ");";
    }
}

} // namespace tradecore::test
