// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/arguments.hpp"
#include "common/meter.hpp"
#include "common/workload.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

namespace tradecore::bench {

/// Starts a coroutine whose exception ends the program with its message.
inline void start(boost::asio::io_context& loop, boost::asio::awaitable<void> work)
{
    boost::asio::co_spawn(loop, std::move(work), [](const std::exception_ptr& thrown) {
        if (!thrown)
            return;
        try {
            std::rethrow_exception(thrown);
        }
        catch (const std::exception& problem) {
            std::fprintf(stderr, "tradecore: %s\n", problem.what());
            std::exit(1);
        }
    });
}

/// What all callers of the point workload share.
struct point_run {
    explicit point_run(const arguments& given) : count(given), accounts(given.seed) {}

    meter count;
    account_ids accounts;
};

/// Asks for one account after the other until it is over, and stops the loop then.
template <class Session>
boost::asio::awaitable<void>
ask_for_accounts(std::shared_ptr<Session> on, std::shared_ptr<point_run> run, boost::asio::io_context& loop)
{
    do {
        const auto balance =
            co_await on->template fetchval<std::int32_t>(TRADECORE_BENCH_POINT_SQL, run->accounts.next());
        run->count.use(static_cast<std::uint64_t>(balance));
    } while (run->count.count());
    loop.stop();
}

} // namespace tradecore::bench
