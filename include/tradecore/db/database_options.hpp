// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_options.hpp>
#include <tradecore/db/standby_options.hpp>
#include <tradecore/pg/connect_options.hpp>
#include <tradecore/resilience/breaker_options.hpp>
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace tradecore {

namespace observe {
class tracer;
} // namespace observe

/// Which threads a database is used from.
enum class threads {
    /// One: the thread that runs its executor, or the only coroutine at a time that a strand lets run. Nothing is
    /// locked, and nothing moves between executors.
    one,
    /// Any number. The database lives on a strand of its executor; calls go there, and their answers back to where they
    /// were made. See `docs/threads.md`.
    several,
};

/// How the server is told which trace its work belongs to. Only of spans that are recorded, in traces that are sampled.
/// See `docs/tracing.md`.
enum class trace_propagation {
    none,
    /// A transaction sets its `application_name` to its `traceparent`, for as long as it lasts, in the round trip of
    /// its first statement. Statements that are not in a transaction say nothing.
    application_name,
    /// Each statement, also outside of transactions, has a comment at its end, as sqlcommenter writes it, with the
    /// `traceparent` of its own span. The server parses and plans it with each call.
    sql_comment,
};

/// One database: where it is, how it is pooled, what is said about it in the log.
struct database_options {
    /// For logs, messages and metrics.
    std::string name = "main";
    /// Which threads call it.
    threads used_by = threads::one;
    pg::connect_options connect{};
    pool_options pool{.minimum = 20, .maximum = 100};
    /// Where `database::read` reads when the primary need not be asked.
    standby_options standbys{};
    /// How long a statement may run; the server's `statement_timeout`, and a little later the client's
    /// own limit, after which the connection is closed. 0 means no limit.
    std::chrono::milliseconds command_timeout{60'000};
    /// How long ROLLBACK may take before the connection is closed instead.
    std::chrono::milliseconds rollback_timeout{5'000};

    /// How long is found out whether a transaction was committed whose COMMIT was sent and never answered, on another
    /// connection; a transaction's own limit may end it earlier. What is not known then is reported as
    /// `commit_unknown`. 0 never finds out, and asks no connection for what that would take.
    std::chrono::milliseconds commit_resolution{10'000};

    /// Whether callers are refused at once, with `circuit_open`, while the database fails; and when that is. Only
    /// failures of the database count, never what a statement itself did wrong.
    bool breaker_enabled = true;
    resilience::breaker_options breaker{};

    /// How often calls are tried, and how long the pauses are, after outages and after conflicts with other
    /// transactions; `max_attempts = 1` never repeats. Only what has left nothing behind is repeated, or was declared
    /// idempotent. A call's time limit holds for all its attempts; each waits for a connection anew.
    resilience::retry_policies retries{};
    /// How many repetitions after outages all callers may make together.
    resilience::retry_budget_options retry_budget{};

    /// A statement that takes longer is logged; 0 never.
    std::chrono::milliseconds slow_query{1'000};
    /// A transaction that takes longer is logged; 0 never.
    std::chrono::milliseconds long_transaction{2'000};
    /// A transaction that runs one statement so often, for one row each time, is logged at its end: that is a loop
    /// which one command could do. 0 never.
    std::size_t statement_loop = 50;
    /// How many different statements `database::statistics` keeps apart; what comes later is counted together. 0
    /// counts none.
    std::size_t counted_statements = 200;
    /// Whether the log of slow queries has the arguments, which may be confidential.
    bool log_arguments = true;
    /// Where SQL, and where all arguments together, are cut in the log; bytes.
    std::size_t logged_sql_length = 1'000;
    std::size_t logged_arguments_length = 500;

    /// Is given the spans of calls, transactions and waits; null, as it is, costs a branch. `db/trace.hpp` says which
    /// trace they are in.
    std::shared_ptr<observe::tracer> tracer{};
    /// Whether, and how, the server is told of the trace; nothing without a `tracer`.
    trace_propagation propagate_trace = trace_propagation::none;
};

} // namespace tradecore
