// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tradecore::detail {

/// @returns how many times this process came into being by fork from one that had asked before; 0 in the first.
/// Costs one load. Thread safety: any.
[[nodiscard]] unsigned fork_count() noexcept;

} // namespace tradecore::detail
