// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness/bytes.hpp"
#include "pg/fsm/operation.hpp"

#include <functional>

namespace tradecore::fuzz {

/// What came of feeding a machine.
struct fed {
    pg::fsm::action last = pg::fsm::action::read;
    std::size_t messages = 0;
};

/// Feeds a machine the input's messages until it has ended or the input has.
///
/// What the link promises to a machine is kept: nothing after its end, only messages that are not the link's own, and
/// no ReadyForQuery that is malformed. What a machine promises is checked: whole messages to send, and a reason for a
/// violation.
///
/// @param plan what the machine's owner does meanwhile: before the n-th message, `act` is called with the plan's n-th
/// byte.
fed feed(
    pg::fsm::operation& machine, byte_source& input, std::string_view plan = {},
    const std::function<void(std::uint8_t)>& act = {});

} // namespace tradecore::fuzz
