// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"
#include "pg/engine/statement_cache.hpp"

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/statement.hpp>

#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What all calls have in common: their limits, their names in errors, and their messages.
namespace tradecore::pg::engine {

[[nodiscard]] link::clock::time_point deadline_of(const call_options& options);
/// The same, by the link's reading of the clock.
[[nodiscard]] link::clock::time_point deadline_of(link& on, const call_options& options);
/// @returns what a call is called in errors: its name, else its verb.
[[nodiscard]] std::string_view label_of(const call_options& options, std::string_view verb);

/// Whether the server refused only because what it had prepared is out of date.
[[nodiscard]] bool is_out_of_date(const diagnostics& error);

/// @returns what an ended exchange has to say for an error of the server: why it was asked to stop when it did stop.
[[nodiscard]] std::exception_ptr error_of(const exchange& ended, diagnostics error, std::string_view label);

using closable_statements = std::vector<std::shared_ptr<const prepared_statement>>;

/// Puts messages into the link's buffer that also close what can be closed, all of them or none.
/// @param write called with the buffer and what is to be closed; may throw.
/// @returns what is closed.
template <class Write>
closable_statements write_closing(link& on, Write write)
{
    auto closing = on.statements.take_closable();
    auto& out = on.outgoing();
    const auto start = out.size();
    try {
        write(out, std::as_const(closing));
    }
    catch (...) {
        out.resize(start);
        on.statements.put_back(std::move(closing));
        throw;
    }
    return closing;
}

/// Appends unnamed commands without parameters: Parse, Bind, Execute each.
void write_commands(std::string& out, std::span<const std::string> commands);
/// Appends the Parse that a statement without a name needs before each Bind.
void write_parse_if_unnamed(std::string& out, const prepared_statement& prepared, std::string_view text);

} // namespace tradecore::pg::engine
