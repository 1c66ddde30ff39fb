// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/fixed.hpp"

namespace tradecore::app::domain {

struct amount_tag {
    static constexpr std::string_view name = "amount";
};
struct money_tag {
    static constexpr std::string_view name = "money";
};
struct quantity_tag {
    static constexpr std::string_view name = "quantity";
};
struct price_tag {
    static constexpr std::string_view name = "price";
};

/// What: an amount of any asset, as a leg of the ledger holds it.
using amount = fixed<amount_tag>;
/// What: an amount of an account's currency.
using money = fixed<money_tag>;
/// What: an amount of a traded symbol.
using quantity = fixed<quantity_tag>;
/// What: money for one unit of a symbol.
using price = fixed<price_tag>;

/// What: the same number as another kind of amount.
template <class To, class From>
constexpr To convert(From value)
{
    return To::from_raw(value.raw());
}

/// What: the fee of a fill is its notional divided by this (0.1 %).
inline constexpr int fee_divisor = 1000;

/// What: price × quantity, rounded half to even to 8 decimals. Errors: amount_overflow.
inline money notional_of(price unit, quantity size)
{
    return money::from_raw(detail::multiply_divide(unit.raw(), size.raw(), detail::amount_one, "× (price × quantity)"));
}

/// What: the fee for a notional, 0.1 % rounded half to even to 8 decimals.
inline money fee_of(money notional)
{
    return money::from_raw(detail::multiply_divide(notional.raw(), 1, fee_divisor, "× (fee)"));
}

/// What: cost ÷ size, rounded half to even to 8 decimals.
/// Errors: amount_error when `size` is not positive, amount_overflow.
inline price average_cost(money cost, quantity size)
{
    if (!size.is_positive())
        throw amount_error("average cost: the quantity is " + size.text() + ", it must be positive");
    return price::from_raw(
        detail::multiply_divide(cost.raw(), detail::amount_one, size.raw(), "÷ quantity (average cost)"));
}

/// What: cost × part ÷ total, rounded half to even: the share of a position's cost that leaves with `part` of it.
/// Errors: amount_error when `total` is not positive, amount_overflow.
inline money share_of(money cost, quantity part, quantity total)
{
    if (!total.is_positive())
        throw amount_error("share of cost: the quantity is " + total.text() + ", it must be positive");
    return money::from_raw(detail::multiply_divide(cost.raw(), part.raw(), total.raw(), "× (share of cost)"));
}

} // namespace tradecore::app::domain
