// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_database.hpp"
#include "db/support/virtual_time.hpp"
#include "support/errors.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::test {

/// Without a breaker and with a budget that is never used up, of which only some tests are.
inline database_options without_breaker()
{
    auto options = quiet_options();
    options.pool.connect_backoff = std::chrono::milliseconds(1);
    options.pool.connect_backoff_limit = std::chrono::milliseconds(1);
    options.breaker_enabled = false;
    options.retry_budget.minimum = 1'000;
    return options;
}

/// A database on a scripted server, in virtual time.
struct retry_world {
    fake_server server;
    virtual_time time;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options = without_breaker())
    {
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, options, server.make_connector(), time.source());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            co_await main->close(std::chrono::seconds(10));
        });
        EXPECT_TRUE(server.open_connections.empty());
    }

    /// The next times a command comes, it fails with these; null entries do not.
    void fail(std::string command, std::vector<std::exception_ptr> errors)
    {
        server.on_command = [command = std::move(command),
                             errors = std::move(errors)](fake_server::connection& on, const std::string& said) mutable {
            if (said != command || errors.empty())
                return;
            const auto error = errors.front();
            errors.erase(errors.begin());
            if (is<connection_error>(error))
                on.close();
            else if (error && on.status() == pg::transaction_status::in_transaction)
                on.fail_transaction();
            if (error)
                std::rethrow_exception(error);
        };
    }
};

} // namespace tradecore::test
