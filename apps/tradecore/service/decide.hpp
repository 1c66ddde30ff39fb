// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/decision.hpp"

#include <array>
#include <utility>
#include <vector>

/// The decisions of the domain in the form `run_command` takes: the events of each target in an array.
namespace tradecore::app::service {

template <class Event>
using one_stream = domain::decision<std::array<std::vector<Event>, 1>>;
template <class Event>
using two_streams = domain::decision<std::array<std::vector<Event>, 2>>;

/// What: a decision over one aggregate.
template <class Event>
one_stream<Event> single(domain::decision<std::vector<Event>> decided)
{
    if (!decided)
        return decided.why();
    return std::array<std::vector<Event>, 1>{std::move(decided.events())};
}

/// What: a decision over an order and its account, in this order.
template <class Event, class Events>
two_streams<Event> order_and_account(domain::decision<Events> decided)
{
    if (!decided)
        return decided.why();
    return std::array<std::vector<Event>, 2>{std::move(decided.events().order), std::move(decided.events().account)};
}

} // namespace tradecore::app::service
