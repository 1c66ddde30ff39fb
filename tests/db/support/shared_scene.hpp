// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_database.hpp"
#include "db/support/queue_server.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace tradecore::test {

/// A database with that many connections, and callers who note what becomes of their calls.
struct scene {
    queue_server server{};
    database main;
    asio::any_io_executor executor;
    std::string said{};
    int ended = 0;

    scene(asio::any_io_executor on, const database_options& options)
        : main(on, options, server.make_connector()), executor(std::move(on))
    {}

    static asio::awaitable<void> one(scene& of, std::string sql, pg::call_options options)
    {
        const auto error = co_await error_of(of.main.with(options).execute(runtime_sql(sql)));
        of.said += sql + (error ? ":" + what_of(error) : "") + ";";
        ++of.ended;
    }
    void call(std::string sql, pg::call_options options = {}, asio::cancellation_signal* cancelled = nullptr)
    {
        auto work = one(*this, std::move(sql), options);
        if (cancelled != nullptr)
            asio::co_spawn(
                executor, std::move(work),
                asio::bind_cancellation_slot(cancelled->slot(), [](const std::exception_ptr&) {}));
        else
            asio::co_spawn(executor, std::move(work), [](const std::exception_ptr&) {});
    }
    static asio::awaitable<void> transact(scene& of, gate& until)
    {
        co_await of.main.transaction([&]() -> asio::awaitable<void> {
            of.said += "inside;";
            (void)co_await until.wait();
        });
        of.said += "done;";
        ++of.ended;
    }
};

/// @returns options of a database that has all its connections from the beginning and repeats nothing.
inline database_options patient(std::size_t maximum)
{
    auto options = quiet_options(maximum);
    options.pool.minimum = maximum;
    // These tests decide themselves when something takes long.
    options.pool.sharing.patience = std::chrono::hours(1);
    options.retries.outage.max_attempts = 1;
    return options;
}

/// Runs `body(scene&)`.
template <class F>
void with_scene(const database_options& options, F body)
{
    run([&]() -> asio::awaitable<void> {
        scene on(co_await asio::this_coro::executor, options);
        co_await on.main.open();
        co_await body(on);
        co_await on.main.close(std::chrono::seconds(1));
    });
}

} // namespace tradecore::test
