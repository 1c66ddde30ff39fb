// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_server.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::test {

/// @returns options that say nothing of their own accord: no pool is exhausted, nothing is slow.
inline database_options quiet_options(std::size_t maximum = 4)
{
    database_options options;
    options.pool = {.minimum = 0, .maximum = maximum};
    options.pool.exhaustion_threshold = 1;
    // What the machine's pauses would bring in.
    options.pool.idle_check_after = std::chrono::hours(1);
    options.pool.slow_acquire = {};
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

/// Runs a statement.
inline asio::awaitable<void> say(pg::session& on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

/// @returns what a connect fails with when nobody listens.
inline std::exception_ptr refused()
{
    return std::make_exception_ptr(pg::connection_error(pg::client_errc::cannot_connect, "connection refused"));
}

/// @returns what a statement fails with when its connection is reset.
inline std::exception_ptr lost()
{
    return std::make_exception_ptr(pg::connection_error(pg::client_errc::connection_closed, "connection reset"));
}

/// @returns how often a command was carried out.
inline int count(const fake_server& server, std::string_view command)
{
    int found = 0;
    const auto log = server.log() + " | ";
    const auto wanted = ":" + std::string(command) + " |";
    for (auto at = log.find(wanted); at != std::string::npos; at = log.find(wanted, at + 1))
        ++found;
    return found;
}

/// Lets the loop run until it is so; the test as a whole has a limit.
inline asio::awaitable<void> until(std::function<bool()> holds)
{
    while (!holds())
        co_await settle(1);
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
