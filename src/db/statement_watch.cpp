// SPDX-License-Identifier: Apache-2.0
#include "db/statement_watch.hpp"

#include "db/deadlock_report.hpp"
#include "db/warnings.hpp"

#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <utility>

namespace tradecore::detail {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// What stands for a batch in statistics.
constinit const sql_text any_batch{"(batch)", nullptr};

std::uint64_t rows_of(const pg::result& answer) noexcept
{
    return answer.empty() ? answer.tag().rows_affected() : answer.size();
}

} // namespace

statement_watch::statement_watch(statement_monitor& by, const pg::statement& what, transaction_trace* within)
    : statement_watch(by, what.verb, what.sql, what.options.name, within)
{
    is_single_ = true;
    if (by.options().log_arguments)
        arguments_ = &what.arguments;
}

statement_watch::statement_watch(statement_monitor& by, const pg::repeated_statement& what, transaction_trace* within)
    : statement_watch(by, "EXECUTE_MANY", std::make_unique<const sql_text>(what.sql), what.options.name, within)
{}

statement_watch::statement_watch(statement_monitor& by, const pg::batch& what, transaction_trace* within)
    : statement_watch(
          by, "BATCH", std::make_unique<const sql_text>(what.size() > 0 ? what.entries().front().sql : sql_text()),
          what.options.name, within)
{
    is_batch_ = true;
    further_ = what.size() > 0 ? static_cast<std::uint32_t>(what.size() - 1) : 0;
}

statement_watch::statement_watch(
    statement_monitor& by, std::string_view verb, std::unique_ptr<const sql_text> sql, std::string_view name,
    transaction_trace* within)
    : statement_watch(by, verb, *sql, name, within)
{
    kept_sql_ = std::move(sql);
}

statement_watch::statement_watch(
    statement_monitor& by, std::string_view verb, const sql_text& sql, std::string_view name, transaction_trace* within)
    : monitor_(by), within_(within), sql_(&sql), began_(clock::now()), verb_(verb), name_(name)
{
    if (session())
        session()->begin(*sql_, name_, began_);
}

void statement_watch::runs_on(std::int32_t pid)
{
    session_ = monitor_.sessions().use(pid);
    session_->in_transaction = false;
    session_->transaction.clear();
    session_->begin(*sql_, name_, began_);
}

void statement_watch::ended(const pg::result& answer, const std::exception_ptr& error) noexcept
{
    if (error)
        ended(std::uint64_t{0}, error);
    else
        ended(rows_of(answer), error);
}

void statement_watch::ended(const pg::batch_answers& answers, const std::exception_ptr& error) noexcept
{
    auto said = error;
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!said)
            said = answers.error(i);
        rows += pg::command_tag(answers.tag(i)).rows_affected();
    }
    ended(rows, said);
}

void statement_watch::ended(std::uint64_t rows, const std::exception_ptr& error) noexcept
{
    const auto now = clock::now();
    const auto took = now - began_;
    if (session())
        session()->end(now);
    if (within_ != nullptr && is_single_ && !error)
        within_->loops().note(*sql_, name_, rows, took);
    monitor_.table().count(is_batch_ ? any_batch : *sql_, name_, took, rows, error != nullptr);
    try {
        auto deadlock = error && session() ? deadlock_of(monitor_.options(), monitor_.sessions(), session(), error, now)
                                           : std::nullopt;
        if (deadlock)
            monitor_.tell(std::move(*deadlock));
        const auto threshold = monitor_.options().slow_query;
        if (threshold.count() > 0 && took > threshold && observe::enabled(observe::level::warn))
            say_slow(std::chrono::duration_cast<milliseconds>(took), error != nullptr);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): telling of the work must not make it fail
    }
}

std::string statement_watch::arguments() const
{
    return arguments_ != nullptr ? arguments_->describe(monitor_.options().logged_arguments_length) : std::string();
}

void statement_watch::say_slow(milliseconds took, bool failed) const
{
    const auto& options = monitor_.options();
    auto sql = shorten(sql_->text, options.logged_sql_length);
    if (further_ > 0)
        sql += fmt::format(" (and {} more)", further_);
    observe::log(
        observe::level::warn, slow_query_line(options.name, verb_, took, sql, arguments()),
        {{"database", options.name},
         {"took_ms", took.count()},
         {"threshold_ms", options.slow_query.count()},
         {"statement", name_},
         {"location", place_of(sql_->where)},
         {"transaction", within_ != nullptr ? within_->name() : std::string_view()},
         {"transaction_location", within_ != nullptr ? place_of(within_->where()) : std::string()},
         {"failed", failed}});
}

} // namespace tradecore::detail
