// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database.hpp>
#include <tradecore/observe/metrics.hpp>

#include <string>

namespace tradecore {

/// Writes what a database has to tell: its pool, its circuit breaker, its statements. `docs/metrics.md` lists all.
///
/// Nothing is kept for this while statements run: the figures are read when it is called.
/// Thread safety: as of the database: call it on the thread that the database runs on; with `threads::several` on any.
void write_metrics(observe::metrics& into, const database& of);

/// Writes what all databases have to tell that were ever opened by `init_all`, `init_db_pool` or `init_database`.
/// Thread safety: as of the databases.
void write_metrics(observe::metrics& into);

/// @returns the figures of all databases that were ever opened, in Prometheus' text format, for an HTTP endpoint with
///          `observe::metrics::content_type`.
/// Thread safety: as of the databases.
[[nodiscard]] std::string metrics_text();

} // namespace tradecore
