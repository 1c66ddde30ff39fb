// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/random_source.hpp>
#include <tradecore/resilience/time.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>

namespace tradecore {

/// Where the retries and the circuit breaker of a database have time and chance from: the real ones, unless a test
/// gives others. What is empty is the real one.
///
/// A clock that stands still or runs ahead will do; one that is behind the real one will not, since time limits of the
/// pool and of statements are measured for real.
struct time_source {
    /// Must not throw.
    std::function<resilience::time_point()> now{};
    resilience::random_source random{};
    /// Waits between two attempts; holds no connection meanwhile. Cancellation: any kind that the caller has.
    std::function<boost::asio::awaitable<void>(resilience::duration)> pause{};
};

} // namespace tradecore
