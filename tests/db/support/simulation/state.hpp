// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/repeated_call.hpp"
#include "db/support/call_faults.hpp"

#include <tradecore/db/pool_state.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace tradecore::test {

using detail::repeated_call;
using resilience::circuit_breaker;
using resilience::time_point;
using slot = pool_state::slot;
using ticket = pool_state::ticket;

enum class server_mood { well, colliding, troubled, away, silent };
enum class caller_state { waiting, executing, pausing };
enum class connection_use { none, idle, lent, checked, cleaned };

/// What is called, and what the caller says of it.
struct call_kind {
    bool is_transaction = false;
    bool idempotent = false;
    bool reads = false;
    bool in_parts = false;
    bool is_used_up = false;
    bool writes_outside = false;
    bool wants_locks = false;
    std::optional<std::chrono::milliseconds> limit{};
};

/// Who calls the database, or its prober in the background.
struct caller {
    explicit caller(std::uint64_t number) : id(number) {}
    [[nodiscard]] bool is_probe() const { return by && by.is_probe(); }

    std::uint64_t id;
    call_kind kind{};
    std::unique_ptr<repeated_call> call; // null for the prober
    circuit_breaker::permit by;
    std::size_t closings = 0; // of the breaker, when it began
    caller_state where = caller_state::waiting;
    // waiting
    std::optional<ticket> place;
    time_point until;
    std::optional<slot> granted;
    const fault_row* refused = nullptr;
    // executing, pausing
    slot on = 0;
    time_point limit = time_point::max();
    // the truth
    int failures = 0;
    int outages = 0;
    int conflicts = 0;
    int effects = 0;
    int outside = 0;
    int sent = 0;
    bool has_used_once = false;
};

/// A connection the pool has, in the place with its number.
struct connection {
    connection_use how = connection_use::none;
    bool open = false;
    time_point since{};
    time_point heard{};
    time_point used{};
    bool is_unwanted = false;
};

/// One that is being made.
struct connect {
    time_point began;
    bool is_unwanted = false;
};

} // namespace tradecore::test
