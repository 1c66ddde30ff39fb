// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/batch.hpp"

#include "pg/fsm/portal_description.hpp"
#include "pg/protocol/backend_messages.hpp"
#include "pg/protocol/frontend.hpp"

#include <string>
#include <utility>

namespace tradecore::pg::fsm {

namespace {

/// @returns whether a message is one of those that answer an unnamed command.
bool is_of_command(protocol::backend type)
{
    using enum protocol::backend;
    return type == parse_complete || type == bind_complete || type == data_row;
}

} // namespace

batch::batch(std::vector<entry> entries, syncs how, std::size_t commands_before)
    : entries_(std::move(entries)), how_(how), commands_before_(commands_before),
      state_(commands_before > 0 ? state::commands : state::start)
{}

step batch::on_message(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case error_response:
        return on_error(incoming);
    case ready_for_query:
        return on_ready();
    case close_complete:
        return step::read(); // of a statement dropped from the cache
    default:
        break;
    }
    if (skipping_)
        return step::violation("unexpected message after an error");
    return state_ == state::commands ? on_command(incoming) : on_entry(incoming);
}

step batch::on_error(const protocol::message& incoming)
{
    auto found = protocol::read_diagnostics(incoming.payload);
    if (!found)
        return step::violation("malformed ErrorResponse");
    if (skipping_)
        return step::read(); // the first one counts
    skipping_ = true;
    if (state_ == state::commands || current_ == entries_.size())
        error_ = std::move(found);
    else
        entries_[current_].error = std::move(found);
    return step::read();
}

step batch::on_ready()
{
    const bool is_last = how_ == syncs::one || current_ + 1 == entries_.size();
    if (is_last && !skipping_ && question().is_open())
        return step::violation("ReadyForQuery before the transaction's id");
    if (how_ == syncs::one) {
        if (!skipping_ && (state_ == state::commands || current_ < entries_.size()))
            return step::violation("ReadyForQuery before the answer");
        return step::done();
    }
    if (!skipping_ && state_ != state::synced)
        return step::violation("ReadyForQuery before the answer");
    // A command that fails takes the entry behind it with it, up to its Sync.
    if (state_ == state::commands && error_)
        entries_[current_].error = std::exchange(error_, std::nullopt);
    skipping_ = false;
    state_ = state::start;
    return ++current_ >= entries_.size() ? step::done() : step::read();
}

step batch::on_command(const protocol::message& incoming)
{
    if (is_of_command(incoming.type))
        return step::read();
    if (incoming.type != protocol::backend::command_complete)
        return step::violation("unexpected message before the batch");
    if (--commands_before_ == 0)
        state_ = state::start;
    return step::read();
}

step batch::complete()
{
    entries_[current_].complete = true;
    if (how_ == syncs::each) {
        state_ = state::synced;
    }
    else {
        state_ = state::start;
        ++current_;
    }
    return step::read();
}

step batch::on_description(entry& of, const protocol::message& incoming)
{
    state_ = state::running;
    const auto found = read_portal_description(incoming, of.returns_rows ? of.description.get() : nullptr);
    if (!found)
        return step::violation("malformed or unexpected description in a batch");
    if (found->as_expected || (!found->columns && !of.returns_rows))
        return step::read();
    of.has_other_columns = true;
    of.returns_rows = found->columns != nullptr;
    of.answer = result();
    if (found->columns)
        of.answer.describe(found->columns);
    return step::read();
}

step batch::on_entry(const protocol::message& incoming)
{
    using enum protocol::backend;
    if (state_ == state::synced || current_ == entries_.size()) {
        const bool is_last = current_ + (state_ == state::synced ? 1 : 0) == entries_.size();
        if (is_last && question().is_open() && question().take(incoming))
            return step::read();
        return step::violation("unexpected message behind a batch's statement");
    }
    auto& entry = entries_[current_];
    if (state_ == state::start) {
        if (incoming.type == parse_complete && std::exchange(entry.parses, false))
            return step::read();
        if (incoming.type != bind_complete || entry.parses)
            return step::violation("unexpected message in a batch");
        entry.bound = true;
        state_ = entry.describes ? state::describing : state::running;
        return step::read();
    }
    if (state_ == state::describing)
        return on_description(entry, incoming);
    switch (incoming.type) {
    case data_row:
        if (dropping_)
            return step::read();
        if (!entry.returns_rows || !entry.answer.append_row(incoming.payload))
            return step::violation("malformed DataRow");
        return step::read();
    case command_complete: {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        entry.answer.finish(*tag);
        return complete();
    }
    case empty_query_response:
        return complete();
    default:
        return step::violation("unexpected message in a batch");
    }
}

void repeat::write_end(std::string& out)
{
    if (!std::exchange(ended_, true))
        protocol::write_sync(out);
}

std::string repeat::cancel()
{
    std::string bytes;
    if (!std::exchange(ended_, true)) {
        undone_ = true;
        // Sync alone would commit. An error before it undoes the rows: a portal of this name never exists.
        protocol::write_execute_portal(bytes, "tradecore_undo", 0);
        protocol::write_sync(bytes);
    }
    return bytes;
}

step repeat::on_command(const protocol::message& incoming)
{
    if (is_of_command(incoming.type))
        return step::read();
    if (incoming.type != protocol::backend::command_complete)
        return step::violation("unexpected message before the first row");
    --commands_before_;
    return step::read();
}

step repeat::on_message(const protocol::message& incoming)
{
    using enum protocol::backend;
    switch (incoming.type) {
    case error_response: {
        auto found = protocol::read_diagnostics(incoming.payload);
        if (!found)
            return step::violation("malformed ErrorResponse");
        if (!error_)
            error_ = std::move(found);
        return step::read();
    }
    case ready_for_query:
        if (!ended_ || (!error_ && (commands_before_ > 0 || completed_ != sent_ || question().is_open())))
            return step::violation("ReadyForQuery before the answer");
        return step::done();
    case close_complete:
        return step::read();
    default:
        break;
    }
    if (error_)
        return step::violation("unexpected message after an error");
    if (commands_before_ > 0)
        return on_command(incoming);
    if (parses_ && incoming.type == parse_complete) {
        parses_ = false;
        return step::read();
    }
    if (!parses_ && completed_ == sent_ && question().is_open() && question().take(incoming))
        return step::read();
    if (parses_ || completed_ == sent_)
        return step::violation("an answer to nothing");
    if (!bound_) {
        if (incoming.type != bind_complete)
            return step::violation("unexpected message before a row");
        bound_ = true;
        return step::read();
    }
    switch (incoming.type) {
    case data_row:
        return step::read();
    case command_complete: {
        const auto tag = protocol::read_command_tag(incoming.payload);
        if (!tag)
            return step::violation("malformed CommandComplete");
        rows_affected_ += command_tag(std::string(*tag)).rows_affected();
        break;
    }
    case empty_query_response:
        break;
    default:
        return step::violation("unexpected message in a row");
    }
    bound_ = false;
    ++completed_;
    return step::read();
}

} // namespace tradecore::pg::fsm
