// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/events.hpp"
#include "domain/decision.hpp"

#include <map>

namespace tradecore::app::broker {

/// What: an account at the broker, as the events of its stream leave it.
struct account_state {
    uuid id{};
    uuid connection_id{};
    std::string currency;
    bool exists = false;
    money cash;
    std::map<std::string, domain::quantity, std::less<>> holdings;

    domain::quantity held(std::string_view symbol) const;

    /// Errors: domain::foreign_event; domain::amount_overflow.
    void apply(const event& happened);
};

struct open_broker_account {
    uuid broker_account_id{};
    uuid connection_id{};
    std::string currency;
    timestamp at;
};

struct deposit_to_broker {
    money amount;
    timestamp at;
};

struct book_fill {
    uuid broker_order_id{};
    uuid fill_id{};
    domain::fill_terms terms;
    timestamp at;
};

/// What: BrokerAccountOpened. Rejections: the account exists; an empty currency.
domain::decision<std::vector<event>> decide(const account_state& account, const open_broker_account& command);

/// What: BrokerFundsDeposited. Rejections: no account; an amount that is not positive; overflow.
domain::decision<std::vector<event>> decide(const account_state& account, const deposit_to_broker& command);

/// What: BrokerFillBooked. Rejections: no account; invariant_violation when cash or holding would become negative.
domain::decision<std::vector<event>> decide(const account_state& account, const book_fill& command);

} // namespace tradecore::app::broker
