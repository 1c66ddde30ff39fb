// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/database_world.hpp"
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

/// The same, but callers may probe when it has been open for 30 s.
inline database_options probed_by_callers(std::size_t maximum)
{
    auto options = unprobed(maximum);
    options.breaker.caller_probe = std::chrono::seconds(30);
    return options;
}

/// The same, but probed in the background all the time.
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

/// A database on a scripted server whose breaker is looked at.
struct breaker_world : database_world {
    /// Of breaker and retries; of the clock unless it stands still.
    std::optional<virtual_time> time;

    /// Time passes from now on only as the test says.
    virtual_time& stop_time() { return time.emplace(); }

    template <class F>
    void run(F body, const database_options& options)
    {
        database_world::run(body, options, time ? time->source() : time_source());
    }

    /// The server refuses all connections from now on, until the breaker has opened.
    asio::awaitable<void> open_breaker()
    {
        server.refusal = refused();
        co_await fail(*main, 5);
    }
};

} // namespace tradecore::test
