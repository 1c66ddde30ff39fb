// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/money.hpp"
#include "domain/timestamp.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tradecore::app::market {

/// What: the prices at one time. Where a file has only a close, bid and ask are the close.
struct tick {
    domain::timestamp time;
    domain::price bid;
    domain::price ask;
    domain::price mark; ///< what a holding is valued at: the close where the file has one, else the bid

    bool operator==(const tick&) const = default;
};

/// What: the prices of one symbol, in rising order of time, never empty when read or generated.
struct price_series {
    std::string symbol;
    std::vector<tick> ticks;
    std::string digest; ///< 32 hexadecimal digits over symbol and ticks; tells whether two runs saw the same prices

    bool operator==(const price_series&) const = default;
};

/// What: the digest of a series: equal for equal content, whatever file it came from. It finds mistakes, not forgers.
/// Source: FNV-1a, 128 bits (Fowler, Noll, Vo).
std::string digest_of(std::string_view symbol, const std::vector<tick>& ticks);

/// What: whether the text can be a symbol: 1 to 32 of A-Z a-z 0-9 . _ : / -
bool is_symbol(std::string_view text);

/// What: the series as CSV with the columns timestamp,symbol,bid,ask,close; reading it gives the series again.
std::string to_csv(const price_series& series);

} // namespace tradecore::app::market
