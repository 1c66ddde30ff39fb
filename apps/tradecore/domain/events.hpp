// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/types.hpp"

#include <cstdint>
#include <optional>
#include <variant>

/// The events of the main system. A struct's `event_type` is the name it is stored under, its members are the fields of
/// its JSON. `occurred_at` is the time of the tick that caused it.
namespace tradecore::app::domain {

struct user_created {
    static constexpr std::string_view event_type = "UserCreated";
    static constexpr int schema_version = 1;
    uuid user_id{};
    std::string email;
    std::string first_name;
    std::string last_name;
    timestamp occurred_at;
    bool operator==(const user_created&) const = default;
};
BOOST_DESCRIBE_STRUCT(user_created, (), (user_id, email, first_name, last_name, occurred_at))

struct account_created {
    static constexpr std::string_view event_type = "AccountCreated";
    static constexpr int schema_version = 1;
    uuid account_id{};
    uuid user_id{};
    std::string currency;
    timestamp occurred_at;
    bool operator==(const account_created&) const = default;
};
BOOST_DESCRIBE_STRUCT(account_created, (), (account_id, user_id, currency, occurred_at))

struct funds_deposited {
    static constexpr std::string_view event_type = "FundsDeposited";
    static constexpr int schema_version = 1;
    uuid account_id{};
    money amount;
    timestamp occurred_at;
    bool operator==(const funds_deposited&) const = default;
};
BOOST_DESCRIBE_STRUCT(funds_deposited, (), (account_id, amount, occurred_at))

/// Free cash (a buy) or free quantity (a sell) was set aside for an order.
struct funds_reserved {
    static constexpr std::string_view event_type = "FundsReserved";
    static constexpr int schema_version = 1;
    uuid account_id{};
    uuid order_id{};
    std::string symbol;
    money cash;
    domain::quantity quantity;
    timestamp occurred_at;
    bool operator==(const funds_reserved&) const = default;
};
BOOST_DESCRIBE_STRUCT(funds_reserved, (), (account_id, order_id, symbol, cash, quantity, occurred_at))

/// A fill was paid from the order's reserve: `consumed_cash` of a buy, `consumed_quantity` of a sell.
struct fill_settled {
    static constexpr std::string_view event_type = "FillSettled";
    static constexpr int schema_version = 1;
    uuid account_id{};
    uuid order_id{};
    uuid fill_id{};
    domain::side side = domain::side::buy;
    std::string symbol;
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    money consumed_cash;
    domain::quantity consumed_quantity;
    std::vector<leg> legs;
    timestamp occurred_at;
    bool operator==(const fill_settled&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    fill_settled, (),
    (account_id, order_id, fill_id, side, symbol, price, quantity, notional, fee, consumed_cash, consumed_quantity,
     legs, occurred_at))

/// What was left of a finished order's reserve became free again.
struct funds_released {
    static constexpr std::string_view event_type = "FundsReleased";
    static constexpr int schema_version = 1;
    uuid account_id{};
    uuid order_id{};
    std::string symbol;
    money cash;
    domain::quantity quantity;
    timestamp occurred_at;
    bool operator==(const funds_released&) const = default;
};
BOOST_DESCRIBE_STRUCT(funds_released, (), (account_id, order_id, symbol, cash, quantity, occurred_at))

struct connection_created {
    static constexpr std::string_view event_type = "ConnectionCreated";
    static constexpr int schema_version = 1;
    uuid connection_id{};
    uuid user_id{};
    uuid account_id{};
    std::string currency;
    std::string broker;
    timestamp occurred_at;
    bool operator==(const connection_created&) const = default;
};
BOOST_DESCRIBE_STRUCT(connection_created, (), (connection_id, user_id, account_id, currency, broker, occurred_at))

/// The broker answered with an account.
struct connection_activated {
    static constexpr std::string_view event_type = "ConnectionActivated";
    static constexpr int schema_version = 1;
    uuid connection_id{};
    uuid broker_account_id{};
    timestamp occurred_at;
    bool operator==(const connection_activated&) const = default;
};
BOOST_DESCRIBE_STRUCT(connection_activated, (), (connection_id, broker_account_id, occurred_at))

/// An order was placed at tick number `tick`, with the prices seen then. When nothing is reserved (both reserves zero)
/// the account could not pay and the next event of the stream is OrderRejected.
struct order_placed {
    static constexpr std::string_view event_type = "OrderPlaced";
    static constexpr int schema_version = 1;
    uuid order_id{};
    uuid user_id{};
    uuid account_id{};
    uuid connection_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    order_type type = order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
    money reserved_cash;
    domain::quantity reserved_quantity;
    std::int64_t tick = 0;
    price bid;
    price ask;
    timestamp occurred_at;
    bool operator==(const order_placed&) const = default;

    /// What: whether the order goes to the broker.
    bool is_backed() const { return reserved_cash.is_positive() || reserved_quantity.is_positive(); }
};
BOOST_DESCRIBE_STRUCT(
    order_placed, (),
    (order_id, user_id, account_id, connection_id, symbol, side, type, quantity, limit_price, reserved_cash,
     reserved_quantity, tick, bid, ask, occurred_at))

struct order_rejected {
    static constexpr std::string_view event_type = "OrderRejected";
    static constexpr int schema_version = 1;
    uuid order_id{};
    std::string reason;
    timestamp occurred_at;
    bool operator==(const order_rejected&) const = default;
};
BOOST_DESCRIBE_STRUCT(order_rejected, (), (order_id, reason, occurred_at))

/// The common fields of both fills: this fill's terms, then what is filled and open after it.
struct order_fill {
    uuid order_id{};
    uuid fill_id{};
    domain::side side = domain::side::buy;
    std::string symbol;
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    domain::quantity filled;
    domain::quantity remaining;
    std::int64_t tick = 0;
    timestamp occurred_at;
    bool operator==(const order_fill&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    order_fill, (),
    (order_id, fill_id, side, symbol, price, quantity, notional, fee, filled, remaining, tick, occurred_at))

struct order_partially_filled : order_fill {
    static constexpr std::string_view event_type = "OrderPartiallyFilled";
    static constexpr int schema_version = 1;
    bool operator==(const order_partially_filled&) const = default;
};
BOOST_DESCRIBE_STRUCT(order_partially_filled, (order_fill), ())

struct order_filled : order_fill {
    static constexpr std::string_view event_type = "OrderFilled";
    static constexpr int schema_version = 1;
    bool operator==(const order_filled&) const = default;
};
BOOST_DESCRIBE_STRUCT(order_filled, (order_fill), ())

struct order_cancel_requested {
    static constexpr std::string_view event_type = "OrderCancelRequested";
    static constexpr int schema_version = 1;
    uuid order_id{};
    std::int64_t tick = 0;
    timestamp occurred_at;
    bool operator==(const order_cancel_requested&) const = default;
};
BOOST_DESCRIBE_STRUCT(order_cancel_requested, (), (order_id, tick, occurred_at))

struct order_cancelled {
    static constexpr std::string_view event_type = "OrderCancelled";
    static constexpr int schema_version = 1;
    uuid order_id{};
    std::string reason;
    domain::quantity filled;
    domain::quantity remaining;
    timestamp occurred_at;
    bool operator==(const order_cancelled&) const = default;
};
BOOST_DESCRIBE_STRUCT(order_cancelled, (), (order_id, reason, filled, remaining, occurred_at))

/// What: any event of the main system.
using event = std::variant<
    user_created, account_created, funds_deposited, funds_reserved, fill_settled, funds_released, connection_created,
    connection_activated, order_placed, order_rejected, order_partially_filled, order_filled, order_cancel_requested,
    order_cancelled>;

/// What: the name the event is stored under.
inline std::string_view event_type_of(const event& happened)
{
    return std::visit([](const auto& item) { return std::string_view{item.event_type}; }, happened);
}

} // namespace tradecore::app::domain
