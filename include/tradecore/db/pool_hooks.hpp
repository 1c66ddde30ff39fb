// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>

namespace tradecore {

class physical_connection;

/// What a program does to each connection of a pool. All are called on the pool's executor; empty ones do nothing.
///
/// The synchronous ones stand in the way of every caller: they look, and wait for nothing. None may use the pool.
struct pool_hooks {
    /// After a connection is made, before it serves for the first time, and again after its session was reset
    /// (`altered_session::reset`): the place for `SET`. What it throws is the failure of the connect; so is a
    /// transaction that it leaves open.
    std::function<boost::asio::awaitable<void>(physical_connection&)> on_connect{};
    /// How long `on_connect` may take before the connection is closed.
    std::chrono::milliseconds on_connect_timeout{10'000};
    /// Before a connection is lent. False, or an exception, closes it and takes another one.
    std::function<bool(physical_connection&)> on_acquire{};
    /// After a connection came back and was cleaned. False, or an exception, closes it.
    std::function<bool(physical_connection&)> on_release{};
};

} // namespace tradecore
