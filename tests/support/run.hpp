// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

namespace tradecore::test {

/// Runs the coroutine that `body` makes on an event loop of its own, until it has ended, and throws what
/// it threw. Whatever it left suspended is destroyed with the loop.
template <class Body>
void run(Body body)
{
    boost::asio::io_context context(1);
    std::exception_ptr failure;
    boost::asio::co_spawn(context, body(), [&](const std::exception_ptr& thrown) {
        failure = thrown;
        context.stop();
    });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace tradecore::test
