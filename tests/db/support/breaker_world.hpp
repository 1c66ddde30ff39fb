// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_database.hpp"
#include "db/support/virtual_time.hpp"
#include "support/errors.hpp"

#include <tradecore/db/errors.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace tradecore::test {

/// Far away: what is not to happen in a test.
inline constexpr std::chrono::milliseconds never = std::chrono::hours(24);

/// A breaker that nobody probes, and calls that are one attempt.
inline database_options unprobed(std::size_t maximum, std::size_t minimum = 0)
{
    auto options = quiet_options(maximum);
    options.pool.minimum = minimum;
    options.pool.connect_backoff = std::chrono::milliseconds(1);
    options.pool.connect_backoff_limit = std::chrono::milliseconds(1);
    options.breaker.background_probe = never;
    options.breaker.background_probe_limit = never;
    options.breaker.caller_probe = never;
    options.retries.outage.max_attempts = 1;
    options.retries.conflict.max_attempts = 1;
    return options;
}

inline database_options probed(std::size_t maximum, std::size_t minimum = 0)
{
    auto options = unprobed(maximum, minimum);
    options.breaker.background_probe = std::chrono::milliseconds(1);
    options.breaker.background_probe_limit = std::chrono::milliseconds(1);
    return options;
}

/// Lets calls fail, each for a reason of its own.
inline asio::awaitable<void> fail(database& on, int times, std::string text = "a")
{
    for (int i = 0; i < times; ++i) {
        const auto error = co_await error_of(say(on, text));
        EXPECT_TRUE(error) << i;
        EXPECT_FALSE(is<circuit_open>(error)) << i;
    }
}

/// A database on a scripted server.
struct breaker_world {
    fake_server server;
    virtual_time* time = nullptr;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options)
    {
        tradecore::test::run([&]() -> asio::awaitable<void> {
            main.emplace(
                co_await asio::this_coro::executor, options, server.make_connector(),
                time != nullptr ? time->source() : time_source());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            co_await main->close(std::chrono::seconds(10));
        });
        EXPECT_TRUE(server.open_connections.empty());
    }
};

} // namespace tradecore::test
