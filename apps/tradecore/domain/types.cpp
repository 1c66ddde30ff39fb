// SPDX-License-Identifier: Apache-2.0
#include "domain/types.hpp"

namespace tradecore::app::domain {

namespace {

template <class Enum>
std::string_view name_of(Enum value)
{
    return boost::describe::enum_to_string(value, "?");
}

} // namespace

std::string_view to_text(side value)
{
    return name_of(value);
}
std::string_view to_text(order_type value)
{
    return name_of(value);
}
std::string_view to_text(order_status value)
{
    return name_of(value);
}

std::vector<leg> legs_of(std::string_view trader_account, std::string_view currency, const fill_terms& fill)
{
    const bool buys = fill.side == side::buy;
    const money notional = buys ? fill.notional : -fill.notional;
    const quantity size = buys ? fill.quantity : -fill.quantity;
    const std::string trader{trader_account};
    const std::string house{house_account};
    const std::string cash{currency};
    return {
        {trader, cash, convert<amount>(-(notional + fill.fee))},
        {house, cash, convert<amount>(notional)},
        {std::string{fees_account}, cash, convert<amount>(fill.fee)},
        {trader, fill.symbol, convert<amount>(size)},
        {house, fill.symbol, convert<amount>(-size)},
    };
}

} // namespace tradecore::app::domain
