// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_database.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace tradecore::test {

/// One database on a scripted server; what a test leaves of its transactions is looked at.
struct transaction_world {
    fake_server server;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options = quiet_options())
    {
        tradecore::test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, options, server.make_connector());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            for (const auto* connection : server.open_connections)
                EXPECT_EQ(connection->status(), pg::transaction_status::idle);
            co_await main->close(std::chrono::seconds(1));
        });
    }
};

} // namespace tradecore::test
