// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/prepare.hpp"

#include "pg/engine/call.hpp"
#include "pg/engine/type_lookup.hpp"
#include "pg/fsm/query.hpp"
#include "pg/leading_keyword.hpp"
#include "pg/makes_temporary.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <new>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using namespace tradecore::pg::literals;

namespace {

using statement_ptr = std::shared_ptr<prepared_statement>;

/// A preparation that holds its statement, which is not closed before its end.
class preparation final : public fsm::prepare {
public:
    explicit preparation(statement_ptr of) noexcept : of_(std::move(of)) {}
    preparation(const preparation&) = delete;
    preparation& operator=(const preparation&) = delete;
    preparation(preparation&&) = delete;
    preparation& operator=(preparation&&) = delete;
    ~preparation() override
    {
        // There is nothing to close, or it is somebody else's.
        if (!was_parsed())
            of_->name.clear();
    }

private:
    statement_ptr of_;
};

/// Whoever leaves before a statement is kept leaves it to be closed.
class closes_on_exit {
public:
    /// `kept_in` must outlive it.
    closes_on_exit(statement_cache& kept_in, statement_ptr made) noexcept : kept_in_(&kept_in), made_(std::move(made))
    {}
    closes_on_exit(const closes_on_exit&) = delete;
    closes_on_exit& operator=(const closes_on_exit&) = delete;
    closes_on_exit(closes_on_exit&&) = delete;
    closes_on_exit& operator=(closes_on_exit&&) = delete;
    ~closes_on_exit()
    {
        try {
            if (made_ && !made_->name.empty())
                kept_in_->put_back({std::move(made_)});
        }
        catch (const std::bad_alloc&) {
            // The server keeps it until the connection ends.
        }
    }

    void release() noexcept { made_ = nullptr; }

private:
    statement_cache* kept_in_;
    statement_ptr made_;
};

void complete(const statement_ptr& made, statement_types types, std::string description, std::string_view text)
{
    made->parameter_types = std::move(types.parameters);
    if (types.columns) {
        for (const auto& column : *types.columns)
            made->result_formats.push_back(static_cast<std::int16_t>(column.format));
        made->description = std::move(description);
        protocol::set_formats(made->description, made->result_formats);
        made->tells_types = tell_types(*types.columns);
        made->columns = std::make_shared<const row_description>(std::move(*types.columns));
    }
    made->makes_temporary = pg::detail::makes_temporary(text);
    made->is_usual = !made->tells_types && !made->makes_temporary && made->parameter_types.known() == nullptr;
    made->frame = protocol::execution_frame(made->name, made->result_formats, made->name.empty());
}

/// @returns the same for a text that the server does not have under that name.
std::shared_ptr<const prepared_statement> without_name(std::shared_ptr<const prepared_statement> known)
{
    if (known->name.empty())
        return known;
    auto same = std::make_shared<prepared_statement>(*known);
    same->name.clear();
    same->frame = protocol::execution_frame({}, same->result_formats, true);
    return same;
}

} // namespace

asio::awaitable<std::shared_ptr<const prepared_statement>>
prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline)
{
    if (const auto lasting = without_trace_comment(text.text); lasting.size() != text.text.size())
        co_return without_name(
            co_await find_or_prepare(std::move(on), {lasting, text.owner, text.where}, label, deadline));
    // A server that takes COPY data would take whatever is sent behind it for data.
    if (pg::detail::copies_through_client(text.text))
        throw argument_error(
            "COPY from or to the client cannot be run by " + std::string(label) +
            "; copy_in and copy_out are for that");
    for (bool again = false;; again = true) {
        if (!on->is_free())
            co_await on->enter(deadline);
        on->require_open();
        const auto made = std::make_shared<prepared_statement>();
        if (on->names_statements)
            made->name = on->statements.fresh_name();
        closes_on_exit leaving(on->statements, made);
        const auto exchange = make_exchange<preparation>(made);
        exchange->deadline = deadline;
        exchange->changes_nothing = true;
        (void)write_closing(*on, [&](std::string& out, const closable_statements& closing) {
            // For whatever uses the cache: what it has dropped is closed when something new comes. Nothing that the
            // server could refuse stands before it.
            for (const auto& old : closing)
                protocol::write_close_statement(out, old->name);
            protocol::write_parse(out, made->name, text.text);
            protocol::write_describe_statement(out, made->name);
            protocol::write_sync(out);
        });
        on->queue(exchange);
        co_await on->wait(exchange);
        auto& machine = exchange->machine();
        if (auto& error = machine.error()) {
            // Somebody else has given the session a statement of this name: a pooler's server connection, reused.
            if (error->code == "42P05"_sqlstate && exchange->began_idle() && !again)
                continue;
            std::rethrow_exception(error_of(*exchange, std::move(*error), label));
        }
        if (exchange->cancelled_because())
            std::rethrow_exception(exchange->cancelled_because()); // nothing was run yet
        auto types =
            co_await complete_types(on, std::move(machine.parameter_types()), std::move(machine.columns()), deadline);
        complete(made, std::move(types), std::move(machine.description()), text.text);
        on->statements.insert(text.text, made);
        leaving.release();
        co_return made;
    }
}

asio::awaitable<std::shared_ptr<const prepared_statement>>
find_or_prepare(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline)
{
    on->require_open();
    if (auto known = on->statements.find(text.text))
        co_return known;
    co_return co_await prepare(std::move(on), std::move(text), label, deadline);
}

bool forget_if_out_of_date(
    link& on, const diagnostics& error, std::string_view text, const prepared_statement& prepared)
{
    const bool old_types = may_be_of_old_types(error, prepared.parameter_types, prepared.columns.get());
    if (old_types)
        on.types->forget();
    // Without a name it is bound with formats for the columns it had.
    const bool other_columns = prepared.name.empty() && error.code == "08P01"_sqlstate;
    if (!old_types && !other_columns && !is_out_of_date(error))
        return false;
    on.statements.erase(text);
    return true;
}

asio::awaitable<held_description>
describe_and_hold(std::shared_ptr<link> on, sql_text text, std::string_view label, link::clock::time_point deadline)
{
    for (bool again = false;; again = true) {
        auto held = co_await on->hold(deadline);
        on->require_open();
        const auto exchange = make_exchange<fsm::prepare>();
        exchange->deadline = deadline;
        protocol::write_parse(on->outgoing(), {}, text.text);
        protocol::write_describe_statement(on->outgoing(), {});
        protocol::write_sync(on->outgoing());
        on->queue(exchange);
        co_await on->wait(exchange);
        auto& machine = exchange->machine();
        if (auto& error = machine.error())
            std::rethrow_exception(error_of(*exchange, std::move(*error), label));
        if (exchange->cancelled_because())
            std::rethrow_exception(exchange->cancelled_because());
        // One that went before it may have been cancelled, and the request may come late.
        co_await on->settled(deadline);
        if (!machine.columns())
            co_return held_description{.held = std::move(held), .columns = {}};
        if (!again && has_user_types(*machine.columns())) {
            // These may have changed as well. The look-up takes turns as others do; until it has ended the columns may
            // be different ones again.
            held.release();
            on->types->forget();
            (void)co_await complete_types(on, {}, std::move(machine.columns()), deadline);
            continue;
        }
        auto types = types_as_known(*on, {}, std::move(machine.columns()));
        co_return held_description{
            .held = std::move(held), .columns = std::make_shared<const row_description>(std::move(*types.columns))};
    }
}

} // namespace tradecore::pg::engine
