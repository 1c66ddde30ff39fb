// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event_store.hpp>
#include <tradecore/projection/options.hpp>
#include <tradecore/projection/outcome.hpp>
#include <tradecore/projection/projector.hpp>

#include <boost/asio/awaitable.hpp>

namespace tradecore::projection {

/// Forgets a projector's cursors, checkpoint and parked streams, and applies the whole log again. The
/// caller has emptied the read tables, and nobody else is applying to them.
/// @returns what was done; `applied` is the number of events.
/// @throws as `engine::catch_up`. The epoch becomes the store's present one. When it ends with an error
///         or is cancelled, the read tables are incomplete: empty them and call again.
[[nodiscard]] boost::asio::awaitable<engine_stats>
rebuild(events::event_store& store, database& read, projector& what, options how = {});

/// Sets the checkpoint back to the beginning but keeps the streams' cursors, and delivers every event
/// again. `applied` is then 0 unless events had been missing.
/// @returns what was done.
/// @throws as `engine::catch_up`.
[[nodiscard]] boost::asio::awaitable<engine_stats>
redeliver(events::event_store& store, database& read, projector& what, options how = {});

} // namespace tradecore::projection
