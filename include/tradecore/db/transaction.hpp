// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/retry.hpp>

#include <chrono>
#include <optional>
#include <source_location>
#include <string_view>

namespace tradecore {

enum class isolation_level { read_committed, repeatable_read, serializable };

/// How a transaction runs. Isolation, access mode and deferrable belong to the outermost level: a nested
/// transaction is a savepoint and may only repeat what the outermost has.
struct transaction_options {
    /// The server's default when not set.
    std::optional<isolation_level> isolation{};
    bool read_only = false;
    /// With `serializable` and `read_only`: waits for a snapshot that cannot fail.
    bool deferrable = false;
    /// For logs and messages; must outlive the call (a literal does).
    std::string_view name{};
    /// How often the outermost body may run in all, whatever makes it fail; 1 never repeats it. When not set, what the
    /// policies say: 5 times for serialization failures (40001) and deadlocks (40P01), 3 times for outages. More than
    /// the policy's are made for conflicts only.
    std::optional<int> max_attempts{};
    /// Instead of `database_options::retries`.
    std::optional<resilience::retry_policies> retries{};
    /// Running the body twice is as good as once, with everything it does outside of the transaction too. Then it is
    /// also repeated when it may have been committed, when it wrote outside, and when it took too long.
    bool idempotent = false;
    /// A lock that was not to be had in time (55P03, `lock_timeout` or NOWAIT) is a conflict like others.
    bool repeat_lock_timeouts = false;
    /// Limit over everything: waiting for a connection, all attempts, COMMIT. What has been committed
    /// when it passes is reported as committed.
    std::optional<std::chrono::milliseconds> timeout{};
    /// Where it is begun, for logs; `database::transaction` puts its caller's place here when there is none.
    std::source_location where{};
};

} // namespace tradecore
