// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/portal.hpp"

#include "pg/fsm/portal_description.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <utility>

namespace tradecore::pg::fsm {

portal_slice::portal_slice(state begin, std::shared_ptr<const row_description> columns)
    : state_(begin), returns_rows_(columns != nullptr)
{
    if (columns)
        answer_.describe(std::move(columns));
}

portal_slice::portal_slice(std::shared_ptr<const row_description> columns, opening first)
    : portal_slice(
          first.commands > 0 ? state::commands
          : first.parses     ? state::parsing
                             : state::binding,
          std::move(columns))
{
    first_ = std::move(first);
}

step portal_slice::on_description(const protocol::message& incoming)
{
    state_ = state::rows;
    auto found = read_portal_description(incoming, returns_rows_ ? first_.description.get() : nullptr);
    if (!found)
        return step::violation("malformed or unexpected description of a cursor");
    if (found->as_expected || (!found->columns && !returns_rows_))
        return step::read();
    has_other_columns_ = true;
    returns_rows_ = found->columns != nullptr;
    answer_ = result();
    if (found->columns)
        answer_.describe(found->columns);
    other_columns_ = std::move(found->columns);
    return step::read();
}

step portal_slice::on_command(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case parse_complete:
    case bind_complete:
    case data_row:
        return step::read();
    case command_complete:
        if (--first_.commands == 0)
            state_ = first_.parses ? state::parsing : state::binding;
        return step::read();
    default:
        return step::violation("unexpected message before the cursor");
    }
}

step portal_slice::on_row(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case data_row:
        if (dropping_)
            return step::read();
        if (!returns_rows_ || !answer_.append_row(incoming.payload))
            return step::violation("malformed DataRow");
        bytes_ += incoming.payload.size();
        return step::read();
    case portal_suspended:
        suspended_ = true;
        state_ = state::complete;
        return step::read();
    case command_complete: {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        answer_.finish(*tag);
        state_ = state::complete;
        return step::read();
    }
    case empty_query_response:
        state_ = state::complete;
        return step::read();
    default:
        return on_copy(incoming, true);
    }
}

step portal_slice::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (state_) {
    case state::commands:
        return on_command(incoming);
    case state::parsing:
        if (incoming.type != parse_complete)
            break;
        state_ = state::binding;
        return step::read();
    case state::binding:
        if (incoming.type != bind_complete)
            break;
        state_ = first_.describes ? state::describing : state::rows;
        return step::read();
    case state::describing:
        return on_description(incoming);
    case state::rows:
        return on_row(incoming);
    case state::complete:
        break;
    }
    return step::violation("unexpected message in a cursor");
}

} // namespace tradecore::pg::fsm
