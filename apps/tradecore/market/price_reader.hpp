// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "market/price_series.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>

namespace tradecore::app::market {

/// What: a price file that cannot be used; `what()` is "file:line: reason", or "file: reason" for the whole file.
class price_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: reads prices from CSV text with a header. Columns, in any order and case:
///   timestamp     ISO 8601, UTC where it has no zone (see domain::parse_timestamp), rising strictly for each symbol
///   bid and ask   or close, or price: positive decimals, at most 8 after the point; bid <= ask. With bid and ask,
///   close
///                 or price may be there too and is what holdings are valued at
///   symbol        optional; of several symbols one must be chosen
///   Other columns are passed over. Every line is checked, those of other symbols too.
/// Params: `file` names the text in errors; `symbol` is the one to take. A text without a symbol column takes `symbol`,
///   or else the name of the file in capitals ("btc-perp.csv": BTC-PERP), as its symbol.
/// Errors: price_error for the first thing that is wrong.
/// Thread safety: any thread.
price_series parse_prices(
    std::string_view text, const std::filesystem::path& file, const std::optional<std::string>& symbol = std::nullopt);

/// What: as parse_prices, from a file. Errors: price_error, also when the file cannot be read.
price_series read_prices(const std::filesystem::path& file, const std::optional<std::string>& symbol = std::nullopt);

} // namespace tradecore::app::market
