// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/copy_out.hpp"

#include <algorithm>

namespace tradecore::pg::fsm {

void copy_out::drop() noexcept
{
    dropping_ = true;
    has_lost_data_ = has_lost_data_ || !data_.empty();
    data_ = {};
}

step copy_out::on_data(std::string_view payload)
{
    if (dropping_) {
        has_lost_data_ = true;
        return step::read();
    }
    const bool first = data_.empty();
    data_.append(payload);
    most_ = std::max(most_, data_.size());
    if (data_.size() >= limit_)
        return step::pause();
    // Who was told of the first bytes takes the others of the same burst along.
    return first ? step::progress() : step::read();
}

step copy_out::on_complete(const protocol::message& incoming)
{
    if (incoming.type == protocol::backend::command_complete) {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        tag_ = command_tag(std::string(*tag));
    }
    state_ = state::complete;
    return step::read();
}

step copy_out::on_start(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case copy_out_response:
        format_ = protocol::read_copy_format(incoming.payload);
        if (!format_)
            return step::violation("malformed CopyOutResponse");
        state_ = state::copying;
        return step::progress();
    case data_row: // of a statement that is no COPY: dropped
        return step::read();
    case command_complete:
    case empty_query_response:
        return on_complete(incoming);
    case copy_in_response:
        return on_copy(incoming, true);
    default:
        return step::violation("unexpected message before COPY");
    }
}

step copy_out::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
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
        if (incoming.type == copy_data) {
            return on_data(incoming.payload);
        }
        if (incoming.type != copy_done)
            break;
        state_ = state::ended;
        return step::read();
    case state::ended:
        if (incoming.type != command_complete)
            break;
        return on_complete(incoming);
    case state::complete:
        break;
    }
    return step::violation("unexpected message in COPY to the client");
}

} // namespace tradecore::pg::fsm
