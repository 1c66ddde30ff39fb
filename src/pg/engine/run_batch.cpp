// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"
#include "pg/engine/bulk.hpp"
#include "pg/engine/type_lookup.hpp"
#include "pg/fsm/batch.hpp"
#include "pg/leading_keyword.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

using prepared_ptr = std::shared_ptr<const prepared_statement>;

asio::awaitable<prepared_ptr>
prepare_one(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline)
{
    return find_or_prepare(std::move(on), std::move(text), label, deadline);
}

/// A batch on its way: what was asked, what the server knows of it, and what became of it.
struct running_batch {
    std::shared_ptr<link> on;
    batch what;
    link::clock::time_point deadline;
    std::vector<batch_answers::outcome> outcomes;
    std::vector<prepared_ptr> prepared;
    std::vector<std::size_t> pending; // entries to be sent
    std::vector<std::size_t> misfits; // of them, those whose arguments do not fit types that users may have changed

    [[nodiscard]] bool is_one() const noexcept { return what.mode() == batch_mode::one_transaction; }

    /// With one transaction: entry `failed` failed, so nothing else has an effect.
    void abort_others(std::size_t failed, std::string_view why)
    {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            if (i == failed)
                continue;
            outcomes[i] = {.rows = {}, .error = std::make_exception_ptr(batch_aborted(failed, std::string(why)))};
        }
    }
    void fail(std::size_t which, std::exception_ptr error)
    {
        outcomes[which] = {.rows = {}, .error = std::move(error)};
        if (is_one())
            abort_others(which, fmt::format("without effect because entry {} of the batch failed", which));
    }
};
using batch_ptr = std::shared_ptr<running_batch>;

/// Who was late is told so, and not that the connection was closed for it.
void throw_if_late(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    }
    catch (const timeout_error&) {
        throw;
    }
    catch (...) { // NOLINT(bugprone-empty-catch): an entry's own, or that of the connection
    }
}

/// Prepares what the server does not know yet, all in one round trip.
asio::awaitable<void> prepare_pending(batch_ptr self)
{
    std::map<std::string_view, std::vector<std::size_t>> unknown;
    for (const auto i : self->pending) {
        const auto& entry = self->what.entries()[i];
        self->prepared[i] = self->on->statements.find(entry.sql.text);
        if (!self->prepared[i])
            unknown[entry.sql.text].push_back(i);
    }
    if (unknown.empty())
        co_return;
    const auto executor = co_await asio::this_coro::executor;
    const auto begin = [&](std::size_t first) {
        const auto& entry = self->what.entries()[first];
        return asio::co_spawn(
            executor, prepare_one(self->on, entry.sql, label_of(entry.options, entry.verb), self->deadline),
            asio::deferred);
    };
    std::vector<decltype(begin(0))> operations;
    for (const auto& [text, where] : unknown)
        operations.push_back(begin(where.front()));
    auto [order, errors, found] = co_await asio::experimental::make_parallel_group(std::move(operations))
                                      .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    std::size_t at = 0;
    for (const auto& [text, where] : unknown) {
        for (const auto i : where) {
            self->prepared[i] = found[at];
            if (errors[at])
                self->outcomes[i].error = errors[at];
        }
        ++at;
    }
    // The wait for all ends as if nothing had happened.
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error(asio::error::operation_aborted);
    if (!self->on->is_open())
        std::for_each(errors.begin(), errors.end(), throw_if_late);
    self->on->require_open();
}

/// Drops the entries that cannot be sent. @returns whether any is left.
bool drop_failed(running_batch& of)
{
    std::vector<std::size_t> left;
    for (const auto i : of.pending) {
        if (!of.outcomes[i].error)
            left.push_back(i);
        else if (of.is_one()) {
            of.fail(i, of.outcomes[i].error);
            return false;
        }
    }
    of.pending = std::move(left);
    return !of.pending.empty();
}

/// Appends an entry's messages; notes an argument that does not fit.
void write_entry(running_batch& of, std::size_t which)
{
    const auto& entry = of.what.entries()[which];
    const auto& prepared = *of.prepared[which];
    auto& out = of.on->outgoing();
    const auto start = out.size();
    if (prepared.makes_temporary)
        of.on->changes.on_temporary();
    try {
        write_parse_if_unnamed(out, prepared, entry.sql.text);
        protocol::write_bind(out, prepared.name, entry.arguments, prepared.parameter_types, prepared.result_formats);
        if (prepared.name.empty())
            protocol::write_describe_portal(out, {});
        protocol::write_execute(out);
        if (!of.is_one())
            protocol::write_sync(out);
    }
    catch (const argument_error&) {
        out.resize(start);
        of.outcomes[which].error = std::current_exception();
        if (prepared.parameter_types.known() != nullptr)
            of.misfits.push_back(which);
    }
}

/// Forgets what is known of the types of those that did not fit: a label or an attribute may have been added.
void forget_misfits(running_batch& of)
{
    of.on->types->forget();
    for (const auto i : std::exchange(of.misfits, {})) {
        of.on->statements.erase(of.what.entries()[i].sql.text);
        of.outcomes[i] = {};
    }
}

enum class written { all, nothing, misfits };

written write_all(running_batch& of, bool again)
{
    auto& out = of.on->outgoing();
    const auto start = out.size();
    write_commands(out, of.what.before);
    for (const auto i : of.pending)
        write_entry(of, i);
    if (!of.misfits.empty() && !again) {
        out.resize(start);
        forget_misfits(of);
        return written::misfits;
    }
    if (!drop_failed(of)) {
        out.resize(start);
        return written::nothing;
    }
    if (of.is_one())
        protocol::write_sync(out);
    return written::all;
}

/// Puts the question for the transaction's id before the last Sync.
void ask_id_at_the_end(running_batch& of, fsm::batch& machine)
{
    bool wanted = true;
    for (const auto i : of.pending)
        wanted = is_id_wanted_behind(*of.on, of.what.entries()[i].sql.text) && wanted;
    if (!wanted)
        return;
    auto& out = of.on->outgoing();
    out.resize(out.size() - protocol::length_of_sync);
    write_id_question(*of.on, machine);
    protocol::write_sync(out);
}

/// Whether an entry that was sent may have committed something, though it failed or one behind it did.
bool may_have_committed(const running_batch& of, fsm::batch& ended, std::size_t sent)
{
    return ended.entries()[sent].bound && pg::detail::may_commit(of.what.entries()[of.pending[sent]].sql.text);
}

/// Takes over what the server said. @returns whether what was prepared is out of date and can be had anew.
bool take_answers(running_batch& of, exchange_of<fsm::batch>& ended, bool again_allowed)
{
    auto& machine = ended.machine();
    bool stale = false;
    bool committed = false; // something of what would be repeated
    std::vector<std::size_t> again;
    for (std::size_t k = 0; k < of.pending.size(); ++k) {
        auto& entry = machine.entries()[k];
        const auto i = of.pending[k];
        committed |= of.is_one() && may_have_committed(of, machine, k);
        if (entry.has_other_columns)
            of.on->statements.erase(of.what.entries()[i].sql.text);
        if (!entry.error) {
            of.outcomes[i] = {.rows = std::move(entry.answer), .error = {}};
            continue;
        }
        if (forget_if_out_of_date(*of.on, *entry.error, of.what.entries()[i].sql.text, *of.prepared[i])) {
            stale = true;
            if (!may_have_committed(of, machine, k))
                again.push_back(i);
        }
        const auto& asked = of.what.entries()[i];
        of.fail(i, error_of(ended, std::move(*entry.error), label_of(asked.options, asked.verb)));
        if (of.is_one())
            break;
    }
    if (auto& error = machine.error()) {
        const auto why = error_of(ended, std::move(*error), label_of(of.what.options, "BATCH"));
        for (auto& each : of.outcomes)
            each = {.rows = {}, .error = why};
    }
    const bool outside = ended.began_idle() && of.what.before.empty() && of.on->status == transaction_status::idle;
    if (!stale || committed || !again_allowed || !outside)
        return false;
    if (of.is_one()) {
        // The entries behind it were not tried; what is wrong with one is often wrong with them.
        again.resize(of.what.size());
        std::iota(again.begin(), again.end(), std::size_t{0});
        for (const auto i : again)
            of.on->statements.erase(of.what.entries()[i].sql.text);
    }
    for (const auto i : again)
        of.outcomes[i] = {};
    of.pending = std::move(again);
    return true;
}

void add_entry(std::vector<fsm::batch::entry>& to, const prepared_ptr& prepared)
{
    auto& added = to.emplace_back(prepared->columns);
    added.parses = added.describes = prepared->name.empty();
    if (added.describes)
        added.description = {prepared, &prepared->description};
}

/// Runs what comes before the entries in a round trip of its own: where there are none, or each has a Sync, behind
/// which the server would go on to the next one as if nothing had failed.
/// @returns whether they succeeded.
asio::awaitable<bool> run_commands(batch_ptr self)
{
    auto& link = *self->on;
    if (!link.is_free())
        co_await link.enter(self->deadline);
    link.require_open();
    const auto exchange =
        make_exchange<fsm::batch>(std::vector<fsm::batch::entry>(), fsm::batch::syncs::one, self->what.before.size());
    exchange->deadline = self->deadline;
    write_commands(link.outgoing(), self->what.before);
    protocol::write_sync(link.outgoing());
    link.queue(exchange);
    co_await link.wait(exchange);
    self->what.before.clear();
    auto& error = exchange->machine().error();
    if (!error)
        co_return true;
    const auto why = error_of(*exchange, std::move(*error), label_of(self->what.options, "BATCH"));
    if (self->outcomes.empty())
        std::rethrow_exception(why);
    for (auto& each : self->outcomes)
        each = {.rows = {}, .error = why};
    co_return false;
}

/// @returns the entries whose values tell of other types than are known of them, as of a composite type that was
/// changed.
std::vector<std::size_t> find_changed(const running_batch& of)
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < of.outcomes.size(); ++i) {
        const auto& outcome = of.outcomes[i];
        if (!outcome.error && of.prepared[i] && of.prepared[i]->tells_types && contradicts(outcome.rows))
            found.push_back(i);
    }
    return found;
}

asio::awaitable<void> describe_entry(batch_ptr self, std::size_t which)
{
    auto& outcome = self->outcomes[which];
    self->on->statements.erase(self->what.entries()[which].sql.text);
    try {
        outcome.rows = co_await describe_anew(self->on, std::move(outcome.rows), self->deadline);
    }
    catch (...) {
        outcome = {.rows = {}, .error = std::current_exception()};
    }
}

} // namespace

asio::awaitable<batch_answers> run_batch(std::shared_ptr<link> on, batch what)
{
    const auto self = std::make_shared<running_batch>(running_batch{
        .on = std::move(on),
        .what = std::move(what),
        .deadline = {},
        .outcomes = {},
        .prepared = {},
        .pending = {},
        .misfits = {}});
    auto& link = *self->on;
    self->deadline = deadline_of(self->what.options);
    self->outcomes.resize(self->what.size());
    self->prepared.resize(self->what.size());
    self->pending.resize(self->what.size());
    std::iota(self->pending.begin(), self->pending.end(), std::size_t{0});

    if (self->pending.empty() && !self->what.before.empty())
        (void)co_await run_commands(self);
    for (bool again = false; !self->pending.empty(); again = true) {
        link.require_open();
        co_await prepare_pending(self);
        if (!drop_failed(*self))
            break;
        if (!self->is_one() && !self->what.before.empty() && !co_await run_commands(self))
            break;
        if (!link.is_free())
            co_await link.enter(self->deadline);
        link.require_open();
        const auto what_was_written = write_all(*self, again);
        if (what_was_written == written::misfits)
            continue;
        if (what_was_written == written::nothing)
            break;
        std::vector<fsm::batch::entry> entries;
        for (const auto i : self->pending)
            add_entry(entries, self->prepared[i]);
        const auto exchange = make_exchange<fsm::batch>(
            std::move(entries), self->is_one() ? fsm::batch::syncs::one : fsm::batch::syncs::each,
            self->what.before.size());
        exchange->deadline = self->deadline;
        ask_id_at_the_end(*self, exchange->machine());
        link.queue(exchange);
        co_await link.wait(exchange);
        if (!take_answers(*self, *exchange, !again))
            break;
    }
    for (const auto i : find_changed(*self))
        co_await describe_entry(self, i);
    co_return batch_answers(self->what.id(), std::move(self->outcomes));
}

} // namespace tradecore::pg::engine
