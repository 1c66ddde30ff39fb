// SPDX-License-Identifier: Apache-2.0
#include "db/statement_log.hpp"

#include "db/warnings.hpp"

#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

namespace tradecore::detail {
namespace {

/// More than this is not copied for a line that will be cut anyway.
constexpr std::size_t largest_copy = 16'384;

} // namespace

statement_log::statement_log(const database_options& options, const pg::statement& what, std::string_view transaction)
    : options_(options), began_(std::chrono::steady_clock::now()), transaction_(transaction)
{
    if (options_.slow_query.count() == 0)
        return;
    sql_ = what.sql;
    verb_ = what.verb;
    name_ = what.options.name;
    argument_bytes_ = what.arguments.byte_size();
    if (options_.log_arguments && what.arguments.size() > 0 && argument_bytes_ <= largest_copy)
        arguments_ = what.arguments;
}

void statement_log::ended(bool failed) const
{
    if (options_.slow_query.count() == 0)
        return;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    if (took <= options_.slow_query || !observe::enabled(observe::level::warn))
        return;
    std::string arguments;
    if (arguments_)
        arguments = arguments_->describe(options_.logged_arguments_length);
    else if (options_.log_arguments && argument_bytes_ > largest_copy)
        arguments = fmt::format("({} bytes)", argument_bytes_);
    observe::log(
        observe::level::warn,
        slow_query_line(options_.name, verb_, took, shorten(sql_.text, options_.logged_sql_length), arguments),
        {{"database", options_.name},
         {"took_ms", took.count()},
         {"threshold_ms", options_.slow_query.count()},
         {"statement", name_},
         {"transaction", transaction_},
         {"failed", failed}});
}

} // namespace tradecore::detail
