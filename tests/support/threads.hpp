// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/wake_up.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
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

/// Something that runs on a strand and can be cancelled from any thread.
struct line {
    explicit line(const boost::asio::any_io_executor& on) : strand(boost::asio::make_strand(on)) {}
    boost::asio::strand<boost::asio::any_io_executor> strand;
    boost::asio::cancellation_signal cancel;
};

/// Work that runs beside a coroutine on any threads, and is waited for once.
class beside {
public:
    /// Starts work on `executor`; what it throws is handed to `failed`.
    template <class Executor, class Failed>
    void start(const Executor& executor, boost::asio::awaitable<void> work, Failed failed)
    {
        ++running_;
        boost::asio::co_spawn(executor, std::move(work), [this, failed](const std::exception_ptr& error) {
            if (error)
                failed(error);
            one_less();
        });
    }
    /// Waits until all of it has ended; nothing may be started afterwards.
    boost::asio::awaitable<void> join()
    {
        one_less();
        return detail::wake_up::wait(over_, {});
    }

private:
    void one_less()
    {
        const auto over = over_; // whoever waits may go on, and end this
        if (--running_ == 0)
            over->wake();
    }

    std::atomic<int> running_ = 1;
    std::shared_ptr<detail::wake_up> over_ = std::make_shared<detail::wake_up>();
};

} // namespace tradecore::test
