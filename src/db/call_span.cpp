// SPDX-License-Identifier: Apache-2.0
#include "db/call_span.hpp"

#include "db/exception_text.hpp"
#include "db/trace_scope.hpp"
#include "db/warnings.hpp"

#include <tradecore/observe/utf8.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/query_summary.hpp>
#include <tradecore/pg/server_error.hpp>

#include <boost/core/demangle.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <typeinfo>
#include <utility>
#include <vector>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

constexpr std::uint16_t usual_port = 5432;

/// Where the database is, as its configuration says.
struct server {
    std::string address;
    /// When it is another than the usual one, and the address has none.
    std::optional<std::uint16_t> port{};
};

server server_of(const pg::connect_options& to)
{
    if (to.hosts.empty())
        return {};
    const auto port = to.hosts.front().port;
    const bool same_port =
        std::ranges::all_of(to.hosts, [port](const pg::host_address& each) { return each.port == port; });
    server found;
    for (const auto& each : to.hosts) {
        found.address += found.address.empty() ? "" : ",";
        found.address += same_port ? each.name() : fmt::format("{}:{}", each.name(), each.port);
    }
    if (same_port && port != usual_port)
        found.port = port;
    return found;
}

std::string_view namespace_of(const pg::connect_options& to)
{
    return to.database.empty() ? to.user : to.database;
}

/// SQL that was made at run time may have values written into it, unless it has arguments for them.
bool may_show(const sql_text& sql, bool has_arguments)
{
    return has_arguments || !sql.owner;
}

std::string summary_of(const span_of_call& what)
{
    if (!what.name.empty())
        return std::string(what.name);
    if (!what.operation.empty())
        return std::string(what.operation);
    return pg::query_summary(what.sql.text);
}

std::unique_ptr<observe::span>
begin_span(const database_options& of, const span_of_call& what, const observe::trace_context* parent)
{
    const bool is_client = what.kind == observe::span_kind::client;
    const auto at = server_of(of.connect);
    const auto summary = observe::valid_utf8(summary_of(what));
    const auto text = what.shows_sql ? shorten(what.sql.text, of.logged_sql_length) : std::string();
    std::vector<observe::field> attributes{
        {"db.system.name", "postgresql"}, {"db.namespace", namespace_of(of.connect)}, {"tradecore.database", of.name}};
    if (!at.address.empty())
        attributes.emplace_back("server.address", at.address);
    if (at.port)
        attributes.emplace_back("server.port", *at.port);
    if (is_client && !summary.empty())
        attributes.emplace_back("db.query.summary", summary);
    if (!text.empty())
        attributes.emplace_back("db.query.text", text);
    if (!what.operation.empty())
        attributes.emplace_back("db.operation.name", what.operation);
    if (what.size && *what.size != 1)
        attributes.emplace_back("db.operation.batch.size", *what.size);
    const auto name = !summary.empty() ? std::string_view(summary) : namespace_of(of.connect);
    return of.tracer->start({.name = name, .kind = what.kind, .parent = parent, .attributes = attributes});
}

} // namespace

span_of_call span_of_call::of(const pg::statement& what)
{
    return {.name = what.options.name, .sql = what.sql, .shows_sql = may_show(what.sql, what.arguments.size() > 0)};
}

span_of_call span_of_call::of(const pg::batch& what)
{
    // An entry's text stands for all when all have the same.
    const auto& all = what.entries();
    span_of_call made{.name = what.options.name, .operation = "BATCH", .size = all.size()};
    if (!all.empty() && std::ranges::all_of(all, [&](const pg::statement& each) {
            return each.sql.text == all.front().sql.text && may_show(each.sql, each.arguments.size() > 0);
        })) {
        made.sql = all.front().sql;
        made.shows_sql = true;
    }
    return made;
}

span_of_call span_of_call::of(const sql_text& sql, const pg::call_options& options, std::string_view operation)
{
    return {.name = options.name, .sql = sql, .shows_sql = may_show(sql, false), .operation = operation};
}

std::optional<observe::trace_context> trace_to_tell(const asio::any_io_executor& executor)
{
    const auto around = trace_around(executor);
    if (!around || !around->span || !around->context.is_sampled())
        return std::nullopt;
    return around->context;
}

std::string announcement_of_trace(const asio::any_io_executor& executor)
{
    const auto trace = trace_to_tell(executor);
    if (!trace)
        return {};
    // Nothing but digits and dashes, and short enough for a name.
    return "SET LOCAL application_name = '" + observe::to_traceparent(*trace) + "'";
}

std::string error_type_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::server_error& e) {
        return std::string(e.state().text());
    }
    catch (const std::exception& e) {
        return boost::core::demangle(typeid(e).name());
    }
    catch (...) {
        return "_OTHER";
    }
}

call_span::call_span(const database_options& of, const asio::any_io_executor& around, const span_of_call& what)
{
    const auto outer = trace_around(around);
    const bool has_parent = outer && outer->context.is_valid();
    span_ = begin_span(of, what, has_parent ? &outer->context : nullptr);
    // What is not recorded hides what is around it: it would be told of what happens inside.
    inside_ = enter_trace(
        around, std::make_shared<trace_scope>(trace_scope{
                    span_        ? span_->context()
                    : has_parent ? outer->context
                                 : observe::trace_context(),
                    span_}));
}

call_span::~call_span()
{
    if (span_)
        span_->end({.failed = true, .error = "given up before its end"});
}

void call_span::end(const std::exception_ptr& error, std::optional<observe::field> further) noexcept
{
    const auto ending = std::exchange(span_, nullptr);
    if (!ending)
        return;
    try {
        std::vector<observe::field> attributes;
        if (further)
            attributes.push_back(*further);
        if (!error) {
            ending->end({.failed = false, .attributes = attributes});
            return;
        }
        const auto type = error_type_of(error);
        const auto said = observe::valid_utf8(what_of(error));
        attributes.emplace_back("error.type", type);
        if (type.size() == 5) // an SQLSTATE
            attributes.emplace_back("db.response.status_code", type);
        ending->end({.failed = true, .error = said, .attributes = attributes});
    }
    catch (...) {
        ending->end({.failed = error != nullptr}); // no memory for more
    }
}

void note_repetition(
    const asio::any_io_executor& executor, const std::exception_ptr& error, int attempt,
    resilience::duration wait) noexcept
{
    const auto around = trace_around(executor);
    if (!around || !around->span)
        return;
    try {
        const auto type = error_type_of(error);
        const auto said = observe::valid_utf8(what_of(error));
        const std::array<observe::field, 4> attributes{{
            {"error.type", type},
            {"exception.message", said},
            {"tradecore.attempt", attempt},
            {"tradecore.wait_ms", std::chrono::ceil<std::chrono::milliseconds>(wait).count()},
        }};
        around->span->event("tradecore.retry", attributes);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): telling of the work must not make it fail
    }
}

} // namespace tradecore::detail
