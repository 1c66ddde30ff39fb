// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace tradecore::projection {

struct sync_outcome;

/// How long to wait before trying again: `base` doubled with every attempt up to `cap`, of which a
/// random part between half and all is taken.
struct backoff_policy {
    std::chrono::milliseconds base{100};
    std::chrono::milliseconds cap{30'000};
};

/// How an engine works; the defaults suit a trading back end.
struct options {
    /// Name of the event store in the cursors. Another store needs another name.
    std::string source = "main";
    /// The longest a caller waits for the SYNC path.
    std::chrono::milliseconds sync_budget{2'000};
    /// The longest a caller waits after that for the stream to be marked as parked.
    std::chrono::milliseconds park_budget{250};
    /// The server's limit for each statement of workers.
    std::chrono::milliseconds statement_limit{30'000};
    /// Batches begin at `min_batch` events and grow while they take less than `batch_target`.
    std::size_t min_batch = 100;
    std::size_t max_batch = 5'000;
    std::chrono::milliseconds batch_target{200};
    /// How long a worker lets events gather after a batch below `min_batch`: a transaction for every append would cost
    /// the server more than the appends themselves.
    std::chrono::milliseconds linger{50};
    /// Failed tries of one event before its stream is given up.
    int max_attempts = 8;
    /// More streams than this failing in one batch stop the worker instead of being parked.
    std::size_t max_parked_per_batch = 100;
    /// Between tries of a parked stream.
    backoff_policy retry{.base = std::chrono::milliseconds{100}, .cap = std::chrono::milliseconds{30'000}};
    /// Between tries while the infrastructure fails.
    backoff_policy outage{.base = std::chrono::milliseconds{50}, .cap = std::chrono::milliseconds{5'000}};
    /// The longest a worker rests without looking at the store or at what is due.
    std::chrono::milliseconds idle_poll{1'000};
    /// Called after each SYNC call with how long the caller waited; must not throw.
    std::function<void(std::chrono::nanoseconds waited, const sync_outcome& outcome)> on_sync{};
};

} // namespace tradecore::projection
