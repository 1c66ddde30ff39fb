// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_database.hpp"

#include <tradecore/db/time_source.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <utility>

namespace tradecore::test {

/// One database on a scripted server. Whatever a test does with it, in the end no connection is in use, none is in a
/// transaction, and none is open once the database is closed.
struct database_world {
    fake_server server;
    std::optional<database> main;

    template <class F>
    void run(F body, const database_options& options = quiet_options(), const time_source& time = {})
    {
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, options, server.make_connector(), time);
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            for (const auto* connection : server.open_connections)
                EXPECT_EQ(connection->status(), pg::transaction_status::idle);
            co_await main->close(std::chrono::seconds(10));
        });
        EXPECT_TRUE(server.open_connections.empty());
    }
};

} // namespace tradecore::test
