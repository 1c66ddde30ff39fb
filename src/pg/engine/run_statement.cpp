// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/run_statement.hpp"

#include "pg/engine/ask_id.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/prepare.hpp"
#include "pg/engine/type_lookup.hpp"
#include "pg/leading_keyword.hpp"
#include "pg/makes_temporary.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <optional>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using namespace tradecore::pg::literals;

namespace {

using prepared_ptr = std::shared_ptr<const prepared_statement>;

/// An exchange of the link's pool, which goes back there.
class borrowed {
public:
    borrowed(link& from, fsm::execute::plan&& what) : from_(&from), exchange_(from.executions.take(std::move(what))) {}
    borrowed(const borrowed&) = delete;
    borrowed& operator=(const borrowed&) = delete;
    borrowed(borrowed&&) = delete;
    borrowed& operator=(borrowed&&) = delete;
    ~borrowed() { from_->executions.give_back(std::move(exchange_)); }

    [[nodiscard]] execution& operator*() const noexcept { return *exchange_; }
    [[nodiscard]] execution* operator->() const noexcept { return exchange_.get(); }
    [[nodiscard]] exchange_ptr shared() const noexcept { return exchange_; }

private:
    link* from_;
    boost::intrusive_ptr<execution> exchange_;
};

fsm::execute::plan plan_for(const statement& what, const prepared_ptr& prepared)
{
    fsm::execute::plan plan{
        .columns = prepared->columns,
        .commands_before = what.before.size(),
        .unnamed = prepared->name.empty(),
        .description = {}};
    if (plan.unnamed)
        plan.description = {prepared, &prepared->description};
    return plan;
}

/// Writes and queues. @returns the statements that are closed on this occasion.
closable_statements send(link& on, const borrowed& running, const statement& what, const prepared_statement& prepared)
{
    const bool asks = is_id_wanted_behind(on, what.sql.text);
    auto closed = write_closing(on, [&](std::string& out, const closable_statements& closing) {
        if (!what.before.empty())
            write_commands(out, what.before);
        write_parse_if_unnamed(out, prepared, what.sql.text);
        prepared.frame.write(out, what.arguments, prepared.parameter_types, closing.empty() && !asks);
        if (asks)
            write_id_question(on, running->machine());
        else if (closing.empty())
            return;
        // Last: it may not stand between this statement and its preparation.
        for (const auto& old : closing)
            protocol::write_close_statement(out, old->name);
        protocol::write_sync(out);
    });
    on.queue(running.shared());
    return closed;
}

/// As `send`.
/// @returns nothing when an argument does not fit what is known of types that users may have changed.
std::optional<closable_statements>
send_if_it_fits(link& on, const borrowed& running, const statement& what, const prepared_statement& prepared)
{
    try {
        return send(on, running, what, prepared);
    }
    catch (const argument_error&) {
        if (prepared.parameter_types.known() == nullptr)
            throw;
        return std::nullopt;
    }
}

/// Whether the server refused only because what is remembered of the statement is out of date.
/// @param remembered whether it was prepared by an earlier call.
bool is_stale(execution& ended, const diagnostics& error, bool remembered)
{
    if (is_out_of_date(error))
        return true;
    // The types of the parameters are fixed, by us or by the server that prepared it: one may be gone, an operator may
    // want another now; and columns may have been added. Who may not do something may not do it the second time.
    const bool types_or_columns = error.code.class_code() == "42000"_sqlstate || error.code == "08P01"_sqlstate;
    return remembered && types_or_columns && error.code != "42501"_sqlstate && !ended.machine().was_bound();
}

/// Whether a statement was stopped by a request that was meant for one before it. What it did is undone.
bool was_hit(const execution& ended, const diagnostics& error)
{
    return ended.in_the_line_of_fire() && !ended.cancelled_because() && error.code == "57014"_sqlstate;
}

/// Deals with an error of the server.
/// @param may_repeat whether what is remembered of it may be out of date; a neighbour's request may hit it many times.
/// @returns when the statement is worth another attempt. @throws the error when it is not.
void give_up_or_repeat(
    link& on, execution& ended, const statement& what, const prepared_statement& prepared, bool remembered,
    bool may_repeat)
{
    auto& error = *ended.machine().error();
    const bool old_types = may_be_of_old_types(error, prepared.parameter_types, prepared.columns.get());
    const bool stale = old_types || is_stale(ended, error, remembered);
    if (stale)
        on.statements.erase(what.sql.text);
    if (old_types)
        on.types->forget();
    // The server refused before it did anything, or has said that what was a transaction of its own is rolled back.
    // What ends transactions itself may have committed some before.
    const bool harmless = ended.began_idle() && what.before.empty() &&
                          !(ended.machine().was_bound() && pg::detail::may_commit(what.sql.text));
    if (harmless && ((may_repeat && stale) || was_hit(ended, error)))
        return;
    std::rethrow_exception(error_of(ended, std::move(error), label_of(what.options, what.verb)));
}

/// Throws when the answer is of no use to the caller, though there was no error.
void require_whole_answer(fsm::execute& machine, const statement& what)
{
    if (machine.dropped_copy())
        throw argument_error(
            "COPY to the client is not supported by " + std::string(label_of(what.options, what.verb)) +
            "; its data was dropped");
}

/// Everything that may have to be done for a statement. @param again whether it was tried before.
asio::awaitable<result>
run_with_care(std::shared_ptr<link> on, statement what, link::clock::time_point deadline, bool again)
{
    for (;; again = true) {
        on->require_open();
        auto prepared = on->statements.find(what.sql.text);
        bool remembered = prepared != nullptr;
        if (!remembered) {
            remembered = on->statements.find(without_trace_comment(what.sql.text)) != nullptr;
            prepared = co_await prepare(on, what.sql, label_of(what.options, what.verb), deadline);
        }
        if (!on->is_free())
            co_await on->enter(deadline);
        on->require_open();
        if (prepared->makes_temporary)
            on->changes.on_temporary();
        const borrowed running(*on, plan_for(what, prepared));
        running->deadline = deadline;
        running->changes_nothing = what.options.only_reads;
        auto sent = again ? send(*on, running, what, *prepared) : send_if_it_fits(*on, running, what, *prepared);
        if (!sent) {
            // A label or an attribute may have been added since it was looked up.
            on->types->forget();
            on->statements.erase(what.sql.text);
            continue;
        }
        auto closing = std::move(*sent);
        co_await on->wait(running.shared());
        auto& machine = running->machine();
        if (machine.has_other_columns())
            on->statements.erase(what.sql.text);
        if (!machine.error()) {
            require_whole_answer(machine, what);
            if (!prepared->tells_types || !contradicts(machine.answer()))
                co_return std::move(machine.answer());
            on->statements.erase(what.sql.text);
            co_return co_await describe_anew(on, std::move(machine.answer()), deadline);
        }
        // After an error the server passes over everything up to Sync.
        on->statements.put_back(std::move(closing));
        give_up_or_repeat(*on, *running, what, *prepared, remembered, !again);
    }
}

// Functions that stay such: as an argument in a coroutine's own call the statement would be in its frame twice.
[[gnu::noinline]] asio::awaitable<result>
rest_of(std::shared_ptr<link> on, statement& what, link::clock::time_point deadline, bool again)
{
    return run_with_care(std::move(on), std::move(what), deadline, again);
}

[[gnu::noinline]] asio::awaitable<result>
rest_of(std::shared_ptr<link> on, const statement& what, link::clock::time_point deadline, bool again)
{
    return run_with_care(std::move(on), what, deadline, again);
}

// The usual course alone, in a frame of less than 1020 bytes: Asio keeps no larger one for use again.
/// @tparam Statement a value, or a reference to what the caller keeps.
template <class Statement>
asio::awaitable<result> run_usual(std::shared_ptr<link> on, Statement what)
{
    on->require_open();
    const auto deadline = deadline_of(*on, what.options);
    const auto prepared = on->statements.find(what.sql.text);
    const bool usual = prepared && prepared->is_usual && on->is_free();
    if (usual) {
        const borrowed running(*on, plan_for(what, prepared));
        running->deadline = deadline;
        running->changes_nothing = what.options.only_reads;
        auto closing = send(*on, running, what, *prepared);
        co_await on->wait(running.shared());
        auto& machine = running->machine();
        if (machine.has_other_columns())
            on->statements.erase(what.sql.text);
        if (!machine.error()) {
            require_whole_answer(machine, what);
            co_return std::move(machine.answer());
        }
        on->statements.put_back(std::move(closing));
        give_up_or_repeat(*on, *running, what, *prepared, true, true);
    }
    co_return co_await rest_of(std::move(on), what, deadline, usual);
}

} // namespace

asio::awaitable<result> run_statement(std::shared_ptr<link> on, statement what)
{
    return run_usual<statement>(std::move(on), std::move(what));
}

asio::awaitable<result> run_kept_statement(std::shared_ptr<link> on, const statement& what)
{
    return run_usual<const statement&>(std::move(on), what);
}

asio::awaitable<std::vector<result>> run_script(std::shared_ptr<link> on, sql_text text, call_options options)
{
    const auto deadline = deadline_of(*on, options);
    if (!on->is_free())
        co_await on->enter(deadline);
    on->require_open();
    const auto exchange = make_exchange<fsm::script>();
    exchange->deadline = deadline;
    if (pg::detail::makes_temporary(text.text))
        on->changes.on_temporary();
    protocol::write_query(on->outgoing(), text.text);
    (void)is_id_wanted_behind(*on, text.text); // what is known may be so no longer
    on->queue(exchange);
    co_await on->wait(exchange);
    auto& machine = exchange->machine();
    const auto label = label_of(options, "SCRIPT");
    if (auto& error = machine.error()) {
        // The server calls our refusal to send data a cancellation.
        if (machine.refused_copy() && !exchange->cancelled_because() && error->code == "57014"_sqlstate)
            throw argument_error(
                "COPY from the client is not supported by " + std::string(label) + "; copy_in is for that");
        std::rethrow_exception(error_of(*exchange, std::move(*error), label));
    }
    if (machine.dropped_copy())
        throw argument_error("COPY to the client is not supported by " + std::string(label) + "; its data was dropped");
    co_return std::move(machine.answers());
}

} // namespace tradecore::pg::engine
