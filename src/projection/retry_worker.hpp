// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/engine_state.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>

namespace tradecore::projection {

/// Tries one parked stream that is due: locks its row, reads to its head, applies everything. What
/// comes before an event that fails is kept.
/// @returns false when none is due.
/// @throws what is not the events' fault.
[[nodiscard]] boost::asio::awaitable<bool> retry_one(std::shared_ptr<engine_state> self);

/// Retries until `stop`.
[[nodiscard]] boost::asio::awaitable<void> run_retries(std::shared_ptr<engine_state> self, std::uint64_t generation);
/// Retries until no stream is parked.
/// @throws the error of an outage that does not end.
[[nodiscard]] boost::asio::awaitable<void> finish_retries(std::shared_ptr<engine_state> self);

} // namespace tradecore::projection
