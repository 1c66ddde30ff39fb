// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/metrics.hpp>
#include <tradecore/projection/outcome.hpp>

#include <string_view>

namespace tradecore::projection {

class projections;

/// Writes what projections have to tell: how far they are behind, and what failed. `docs/metrics.md` lists all.
///
/// Nothing is kept for this: the figures are read when it is called. Thread safety: as of the projections.
void write_metrics(observe::metrics& into, const projections& of);
/// The same of one.
/// @param name the projector's.
void write_metrics(observe::metrics& into, std::string_view name, const engine_stats& of);

} // namespace tradecore::projection
