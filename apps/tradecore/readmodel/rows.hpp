// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/events.hpp"

#include <boost/json/value.hpp>

/// The rows of the main system's read tables (database/tradecore.sql): each member is a column.
namespace tradecore::app::readmodel {

using domain::money;
using domain::price;
using domain::timestamp;
using domain::uuid;

struct user_account_row {
    static constexpr std::string_view table = "user_accounts";
    static constexpr std::string_view key = "account_id";
    uuid account_id{};
    uuid user_id{};
};
BOOST_DESCRIBE_STRUCT(user_account_row, (), (account_id, user_id))

struct user_row {
    static constexpr std::string_view table = "users";
    static constexpr std::string_view key = "id";
    uuid id{};
    std::optional<std::string> email;
    std::optional<std::string> first_name;
    std::optional<std::string> last_name;
    std::string status;
    std::int64_t total_orders = 0;
    money total_spent;
    std::optional<timestamp> last_order_at;
    std::optional<timestamp> created_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    user_row, (),
    (id, email, first_name, last_name, status, total_orders, total_spent, last_order_at, created_at, updated_at))

struct account_row {
    static constexpr std::string_view table = "accounts";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid user_id{};
    std::string currency;
    money cash_free;
    money cash_reserved;
    money deposited;
    money fees_paid;
    std::int64_t fills = 0;
    timestamp created_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    account_row, (),
    (id, user_id, currency, cash_free, cash_reserved, deposited, fees_paid, fills, created_at, updated_at))

struct connection_row {
    static constexpr std::string_view table = "broker_connections";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid user_id{};
    uuid account_id{};
    std::string broker;
    std::string status;
    std::optional<uuid> broker_account_id;
    std::optional<timestamp> activated_at;
    timestamp created_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    connection_row, (),
    (id, user_id, account_id, broker, status, broker_account_id, activated_at, created_at, updated_at))

struct order_row {
    static constexpr std::string_view table = "orders";
    static constexpr std::string_view key = "id";
    uuid id{};
    uuid user_id{};
    uuid account_id{};
    uuid connection_id{};
    std::string symbol;
    std::string side;
    std::string type;
    std::string status;
    domain::quantity quantity;
    std::optional<price> limit_price;
    domain::quantity filled;
    domain::quantity remaining;
    money notional;
    money fees;
    std::optional<price> average_price;
    std::int64_t fills = 0;
    std::optional<std::string> reason;
    timestamp created_at;
    timestamp updated_at;
    std::optional<timestamp> cancel_requested_at;
    std::optional<timestamp> last_fill_at;
    std::optional<timestamp> closed_at;
    boost::json::value data;
};
BOOST_DESCRIBE_STRUCT(
    order_row, (),
    (id, user_id, account_id, connection_id, symbol, side, type, status, quantity, limit_price, filled, remaining,
     notional, fees, average_price, fills, reason, created_at, updated_at, cancel_requested_at, last_fill_at, closed_at,
     data))

struct position_row {
    static constexpr std::string_view table = "positions";
    static constexpr std::string_view key = "account_id, symbol";
    uuid account_id{};
    std::string symbol;
    uuid user_id{};
    domain::quantity quantity;
    money cost;
    price average_cost;
    money realised;
    price last_price;
    money market_value;
    money unrealised;
    std::int64_t fills = 0;
    timestamp opened_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    position_row, (),
    (account_id, symbol, user_id, quantity, cost, average_cost, realised, last_price, market_value, unrealised, fills,
     opened_at, updated_at))

struct portfolio_row {
    static constexpr std::string_view table = "portfolios";
    static constexpr std::string_view key = "account_id";
    uuid account_id{};
    uuid user_id{};
    std::string currency;
    money cash;
    money deposited;
    money market_value;
    money total_value;
    money realised;
    timestamp created_at;
    timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(
    portfolio_row, (),
    (account_id, user_id, currency, cash, deposited, market_value, total_value, realised, created_at, updated_at))

struct audit_row {
    static constexpr std::string_view table = "audit_log";
    static constexpr std::string_view key = "event_id";
    uuid event_id{};
    std::string stream;
    std::int64_t version = 0;
    std::string type;
    timestamp occurred_at;
    boost::json::value data;
};
BOOST_DESCRIBE_STRUCT(audit_row, (), (event_id, stream, version, type, occurred_at, data))

} // namespace tradecore::app::readmodel
