// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"
#include "pg/engine/bulk.hpp"
#include "pg/fsm/batch.hpp"
#include "pg/leading_keyword.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <fmt/format.h>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

using exchange_type = exchange_of<holding<fsm::repeat>>;

// One piece of rows: written in one go, sent in one system call.
constexpr std::size_t piece = std::size_t{64} * 1024;

/// Reads rows and writes them as executions, piece by piece.
struct sender {
    std::shared_ptr<link> on;
    repeated_statement& what;
    const prepared_statement& prepared;
    parameters row{};
    std::uint64_t rows = 0; // read from the source

    /// Appends rows until a piece is full. @returns false when there are no more.
    bool write_piece(fsm::repeat& machine)
    {
        auto& out = on->outgoing();
        const auto full = out.size() + piece;
        while (out.size() < full) {
            if (!write_row(out))
                return false;
            machine.sent();
            ++rows;
        }
        return true;
    }

    bool write_row(std::string& out)
    {
        row.clear();
        try {
            if (!what.rows->next(row))
                return false;
            protocol::write_bind(out, prepared.name, row, prepared.parameter_types, {});
        }
        catch (const argument_error& error) {
            throw argument_error(fmt::format("row {}: {}", rows, error.what()));
        }
        protocol::write_execute(out);
        return true;
    }
};

[[noreturn]] void throw_row_error(const exchange_type& ended, fsm::repeat& machine, std::string_view label)
{
    auto& error = *machine.error();
    if (machine.failed_before())
        std::rethrow_exception(error_of(ended, std::move(error), label));
    if (machine.completed() == machine.executions_sent())
        std::rethrow_exception(error_of(ended, std::move(error), fmt::format("{} (at its end)", label)));
    error.row = machine.completed();
    std::rethrow_exception(error_of(ended, std::move(error), fmt::format("{} (row {})", label, machine.completed())));
}

/// @returns how many rows were affected; nothing when what was prepared was out of date, nothing has happened, and the
///          rows can be had again.
asio::awaitable<std::optional<std::uint64_t>> run_once(
    std::shared_ptr<link> on, repeated_statement& what, std::string_view label, link::clock::time_point deadline,
    bool may_repeat)
{
    on->require_open();
    const auto prepared = co_await find_or_prepare(on, what.sql, label, deadline);
    auto held = co_await on->hold(deadline);
    on->require_open();

    const bool unnamed = prepared->name.empty();
    const auto exchange = make_exchange<holding<fsm::repeat>>(std::move(held), what.before.size(), unnamed);
    exchange->deadline = deadline;
    auto& machine = exchange->machine();
    sender rows{.on = on, .what = what, .prepared = *prepared};
    const auto start = on->outgoing().size();
    const give_up_on_exit leaving(*on, *exchange);
    bool queued = false;
    bool more = true;
    std::exception_ptr unreadable;
    bool misfit = false; // of a value, with types that users may have changed
    // What is written behind the Sync that ends it would be committed by the next one.
    while (more && !exchange->finished() && !machine.error() && !exchange->cancelled_because()) {
        try {
            if (!queued) {
                if (prepared->makes_temporary)
                    on->changes.on_temporary();
                write_commands(on->outgoing(), what.before);
                write_parse_if_unnamed(on->outgoing(), *prepared, what.sql.text);
            }
            more = rows.write_piece(machine);
        }
        catch (const argument_error&) {
            unreadable = std::current_exception();
            misfit = prepared->parameter_types.known() != nullptr;
        }
        catch (...) {
            unreadable = std::current_exception();
        }
        if (misfit) {
            // A label or an attribute may have been added since it was looked up.
            on->types->forget();
            on->statements.erase(what.sql.text);
        }
        if (!queued && (unreadable || (rows.rows == 0 && what.before.empty()))) {
            on->outgoing().resize(start); // nobody has been told of anything
            if (misfit && may_repeat && what.rows->rewind())
                co_return std::nullopt;
            if (unreadable)
                std::rethrow_exception(unreadable);
            co_return 0;
        }
        if (unreadable || !more)
            break;
        if (!std::exchange(queued, true))
            on->queue(exchange);
        else
            on->send();
        co_await on->room(exchange, most_unsent);
    }
    if (!exchange->finished()) {
        if (unreadable || exchange->cancelled_because())
            on->outgoing() += machine.cancel(); // nothing, when the link has sent it
        else if (!machine.has_end()) {
            ask_id_behind(*on, what.sql.text, machine);
            machine.write_end(on->outgoing());
        }
        if (!queued)
            on->queue(exchange);
        else
            on->send();
        machine.release();
    }
    co_await on->wait(exchange);
    if (unreadable)
        std::rethrow_exception(unreadable);
    if (exchange->cancelled_because() && machine.was_undone())
        std::rethrow_exception(exchange->cancelled_because());
    if (auto& error = machine.error()) {
        const bool stale = forget_if_out_of_date(*on, *error, what.sql.text, *prepared);
        const bool harmless = exchange->began_idle() && what.before.empty() &&
                              !(machine.has_begun() && pg::detail::may_commit(what.sql.text));
        const bool worth_repeating = stale && harmless && may_repeat;
        if (worth_repeating && what.rows->rewind())
            co_return std::nullopt;
        if (worth_repeating)
            throw_row_error(
                *exchange, machine, fmt::format("{} (not repeated: its rows can be read only once)", label));
        throw_row_error(*exchange, machine, label);
    }
    co_return machine.rows_affected();
}

} // namespace

give_up_on_exit::~give_up_on_exit()
{
    if (!watched_->in_flight())
        return;
    try {
        on_->cancel(
            *watched_, std::make_exception_ptr(connection_error(
                           client_errc::connection_closed, "the statement was given up before its end")));
    }
    catch (...) {
        on_->close(std::current_exception()); // no memory to say so with
    }
}

asio::awaitable<std::uint64_t> run_many(std::shared_ptr<link> on, repeated_statement what)
{
    const auto deadline = deadline_of(what.options);
    const auto label = label_of(what.options, "EXECUTE_MANY");
    auto affected = co_await run_once(on, what, label, deadline, true);
    if (!affected)
        affected = co_await run_once(on, what, label, deadline, false);
    co_return affected.value();
}

} // namespace tradecore::pg::engine
