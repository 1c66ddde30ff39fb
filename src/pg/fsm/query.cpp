// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/query.hpp"

#include "pg/protocol/backend_messages.hpp"
#include "pg/protocol/frontend.hpp"

#include <string>
#include <utility>

namespace tradecore::pg::fsm {

namespace {

constexpr std::string_view no_copy = "COPY with the client is not supported here";

} // namespace

step query::on_copy(const protocol::message& incoming, bool extended)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case copy_in_response: {
        // The refusal ends everything that was asked for. A server that goes on asking would have us write for ever.
        if (std::exchange(refused_copy_, true))
            return step::violation("COPY from the client after it was refused");
        std::string bytes;
        protocol::write_copy_fail(bytes, no_copy);
        // A server in copy-in mode ignores the Sync it was already sent, so another one must follow.
        if (extended)
            protocol::write_sync(bytes);
        return step::send(std::move(bytes));
    }
    case copy_out_response:
    case copy_data:
    case copy_done:
        dropped_copy_ = true;
        return step::read();
    default:
        return step::violation("unexpected message while executing");
    }
}

step query::on_question(const protocol::message& incoming)
{
    return question().take(incoming) ? step::read() : step::violation("unexpected message for a transaction's id");
}

step query::on_message(const protocol::message& incoming)
{
    switch (incoming.type) {
    case protocol::backend::error_response: {
        auto found = protocol::read_diagnostics(incoming.payload);
        if (!found)
            return step::violation("malformed ErrorResponse");
        if (!error_)
            error_ = std::move(found);
        return step::read();
    }
    case protocol::backend::ready_for_query:
        if (!error_ && (!answered() || question().is_open()))
            return step::violation("ReadyForQuery before the answer");
        return step::done();
    case protocol::backend::close_complete:
        return step::read(); // of a statement dropped from the cache
    default:
        if (question().is_open() && answered())
            return on_question(incoming);
        return on_answer(incoming);
    }
}

step prepare::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
    if (state_ == state::parsing && incoming.type == parse_complete) {
        state_ = state::parameters;
        return step::read();
    }
    if (state_ == state::parameters && incoming.type == parameter_description) {
        auto types = protocol::read_parameter_description(incoming.payload);
        if (!types)
            return step::violation("malformed ParameterDescription");
        parameter_types_ = std::move(*types);
        state_ = state::rows;
        return step::read();
    }
    if (state_ == state::rows && incoming.type == no_data) {
        state_ = state::described;
        return step::read();
    }
    if (state_ == state::rows && incoming.type == row_description) {
        columns_ = protocol::read_row_description(incoming.payload);
        description_ = incoming.payload;
        if (!columns_)
            return step::violation("malformed RowDescription");
        state_ = state::described;
        return step::read();
    }
    return step::violation("unexpected message while preparing");
}

void execute::begin(plan&& what)
{
    commands_before_ = what.commands_before;
    unnamed_ = what.unnamed;
    description_ = std::move(what.description);
    state_ = commands_before_ > 0 ? state::before : first_state();
    returns_rows_ = what.columns != nullptr;
    has_other_columns_ = false;
    if (returns_rows_)
        answer_.describe(std::move(what.columns));
}

void execute::rest() noexcept
{
    reset();
    // What its caller has taken is empty but for the tag, which each end replaces.
    if (!answer_.empty() || !answer_.columns().empty())
        answer_ = result();
    description_.reset();
}

bool execute::on_usual_message(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case bind_complete:
        if (state_ != state::binding || unnamed_)
            return false;
        state_ = state::running;
        return true;
    case data_row:
        return state_ == state::running && returns_rows_ && !is_dropped() && answer_.append_row(incoming.payload);
    case command_complete:
        return state_ == state::running && take_tag(incoming.payload);
    default:
        return false;
    }
}

bool execute::take_tag(std::string_view payload)
{
    const auto tag = protocol::read_command_tag(payload);
    if (!tag || tag->size() > command_tag::longest)
        return false;
    answer_.finish(*tag);
    state_ = state::complete;
    return true;
}

step execute::on_command_before(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case parse_complete:
    case bind_complete:
    case data_row:
        return step::read();
    case command_complete:
        if (--commands_before_ == 0)
            state_ = first_state();
        return step::read();
    default:
        return step::violation("unexpected message before the statement");
    }
}

step execute::on_description(const protocol::message& incoming)
{
    using enum protocol::backend;
    state_ = state::running;
    if (incoming.type == no_data) {
        has_other_columns_ = returns_rows_;
        returns_rows_ = false;
        answer_ = result();
        return step::read();
    }
    if (incoming.type != row_description)
        return step::violation("unexpected message while describing");
    if (returns_rows_ && description_ && *description_ == incoming.payload)
        return step::read();
    auto columns = protocol::read_row_description(incoming.payload);
    if (!columns)
        return step::violation("malformed RowDescription");
    has_other_columns_ = true;
    returns_rows_ = true;
    answer_.describe(std::make_shared<const pg::row_description>(std::move(*columns)));
    return step::read();
}

step execute::on_row(std::string_view payload)
{
    if (is_dropped())
        return step::read();
    if (!returns_rows_ || !answer_.append_row(payload))
        return step::violation("malformed DataRow");
    return step::read();
}

step execute::on_running(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case command_complete:
        return take_tag(incoming.payload) ? step::read() : step::violation("malformed CommandComplete");
    case empty_query_response:
        answer_.finish({});
        state_ = state::complete;
        return step::read();
    default:
        return on_copy(incoming, true);
    }
}

step execute::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (state_) {
    case state::running:
        return incoming.type == data_row ? on_row(incoming.payload) : on_running(incoming);
    case state::before:
        return on_command_before(incoming);
    case state::parsing:
        if (incoming.type != parse_complete)
            break;
        state_ = state::binding;
        return step::read();
    case state::binding:
        if (incoming.type != bind_complete)
            break;
        state_ = unnamed_ ? state::describing : state::running;
        return step::read();
    case state::describing:
        return on_description(incoming);
    case state::complete:
        break;
    }
    return step::violation("unexpected message while executing");
}

step script::on_answer(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case row_description: {
        auto columns = protocol::read_row_description(incoming.payload);
        if (!columns || current_)
            return step::violation("malformed or unexpected RowDescription");
        current_.emplace();
        current_->describe(std::make_shared<const pg::row_description>(std::move(*columns)));
        return step::read();
    }
    case data_row:
        if (is_dropped())
            return step::read();
        if (!current_ || !current_->append_row(incoming.payload))
            return step::violation("malformed DataRow");
        return step::read();
    case command_complete: {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        if (!current_)
            current_.emplace();
        current_->finish(*tag);
        answers_.push_back(std::move(*current_));
        current_.reset();
        return step::read();
    }
    case empty_query_response:
        return step::read();
    default:
        return on_copy(incoming, false);
    }
}

} // namespace tradecore::pg::fsm
