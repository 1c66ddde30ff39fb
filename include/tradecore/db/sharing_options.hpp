// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>

namespace tradecore {

/// When statements of several callers share a connection and its round trips.
///
/// While a connection is free, or may still be made, a statement gets one to itself. When all are busy, single
/// statements outside of transactions are sent behind each other, each with its own Sync: each keeps its own result,
/// error, time limit and repetitions. Only statements that read (`pg::only_reads`) share, and those that were declared
/// idempotent and have no time limit of their own, because one lost connection leaves open what became of every
/// unanswered one, and a write that is given up in line may still be run. Nobody overtakes who waits for a connection
/// of its own.
///
/// A connection that is lost is one failure to the retry budget, however many shared it, and each of them is repeated
/// on a connection of its own: a statement that ends its session takes its neighbours with it once only.
struct sharing_options {
    bool enabled = true;
    /// How many statements may be under way on one connection.
    std::size_t window = 64;
    /// A statement is sent behind others only when they are expected to be answered within this time, as their texts
    /// were before; one behind a statement that takes longer than expected is given its place in line back after this
    /// time (and a round trip), and gets a connection to itself. More than 0.
    std::chrono::milliseconds patience{20};

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

} // namespace tradecore
