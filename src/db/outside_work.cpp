// SPDX-License-Identifier: Apache-2.0
#include "db/outside_work.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/pg/only_reads.hpp>

#include <fmt/format.h>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

// One for all databases: what happens on one concerns the transactions of others. Only its address counts, and that
// is good for as long as the program.
const context_var<running_body> bodies;

running_body* innermost_of(const asio::any_io_executor& executor) noexcept
{
    const auto* entry = find_ambient(executor, &bodies);
    return entry == nullptr ? nullptr : static_cast<running_body*>(entry->value.get());
}

/// @returns whether a change by `by` is outside of this body and not noted yet.
bool is_news(const running_body* body, const transaction_core* by) noexcept
{
    return body != nullptr && body->transaction() != by;
}

} // namespace

void running_body::note(std::string_view kind, std::string_view database)
{
    const std::lock_guard lock(mutex_);
    if (changed_outside_.empty())
        changed_outside_ = fmt::format("a {} on '{}'", kind, database);
}

std::string running_body::changed_outside() const
{
    const std::lock_guard lock(mutex_);
    return changed_outside_;
}

std::shared_ptr<running_body> body_around(const asio::any_io_executor& executor)
{
    return bodies.get(executor);
}

asio::any_io_executor enter_body(const asio::any_io_executor& executor, std::shared_ptr<running_body> body)
{
    return with_context(executor, bodies.set(context_of(executor), std::move(body)));
}

void note_change(running_body* innermost, const transaction_core* by, std::string_view kind, std::string_view database)
{
    for (auto* body = innermost; is_news(body, by); body = body->enclosing())
        body->note(kind, database);
}

void note_change(
    const asio::any_io_executor& executor, const transaction_core* by, std::string_view kind, std::string_view database)
{
    note_change(innermost_of(executor), by, kind, database);
}

void note_statement(
    const asio::any_io_executor& executor, const transaction_core* by, std::string_view sql, std::string_view database)
{
    auto* const body = innermost_of(executor);
    if (is_news(body, by) && !pg::only_reads(sql))
        note_change(body, by, "statement", database);
}

} // namespace tradecore::detail
