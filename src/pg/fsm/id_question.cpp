// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/id_question.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <string_view>

namespace tradecore::pg::fsm {

bool id_question::take(const protocol::message& incoming)
{
    using enum protocol::backend;
    if (incoming.type == close_complete)
        return true; // of an earlier one of its name
    switch (state_) {
    case state::parsing:
        if (incoming.type != parse_complete)
            return false;
        state_ = state::binding;
        return true;
    case state::binding:
        state_ = state::running;
        return incoming.type == bind_complete;
    case state::running:
        return incoming.type == data_row && take_row(incoming.payload);
    case state::read:
        of_->prepared = true;
        of_ = nullptr;
        return incoming.type == command_complete;
    }
    return false;
}

// One column, an xid8 in binary.
bool id_question::take_row(std::string_view payload)
{
    constexpr std::size_t empty = 2 + 4;
    if (payload.size() < empty || detail::load<std::uint16_t>(payload, 0) != 1)
        return false;
    const auto length = detail::load<std::int32_t>(payload, 2);
    if (length == -1 && payload.size() == empty)
        of_->value = 0;
    else if (length == 8 && payload.size() == empty + 8)
        of_->value = detail::load<std::uint64_t>(payload, empty);
    else
        return false;
    state_ = state::read;
    return true;
}

} // namespace tradecore::pg::fsm
