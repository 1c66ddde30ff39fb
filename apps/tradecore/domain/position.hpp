// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/money.hpp"

namespace tradecore::app::domain {

/// What: what is held of one symbol, what it cost (fees included) and what selling some of it earned.
/// Errors: a sale of more than is held throws amount_error; amount_overflow.
/// Thread safety: a value.
struct position {
    domain::quantity quantity;
    money cost;     ///< of what is held now, fees of the purchases included
    money realised; ///< proceeds after fees minus the cost of what was sold

    void buy(domain::quantity size, money notional, money fee)
    {
        cost += notional + fee;
        quantity += size;
    }

    void sell(domain::quantity size, money notional, money fee)
    {
        if (size > quantity)
            throw amount_error("position: sells " + size.text() + ", holds " + quantity.text());
        // The last unit takes all the cost that is left, so that rounding never leaves dust on an empty position.
        const money gone = size == quantity ? cost : share_of(cost, size, quantity);
        realised += notional - fee - gone;
        cost -= gone;
        quantity -= size;
    }

    /// What: cost of one unit, zero for an empty position.
    price average() const { return quantity.is_positive() ? average_cost(cost, quantity) : price{}; }
};

} // namespace tradecore::app::domain
