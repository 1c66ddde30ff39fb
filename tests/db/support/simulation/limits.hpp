// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/time.hpp>

#include <chrono>

namespace tradecore::test {

using namespace std::chrono_literals;

constexpr resilience::time_point start{std::chrono::hours(1)};
constexpr auto connect_timeout = 1s;
constexpr auto command_timeout = 3s;
/// How late an event may be noticed on a busy machine.
constexpr auto greatest_delay = 500ms;
/// Of the budget's window, the part that is surely looked at, and the whole.
constexpr auto sure_window = 9s;
constexpr auto whole_window = 10s;

} // namespace tradecore::test
