// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "market/price_series.hpp"

#include <cstdint>

namespace tradecore::app::market {

/// What: the symbol of generated prices, so that nobody takes them for real ones.
inline constexpr std::string_view sample_symbol = "SAMPLE-PERP";

/// What: one tick a minute from 2022-01-01T00:00:00Z, a random walk from 40000 in steps of at most 0.2 %, in multiples
/// of
///   0.5, with a spread of 0.5 to 2. Integers only: the same on every machine.
/// Params: `seed`, and the number of ticks.
price_series make_sample(std::uint64_t seed, std::size_t ticks);

} // namespace tradecore::app::market
