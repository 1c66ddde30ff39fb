// SPDX-License-Identifier: Apache-2.0
#include "db/to_ms.hpp"
#include "db/traced_calls.hpp"
#include "db/transaction_core.hpp"
#include "db/warnings.hpp"

#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

/// How long the fate of a COMMIT is looked for at least, whatever the transaction's own limit says.
constexpr std::chrono::milliseconds shortest_resolution{250};

} // namespace

asio::awaitable<void> transaction_core::commit(physical_connection& on, std::string unfinished)
{
    const bool may_be_sent = on.is_open();
    const auto pid = on.backend_pid();
    try {
        const auto answers = co_await on.run_script(runtime_sql(unfinished + "COMMIT").text(), {});
        if (answers.empty() || answers.back().tag().text() != "COMMIT") {
            error_ = std::make_exception_ptr(transaction_rolled_back(
                "COMMIT of the " + label() + " was answered with ROLLBACK: " + why_failed(),
                failure_.value_or(pg::sqlstate())));
        }
    }
    catch (...) {
        error_ = std::current_exception();
        tell_breaker(error_);
        failed_by(error_, facts());
        spoilt_ = spoilt_ || meaning_of(error_, facts()).spoils_session;
    }
    if (!error_ || !may_be_sent)
        co_return;
    // An error after which the session goes on was answered before anything was committed.
    bool in_doubt = !on.is_open();
    std::string reason = "unknown error";
    try {
        std::rethrow_exception(error_);
    }
    catch (const pg::error& e) {
        in_doubt = in_doubt || e.code() == pg::disposition::in_doubt;
        reason = e.what();
    }
    catch (const std::exception& e) {
        reason = e.what();
    }
    catch (...) {
        in_doubt = true;
    }
    if (!in_doubt)
        co_return;
    cause_.in_doubt = true;
    unanswered_ = unanswered_commit{
        .doubt = proof_.doubt(),
        .what = {.xid = proof_.id().value_or(0), .incarnation = std::string(on.incarnation())},
        .backend_pid = pid,
        .reason = std::move(reason)};
}

transaction_core::clock::time_point transaction_core::end_of_resolution() const
{
    const auto now = database_->retries().now();
    const auto limit = resilience::saturating_sum(now, database_->options().commit_resolution);
    // It is asked at least once: the answer is worth more than being in time.
    return deadline_ ? std::min(limit, std::max(*deadline_, now + shortest_resolution)) : limit;
}

asio::awaitable<void> transaction_core::resolve()
{
    const auto lost = std::move(*std::exchange(unanswered_, std::nullopt));
    const auto began = clock::now();
    connection_.discard(); // its place in the pool is for the connection that asks
    commit_finding found;
    if (lost.doubt == commit_doubt::none)
        found.fate = commit_fate::rolled_back;
    else if (lost.doubt == commit_doubt::has_id)
        found = co_await traced_calls::resolution(
            database_, resolve_commit(database_->pool(), database_->retries().time(), lost.what, end_of_resolution()));
    else
        found.why = reason_of(lost.doubt);

    const auto cause = std::exchange(error_, nullptr);
    std::string_view outcome = "had taken effect";
    if (found.fate == commit_fate::rolled_back) {
        cause_.in_doubt = false;
        outcome = lost.doubt == commit_doubt::none ? "had nothing to commit" : "was rolled back";
        error_ = std::make_exception_ptr(pg::connection_error(
            pg::client_errc::connection_closed,
            fmt::format(
                "the connection was lost while the {} was committed, without effect: {}", label(), lost.reason)));
    }
    else if (found.fate == commit_fate::unknown) {
        outcome = "may have taken effect or not";
        error_ = std::make_exception_ptr(commit_unknown(
            fmt::format(
                "whether the {} was committed is not known: the connection was lost after COMMIT was sent (server "
                "process {}, transaction id {}): {}; {}",
                label(), lost.backend_pid, proof_.id() ? std::to_string(lost.what.xid) : "not known", lost.reason,
                found.why),
            lost.backend_pid, cause, proof_.id()));
    }
    observe::log(
        observe::level::warn, lost_commit_line(database_->options().name, outcome),
        {{"database", database_->options().name},
         {"transaction", options_.name},
         {"location", place_of(options_.where)},
         {"xid", lost.what.xid},
         {"backend_pid", lost.backend_pid},
         {"took_ms", to_ms(clock::now() - began).count()},
         {"reason", lost.reason},
         {"why", found.why}});
}

} // namespace tradecore::detail
