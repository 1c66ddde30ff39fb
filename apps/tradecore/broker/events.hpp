// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/types.hpp"

#include <cstdint>
#include <optional>
#include <variant>

/// The events of the virtual broker, a system of its own: nothing here is an event of the main system.
namespace tradecore::app::broker {

using domain::money;
using domain::price;
using domain::timestamp;
using domain::to_text;
using domain::uuid;

struct broker_account_opened {
    static constexpr std::string_view event_type = "BrokerAccountOpened";
    static constexpr int schema_version = 1;
    uuid broker_account_id{};
    uuid connection_id{};
    std::string currency;
    timestamp occurred_at;
    bool operator==(const broker_account_opened&) const = default;
};
BOOST_DESCRIBE_STRUCT(broker_account_opened, (), (broker_account_id, connection_id, currency, occurred_at))

struct broker_funds_deposited {
    static constexpr std::string_view event_type = "BrokerFundsDeposited";
    static constexpr int schema_version = 1;
    uuid broker_account_id{};
    money amount;
    timestamp occurred_at;
    bool operator==(const broker_funds_deposited&) const = default;
};
BOOST_DESCRIBE_STRUCT(broker_funds_deposited, (), (broker_account_id, amount, occurred_at))

/// A fill in the books of the account's stream; the broker's balances are sums of these legs.
struct broker_fill_booked {
    static constexpr std::string_view event_type = "BrokerFillBooked";
    static constexpr int schema_version = 1;
    uuid broker_account_id{};
    uuid broker_order_id{};
    uuid fill_id{};
    domain::side side = domain::side::buy;
    std::string symbol;
    domain::quantity quantity;
    money notional;
    money fee;
    std::vector<domain::leg> legs;
    timestamp occurred_at;
    bool operator==(const broker_fill_booked&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    broker_fill_booked, (),
    (broker_account_id, broker_order_id, fill_id, side, symbol, quantity, notional, fee, legs, occurred_at))

/// `reserve` is the cash a buy may use, fees included; zero for a sell.
struct broker_order_accepted {
    static constexpr std::string_view event_type = "BrokerOrderAccepted";
    static constexpr int schema_version = 1;
    uuid broker_order_id{};
    uuid client_order_id{};
    uuid broker_account_id{};
    std::string symbol;
    domain::side side = domain::side::buy;
    domain::order_type type = domain::order_type::market;
    domain::quantity quantity;
    std::optional<price> limit_price;
    money reserve;
    std::int64_t placed_tick = 0;
    timestamp occurred_at;
    bool operator==(const broker_order_accepted&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    broker_order_accepted, (),
    (broker_order_id, client_order_id, broker_account_id, symbol, side, type, quantity, limit_price, reserve,
     placed_tick, occurred_at))

/// One fill of any size; the order is filled when nothing remains. `legs` repeats those of BrokerFillBooked.
struct broker_order_filled {
    static constexpr std::string_view event_type = "BrokerOrderFilled";
    static constexpr int schema_version = 1;
    uuid broker_order_id{};
    uuid client_order_id{};
    uuid broker_account_id{};
    uuid fill_id{};
    domain::side side = domain::side::buy;
    std::string symbol;
    std::int64_t tick = 0;
    domain::price price;
    domain::quantity quantity;
    money notional;
    money fee;
    domain::quantity filled;
    domain::quantity remaining;
    std::vector<domain::leg> legs;
    timestamp occurred_at;
    bool operator==(const broker_order_filled&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    broker_order_filled, (),
    (broker_order_id, client_order_id, broker_account_id, fill_id, side, symbol, tick, price, quantity, notional, fee,
     filled, remaining, legs, occurred_at))

struct broker_order_cancelled {
    static constexpr std::string_view event_type = "BrokerOrderCancelled";
    static constexpr int schema_version = 1;
    uuid broker_order_id{};
    uuid client_order_id{};
    uuid broker_account_id{};
    std::string reason;
    domain::quantity filled;
    domain::quantity remaining;
    std::int64_t tick = 0;
    timestamp occurred_at;
    bool operator==(const broker_order_cancelled&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    broker_order_cancelled, (),
    (broker_order_id, client_order_id, broker_account_id, reason, filled, remaining, tick, occurred_at))

/// What: any event of the virtual broker.
using event = std::variant<
    broker_account_opened, broker_funds_deposited, broker_fill_booked, broker_order_accepted, broker_order_filled,
    broker_order_cancelled>;

/// What: the name the event is stored under.
inline std::string_view event_type_of(const event& happened)
{
    return std::visit([](const auto& item) { return std::string_view{item.event_type}; }, happened);
}

} // namespace tradecore::app::broker
