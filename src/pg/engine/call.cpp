// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/call.hpp"

#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore::pg::engine {

using namespace tradecore::pg::literals;

namespace {

// A limit that ends beyond all time is none.
link::clock::time_point add(link::clock::time_point now, std::chrono::milliseconds limit)
{
    const auto longest = exchange::no_deadline - now;
    return limit < std::chrono::duration_cast<std::chrono::milliseconds>(longest) ? now + limit : exchange::no_deadline;
}

/// @returns why the server was asked to stop; of a passed limit with the name of what took too long.
std::exception_ptr labelled(const std::exception_ptr& why, std::string_view label)
{
    if (label.empty())
        return why;
    try {
        std::rethrow_exception(why);
    }
    catch (const timeout_error& late) {
        return std::make_exception_ptr(timeout_error(std::string(label) + ": " + late.what()));
    }
    catch (...) {
        return why; // cancelled by its caller, who knows
    }
}

} // namespace

link::clock::time_point deadline_of(const call_options& options)
{
    return options.timeout ? add(link::clock::now(), *options.timeout) : exchange::no_deadline;
}

link::clock::time_point deadline_of(link& on, const call_options& options)
{
    return options.timeout ? add(on.now(), *options.timeout) : exchange::no_deadline;
}

std::string_view label_of(const call_options& options, std::string_view verb)
{
    return options.name.empty() ? verb : options.name;
}

bool is_out_of_date(const diagnostics& error)
{
    return is_stale_plan(error) || error.code == "26000"_sqlstate;
}

std::exception_ptr error_of(const exchange& ended, diagnostics error, std::string_view label)
{
    if (ended.cancelled_because() && error.code == "57014"_sqlstate)
        return labelled(ended.cancelled_because(), label);
    return make_server_error(std::move(error), label);
}

void write_commands(std::string& out, std::span<const std::string> commands)
{
    for (const auto& command : commands) {
        protocol::write_parse(out, {}, command);
        protocol::write_bind(out, {}, parameters{}, {}, {});
        protocol::write_execute(out);
    }
}

void write_parse_if_unnamed(std::string& out, const prepared_statement& prepared, std::string_view text)
{
    if (prepared.name.empty())
        protocol::write_parse(out, {}, text, prepared.parameter_types.ids());
}

} // namespace tradecore::pg::engine
