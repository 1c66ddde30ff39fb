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

statement_watch::statement_watch(
    statement_monitor& by, const pg::statement* single, std::unique_ptr<const command> other, transaction_trace* within)
    : monitor_(by), within_(within), single_(single), other_(std::move(other)), began_(clock::now())
{
    if (session())
        session()->begin(sql(), name(), began_);
}

statement_watch::statement_watch(statement_monitor& by, const pg::statement& what, transaction_trace* within)
    : statement_watch(by, &what, nullptr, within)
{}

statement_watch::statement_watch(statement_monitor& by, const pg::repeated_statement& what, transaction_trace* within)
    : statement_watch(by, "EXECUTE_MANY", what.sql, what.options.name, within)
{}

statement_watch::statement_watch(statement_monitor& by, const pg::batch& what, transaction_trace* within)
    : statement_watch(
          by, nullptr,
          std::make_unique<const command>(command{
              .verb = "BATCH",
              .sql = what.size() > 0 ? what.entries().front().sql : sql_text(),
              .name = what.options.name,
              .is_batch = true,
              .further = what.size() > 0 ? what.size() - 1 : 0}),
          within)
{}

statement_watch::statement_watch(
    statement_monitor& by, std::string_view verb, const sql_text& sql, std::string_view name, transaction_trace* within)
    : statement_watch(
          by, nullptr, std::make_unique<const command>(command{.verb = verb, .sql = sql, .name = name}), within)
{}

void statement_watch::runs_on(std::int32_t pid)
{
    session_ = monitor_.sessions().use(pid);
    session_->in_transaction = false;
    session_->transaction.clear();
    session_->begin(sql(), name(), began_);
}

clock::time_point statement_watch::ended(const pg::result& answer) noexcept
{
    return ended(rows_of(answer), nullptr);
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

clock::time_point statement_watch::ended(std::uint64_t rows, const std::exception_ptr& error) noexcept
{
    const auto now = clock::now();
    const auto took = now - began_;
    if (session())
        session()->end(now);
    if (within_ != nullptr && single_ != nullptr && !error)
        within_->loops().note(sql(), name(), rows, took);
    const bool is_batch = other_ && other_->is_batch;
    monitor_.table().count(is_batch ? any_batch : sql(), name(), took, rows, error != nullptr);
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
    return now;
}

std::string statement_watch::arguments() const
{
    const auto& options = monitor_.options();
    if (single_ == nullptr || !options.log_arguments)
        return {};
    return single_->arguments.describe(options.logged_arguments_length);
}

void statement_watch::say_slow(milliseconds took, bool failed) const
{
    const auto& options = monitor_.options();
    auto text = shorten(sql().text, options.logged_sql_length);
    if (other_ && other_->further > 0)
        text += fmt::format(" (and {} more)", other_->further);
    observe::log(
        observe::level::warn,
        slow_query_line(options.name, single_ != nullptr ? single_->verb : other_->verb, took, text, arguments()),
        {{"database", options.name},
         {"took_ms", took.count()},
         {"threshold_ms", options.slow_query.count()},
         {"statement", name()},
         {"location", place_of(sql().where)},
         {"transaction", within_ != nullptr ? within_->name() : std::string_view()},
         {"transaction_location", within_ != nullptr ? place_of(within_->where()) : std::string()},
         {"failed", failed}});
}

} // namespace tradecore::detail
