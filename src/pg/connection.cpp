// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/connect.hpp"
#include "pg/engine/link.hpp"
#include "pg/fsm/query.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/generated/type_oids.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tradecore::pg {

namespace asio = boost::asio;
using engine::exchange;
using engine::link;
using engine::make_exchange;
using engine::prepared_statement;

namespace {

exchange::clock::time_point deadline_of(const call_options& options)
{
    return options.timeout ? exchange::clock::now() + *options.timeout : exchange::no_deadline;
}

/// What a statement is called in errors: its name, else its verb.
std::string_view label(const statement& what)
{
    return what.options.name.empty() ? what.verb : what.options.name;
}

/// Throws what an ended exchange has to say. When the server stopped it because we asked, that is the error; a
/// statement that was finished in spite of it is finished.
void throw_error(const exchange& ended, fsm::query& machine, std::string_view label)
{
    using namespace tradecore::pg::literals;
    if (auto& error = machine.error()) {
        if (ended.cancelled_because() && error->code == "57014"_sqlstate)
            std::rethrow_exception(ended.cancelled_because());
        throw_server_error(std::move(*error), label);
    }
    if (machine.dropped_copy())
        throw argument_error("COPY to the client is not supported by " + std::string(label) + "; its data was dropped");
}

asio::awaitable<std::shared_ptr<const prepared_statement>>
prepare(link& on, const statement& what, exchange::clock::time_point deadline)
{
    const auto exchange = make_exchange<fsm::prepare>();
    exchange->deadline = deadline;
    auto name = on.statements.fresh_name();
    protocol::write_parse(on.outgoing(), name, what.sql.text);
    protocol::write_describe_statement(on.outgoing(), name);
    protocol::write_sync(on.outgoing());
    on.queue(exchange);
    co_await on.wait(exchange);
    auto& machine = exchange->machine();
    throw_error(*exchange, machine, label(what));
    if (exchange->cancelled_because())
        std::rethrow_exception(exchange->cancelled_because()); // nothing was run yet

    auto prepared = std::make_shared<prepared_statement>();
    prepared->name = std::move(name);
    prepared->parameter_types = std::move(machine.parameter_types());
    if (auto& columns = machine.columns()) {
        for (auto& column : *columns) {
            // A type we know is sent in binary; one we do not know may have no binary form at all.
            column.format = type_name(column.type).empty() ? wire_format::text : wire_format::binary;
            prepared->result_formats.push_back(static_cast<std::int16_t>(column.format));
        }
        prepared->columns = std::make_shared<const row_description>(std::move(*columns));
    }
    on.statements.insert(what.sql.text, prepared);
    co_return prepared;
}

using closable_statements = std::vector<std::shared_ptr<const prepared_statement>>;

/// Puts the statement's messages into the link's buffer, all of them or none. What is to be closed comes last: it may
/// not stand between this statement and its preparation.
void write_execution(
    std::string& out, const statement& what, const prepared_statement& prepared, const closable_statements& closing)
{
    const auto start = out.size();
    try {
        for (const auto& command : what.before) {
            protocol::write_parse(out, {}, command);
            protocol::write_bind(out, {}, parameters{}, {}, {});
            protocol::write_execute(out);
        }
        protocol::write_bind(out, prepared.name, what.arguments, prepared.parameter_types, prepared.result_formats);
        protocol::write_execute(out);
        for (const auto& old : closing)
            protocol::write_close_statement(out, old->name);
        protocol::write_sync(out);
    }
    catch (...) {
        out.resize(start);
        throw;
    }
}

/// Whether the server refused only because what it had prepared is out of date.
bool is_stale(const diagnostics& error)
{
    using namespace tradecore::pg::literals;
    // 0A000 is any unsupported feature; this routine of the server raises it for a cached plan only.
    const bool result_changed = error.code == "0A000"_sqlstate && error.routine == "RevalidateCachedQuery";
    return result_changed || error.code == "26000"_sqlstate;
}

/// Whether a statement was stopped by a request that was meant for one before it. What it did is undone.
bool was_hit(const exchange& ended, const diagnostics& error)
{
    using namespace tradecore::pg::literals;
    return ended.in_the_line_of_fire() && !ended.cancelled_because() && error.code == "57014"_sqlstate;
}

asio::awaitable<result> run_on(std::shared_ptr<link> on, statement what)
{
    const auto deadline = deadline_of(what.options);
    for (bool again = false;; again = true) {
        on->require_open();
        auto prepared = on->statements.find(what.sql.text);
        if (!prepared) {
            if (!on->is_free())
                co_await on->enter(deadline);
            prepared = co_await prepare(*on, what, deadline);
        }
        if (!on->is_free())
            co_await on->enter(deadline);
        on->require_open();
        const auto exchange = make_exchange<fsm::execute>(prepared->columns, what.before.size());
        exchange->deadline = deadline;
        auto closing = on->statements.take_closable();
        try {
            write_execution(on->outgoing(), what, *prepared, closing);
        }
        catch (...) {
            on->statements.put_back(std::move(closing));
            throw;
        }
        on->queue(exchange);
        co_await on->wait(exchange);
        auto& machine = exchange->machine();
        if (auto& error = machine.error()) {
            // After an error the server passes over everything up to Sync.
            on->statements.put_back(std::move(closing));
            const bool stale = is_stale(*error);
            if (stale)
                on->statements.erase(what.sql.text);
            // Ask anew, once: the server refused before it did anything, or has said that what was a transaction of its
            // own is rolled back.
            const bool harmless = exchange->began_idle() && what.before.empty();
            if (!again && harmless && (stale || was_hit(*exchange, *error)))
                continue;
        }
        throw_error(*exchange, machine, label(what));
        co_return std::move(machine.answer());
    }
}

asio::awaitable<std::vector<result>> run_script_on(std::shared_ptr<link> on, sql_text text, call_options options)
{
    const auto deadline = deadline_of(options);
    if (!on->is_free())
        co_await on->enter(deadline);
    on->require_open();
    const auto exchange = make_exchange<fsm::script>();
    exchange->deadline = deadline;
    protocol::write_query(on->outgoing(), text.text);
    on->queue(exchange);
    co_await on->wait(exchange);
    throw_error(*exchange, exchange->machine(), options.name.empty() ? "SCRIPT" : options.name);
    co_return std::move(exchange->machine().answers());
}

asio::awaitable<std::unique_ptr<connection>> connect_link(asio::any_io_executor executor, connect_options options)
{
    auto opened = co_await engine::connect(std::move(executor), std::move(options));
    co_return std::make_unique<connection>(std::move(opened));
}

} // namespace

asio::awaitable<std::unique_ptr<connection>>
connection::connect(asio::any_io_executor executor, connect_options options)
{
    return connect_link(std::move(executor), std::move(options));
}

connection::connection(std::shared_ptr<link> opened) : link_(std::move(opened)) {}

connection::~connection()
{
    close();
}

asio::awaitable<result> connection::run(statement what)
{
    return run_on(link_, std::move(what));
}

asio::awaitable<std::vector<result>> connection::run_script(sql_text text, call_options options)
{
    return run_script_on(link_, std::move(text), options);
}

void connection::close() noexcept
{
    link_->terminate();
}

bool connection::is_open() const noexcept
{
    return link_->is_open();
}

std::size_t connection::in_flight() const noexcept
{
    return link_->in_flight();
}

transaction_status connection::status() const noexcept
{
    return link_->status;
}

std::int32_t connection::backend_pid() const noexcept
{
    return link_->key.pid;
}

std::string_view connection::parameter(std::string_view name) const noexcept
{
    const auto found = link_->parameters.find(name);
    return found == link_->parameters.end() ? std::string_view() : std::string_view(found->second);
}

void connection::on_notice(notice_handler handler)
{
    link_->on_notice = std::move(handler);
}

} // namespace tradecore::pg
