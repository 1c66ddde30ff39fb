// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/timestamp.hpp"

#include <boost/describe.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tradecore::app::domain {

enum class side { buy, sell };
BOOST_DESCRIBE_ENUM(side, buy, sell)

enum class order_type { market, limit };
BOOST_DESCRIBE_ENUM(order_type, market, limit)

/// What: where an order stands; `none` before it is placed.
enum class order_status { none, open, filled, cancelled, rejected };
BOOST_DESCRIBE_ENUM(order_status, none, open, filled, cancelled, rejected)

std::string_view to_text(side value);
std::string_view to_text(order_type value);
std::string_view to_text(order_status value);

/// What: one line of the ledger: what an account gains (or, negative, loses) of an asset.
struct leg {
    std::string account; ///< an account's id, or `house_account`, or `fees_account`
    std::string asset;   ///< a currency or a symbol
    domain::amount amount;

    bool operator==(const leg&) const = default;
};
BOOST_DESCRIBE_STRUCT(leg, (), (account, asset, amount))

/// What: the counterparty of every fill.
inline constexpr std::string_view house_account = "house";
/// What: where fees go.
inline constexpr std::string_view fees_account = "fees";

/// What: the terms of one fill.
struct fill_terms {
    domain::side side = domain::side::buy;
    std::string symbol;
    domain::quantity quantity;
    money notional;
    money fee;
};

/// What: the legs of a fill; they sum to zero for each asset.
///   Buy: trader −(notional + fee) and +quantity. Sell: trader +(notional − fee) and −quantity.
/// Errors: amount_overflow.
std::vector<leg> legs_of(std::string_view trader_account, std::string_view currency, const fill_terms& fill);

} // namespace tradecore::app::domain
