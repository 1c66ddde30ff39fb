// SPDX-License-Identifier: Apache-2.0
#include "db/statement_monitor.hpp"

#include "db/foreign_sessions.hpp"
#include "db/warnings.hpp"

#include <tradecore/observe/log.hpp>

#include <utility>

namespace tradecore::detail {

void statement_monitor::tell(deadlock_report what)
{
    try {
        if (pool_ != nullptr && !what.foreign().empty()) {
            if (auto connection = pool_->try_acquire({.kind = "deadlock report"})) {
                log_with_foreign(executor_, std::move(connection), std::move(what), options_.logged_sql_length);
                return;
            }
        }
    }
    catch (const pg::error&) { // NOLINT(bugprone-empty-catch): it is closing; said without the others
    }
    what.log();
}

void transaction_trace::runs_on(backend_sessions& sessions, std::int32_t pid)
{
    session_ = sessions.use(pid);
    session_->in_transaction = true;
    session_->transaction = name_;
    session_->transaction_where = where_;
}

void transaction_trace::ended() const noexcept
{
    const auto* loop = loops_.worst();
    if (loop == nullptr || !observe::enabled(observe::level::warn))
        return;
    try {
        say(*loop);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): telling of the work must not make it fail
    }
}

void transaction_trace::say(const statement_loops::loop& loop) const
{
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(loop.took);
    const auto advice = instead_of_loop(loop.sql.text);
    const auto sql = shorten(loop.sql.text, options_.logged_sql_length);
    observe::log(
        observe::level::warn, statement_loop_line(options_.name, loop.count, took, sql, advice),
        {{"database", options_.name},
         {"statement", loop.name},
         {"location", place_of(loop.sql.where)},
         {"count", loop.count},
         {"threshold", options_.statement_loop},
         {"took_ms", took.count()},
         {"transaction", name_},
         {"transaction_location", place_of(where_)},
         {"instead", advice}});
}

} // namespace tradecore::detail
