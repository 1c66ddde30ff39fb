// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_server.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <cstddef>

namespace tradecore::test {

/// @returns options that say nothing of their own accord: no pool is exhausted, nothing is slow.
inline database_options quiet_options(std::size_t maximum = 4)
{
    database_options options;
    options.pool = {.minimum = 0, .maximum = maximum};
    options.pool.exhaustion_threshold = 1;
    return options;
}

/// Runs `body(database&)` with a database on a fake server.
template <class F>
void with_database(fake_server& server, const database_options& options, F body)
{
    run([&]() -> asio::awaitable<void> {
        database main(co_await asio::this_coro::executor, options, server.make_connector());
        co_await main.open();
        co_await body(main);
        co_await main.close(std::chrono::seconds(1));
    });
}

/// Makes every command take longer than `time`: the clock has moved on when the server answers.
inline void take_longer_than(fake_server& server, std::chrono::milliseconds time)
{
    server.on_command = [time](fake_server::connection&, const std::string&) {
        const auto began = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - began <= time) {
        }
    };
}

} // namespace tradecore::test
