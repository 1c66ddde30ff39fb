// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/copy_in.hpp"

#include "pg/protocol/frontend.hpp"

#include <string>
#include <utility>

namespace tradecore::pg::fsm {

step copy_in::sync()
{
    if (std::exchange(sync_sent_, true))
        return step::read();
    std::string bytes;
    protocol::write_sync(bytes);
    return step::send(std::move(bytes));
}

std::string copy_in::cancel()
{
    std::string bytes;
    gives_up_ = true;
    if (takes_data() && !std::exchange(sync_sent_, true)) {
        protocol::write_copy_fail(bytes, "the client gave up");
        protocol::write_sync(bytes);
    }
    return bytes;
}

step copy_in::on_error(const protocol::message& incoming)
{
    auto found = protocol::read_diagnostics(incoming.payload);
    if (!found)
        return step::violation("malformed ErrorResponse");
    if (!error_)
        error_ = std::move(found);
    return sync();
}

step copy_in::on_complete(const protocol::message& incoming)
{
    if (state_ == state::copying && !sync_sent_)
        return step::violation("CommandComplete before the end of the data");
    if (incoming.type == protocol::backend::command_complete) {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        tag_ = command_tag(std::string(*tag));
    }
    state_ = state::complete;
    return sync();
}

step copy_in::on_start(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case copy_in_response:
        format_ = protocol::read_copy_format(incoming.payload);
        if (!format_)
            return step::violation("malformed CopyInResponse");
        state_ = state::copying;
        return gives_up_ ? step::send(cancel()) : step::progress();
    case data_row: // of a statement that is no COPY, or one to the client: dropped
    case copy_out_response:
    case copy_data:
    case copy_done:
        return step::read();
    case command_complete:
    case empty_query_response:
        return on_complete(incoming);
    default:
        return step::violation("unexpected message before COPY");
    }
}

step copy_in::on_message(const protocol::message& incoming)
{
    using enum protocol::backend;
    if (incoming.type == error_response)
        return on_error(incoming);
    if (incoming.type == ready_for_query) {
        if (!sync_sent_ || (!error_ && (state_ != state::complete || question().is_open())))
            return step::violation("ReadyForQuery before the answer");
        return step::done();
    }
    if (error_)
        return step::violation("unexpected message after an error");
    switch (state_) {
    case state::parsing:
        if (incoming.type != parse_complete)
            break;
        state_ = state::binding;
        return step::read();
    case state::binding:
        if (incoming.type != bind_complete)
            break;
        state_ = state::starting;
        return step::read();
    case state::starting:
        return on_start(incoming);
    case state::copying:
        if (incoming.type != command_complete)
            break;
        return on_complete(incoming);
    case state::complete:
        if (question().is_open() && question().take(incoming))
            return step::read();
        break;
    }
    return step::violation("unexpected message in COPY from the client");
}

} // namespace tradecore::pg::fsm
