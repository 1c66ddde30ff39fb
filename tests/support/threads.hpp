// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace tradecore::test {

/// Runs an event loop on several threads until it has nothing left to do.
inline void run_on_threads(boost::asio::io_context& context, std::size_t threads)
{
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < threads; ++i)
        all.emplace_back([&context] { context.run(); });
}

/// Runs the coroutine that `body` makes on an event loop of its own that four threads run, until nothing is left to do,
/// and throws what it threw.
template <class Body>
void run_on_threads(Body body)
{
    boost::asio::io_context context;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, body(context), [&failure](const std::exception_ptr& thrown) { failure = thrown; });
    run_on_threads(context, 4);
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace tradecore::test
