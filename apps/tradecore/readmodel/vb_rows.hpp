// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/events.hpp"

#include <boost/json/value.hpp>

/// The rows of the broker's read tables (database/tradecore_vb.sql): each member is a column.
namespace tradecore::app::readmodel {

using domain::money;
using domain::price;
using domain::timestamp;
using domain::uuid;

struct vb_account_row {
    static constexpr std::string_view table = "vb_accounts";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid connection_id{};
    std::string currency;
    money cash;
    money deposited;
    money fees_paid;
    std::int64_t fills = 0;
    boost::json::value holdings; ///< an object: symbol to quantity as decimal text
    timestamp created_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    vb_account_row, (),
    (id, connection_id, currency, cash, deposited, fees_paid, fills, holdings, created_at, updated_at))

struct vb_order_row {
    static constexpr std::string_view table = "vb_orders";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid client_order_id{};
    uuid account_id{};
    std::string symbol;
    std::string side;
    std::string type;
    std::string status;
    domain::quantity quantity;
    std::optional<price> limit_price;
    money reserve;
    domain::quantity filled;
    domain::quantity remaining;
    money notional;
    money fees;
    std::int64_t fills = 0;
    std::int64_t placed_tick = 0;
    std::optional<std::string> reason;
    timestamp created_at;
    timestamp updated_at;
    std::optional<timestamp> closed_at;
};
BOOST_DESCRIBE_STRUCT(
    vb_order_row, (),
    (id, client_order_id, account_id, symbol, side, type, status, quantity, limit_price, reserve, filled, remaining,
     notional, fees, fills, placed_tick, reason, created_at, updated_at, closed_at))

struct vb_fill_row {
    static constexpr std::string_view table = "vb_fills";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid order_id{};
    uuid client_order_id{};
    uuid account_id{};
    std::string symbol;
    std::string side;
    std::int64_t tick = 0;
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    timestamp occurred_at;
};
BOOST_DESCRIBE_STRUCT(
    vb_fill_row, (),
    (id, order_id, client_order_id, account_id, symbol, side, tick, price, quantity, notional, fee, occurred_at))

} // namespace tradecore::app::readmodel
