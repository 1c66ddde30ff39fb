// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tradecore::bench {

/// @returns how often this program has asked for memory: `malloc` and its kin, and with them `operator new`, what Asio
///          keeps coroutines in, and exceptions.
[[nodiscard]] std::uint64_t allocations() noexcept;

} // namespace tradecore::bench
