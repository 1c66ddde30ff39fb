// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <functional>

namespace tradecore::test {

namespace asio = boost::asio;

/// What a step-by-step test works in: made anew for every step.
struct stepped {
    asio::io_context& context;
    asio::cancellation_signal cancel;
    bool ended = false;
    std::exception_ptr error;

    void start(asio::awaitable<void> work)
    {
        context.restart(); // it stops whenever it runs out of work
        asio::co_spawn(
            context, std::move(work), asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr thrown) {
                ended = true;
                error = std::move(thrown);
            }));
    }
    /// @returns whether the work was still going on after so many turns of the loop.
    bool turn(int times)
    {
        for (int i = 0; i < times && !ended; ++i)
            context.run_one();
        return !ended;
    }
    void finish()
    {
        while (!ended && context.run_one() > 0) {
        }
    }
};

} // namespace tradecore::test
