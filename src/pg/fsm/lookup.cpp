// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/lookup.hpp"

#include "pg/protocol/backend_messages.hpp"

namespace tradecore::pg::fsm {

step lookup::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
    if (state_ == state::parsing && incoming.type == parse_complete) {
        state_ = state::binding;
        return step::read();
    }
    if (state_ == state::binding && incoming.type == bind_complete) {
        state_ = state::running;
        return step::read();
    }
    if (state_ == state::running && incoming.type == data_row) {
        if (answer_.size() == most_rows_)
            return step::violation("more rows than were asked for");
        if (!answer_.append_row(incoming.payload))
            return step::violation("malformed DataRow");
        return step::read();
    }
    if (state_ == state::running && incoming.type == command_complete) {
        state_ = state::complete;
        return step::read();
    }
    return step::violation("unexpected message while looking up");
}

} // namespace tradecore::pg::fsm
