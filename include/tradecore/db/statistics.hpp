// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/latency_histogram.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tradecore {

/// What has been counted of one statement since its database was made.
struct statement_statistics {
    /// The name its calls have (`call_options::name`); empty when they have none, and then the SQL tells it apart.
    std::string name{};
    /// Its text, the first 8 KiB of it; of several under one name, the first. "(batch)" for all batches without a name.
    std::string sql{};
    /// How often it was sent, failures included; `execute_many` is one call.
    std::uint64_t calls = 0;
    /// How many rows came back, or were affected when none do; 0 for scripts.
    std::uint64_t rows = 0;
    std::uint64_t errors = 0;
    /// From sending to the end of the answer: waiting for a connection is not in it.
    observe::latency_histogram latency{};
};

/// What has been counted of one pool.
struct pool_statistics {
    /// How long callers waited that got a connection; 0 when one was free.
    observe::latency_histogram acquire{};
    /// Callers that got none in time, by the reason: the others kept theirs, connecting failed, it was suspended.
    std::uint64_t timeouts_busy = 0;
    std::uint64_t timeouts_cannot_connect = 0;
    std::uint64_t timeouts_suspended = 0;
    /// Statements that were sent behind others on a connection, and how many of them went elsewhere because one before
    /// them took longer than expected.
    std::uint64_t shared = 0;
    std::uint64_t sent_away = 0;
    std::uint64_t connects = 0;
    std::uint64_t connect_failures = 0;
};

/// What has been counted of one circuit breaker.
struct breaker_statistics {
    /// How often it has come into each state.
    std::uint64_t opened = 0;
    std::uint64_t half_opened = 0;
    std::uint64_t closed = 0;
    /// Calls that were answered with `circuit_open`.
    std::uint64_t refused = 0;
    std::uint64_t background_probes = 0;
    std::uint64_t caller_probes = 0;
};

/// What has been counted of the repetitions of one database's calls.
struct retry_statistics {
    /// Attempts that were made again, by what had gone wrong: the database was away or unwell, or the work collided
    /// with other work (deadlock, serialization).
    std::uint64_t after_outages = 0;
    std::uint64_t after_conflicts = 0;
    /// Calls that could have been repeated and were not, by the reason.
    std::uint64_t stopped_by_attempts = 0;
    std::uint64_t stopped_by_deadline = 0;
    std::uint64_t stopped_by_budget = 0;
};

/// What has been counted of one database.
struct database_statistics {
    /// In the order they were met in.
    std::vector<statement_statistics> statements{};
    /// All that was met when there were `database_options::counted_statements` already, and SQL made at run time,
    /// without a name, when half of them were such.
    statement_statistics others{};
    pool_statistics pool{};
    retry_statistics retries{};
    /// Nothing when there is no circuit breaker.
    std::optional<breaker_statistics> breaker{};
};

} // namespace tradecore
