// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event_store.hpp>
#include <tradecore/pg/result.hpp>

#include <vector>

namespace tradecore::events {

/// The events of a result with the columns position, stream_id, version, event_id, type, schema_ver, data, meta,
/// recorded_at.
///
/// The JSON of all of them lies in one arena that lives as long as any of them: reading a log is mostly parsing, and
/// parsing into an arena costs a few allocations for a batch instead of dozens for an event.
/// @param wanted says which types get their data and meta; those of others stay null. Empty: all.
/// @param count how many of the rows, from the first on.
/// @throws pg::type_error when a column is not what it should be.
[[nodiscard]] std::vector<recorded_event>
read_events(const pg::result& rows, const type_filter& wanted, std::size_t count);
/// The same for all rows, complete.
[[nodiscard]] std::vector<recorded_event> read_events(const pg::result& rows);

} // namespace tradecore::events
