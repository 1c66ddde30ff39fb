// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    /// How often the outermost body may run in all when the server reports a serialization failure
    /// (40001) or a deadlock (40P01).
    int max_attempts = 5;
    /// Limit over everything: waiting for a connection, all attempts, COMMIT. What has been committed
    /// when it passes is reported as committed.
    std::optional<std::chrono::milliseconds> timeout{};
    /// Where it is begun, for logs; `database::transaction` puts its caller's place here when there is none.
    std::source_location where{};
};

} // namespace tradecore
