// SPDX-License-Identifier: Apache-2.0
#include "db/commit_resolution.hpp"

#include "db/exception_text.hpp"
#include "db/incarnation.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/resilience/backoff.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace tradecore::detail {
namespace asio = boost::asio;
using resilience::time_point;
using std::chrono::milliseconds;

namespace {

/// Between two questions. Most of the time the server notices within microseconds that its client is gone.
constexpr resilience::backoff_policy pauses{.base = milliseconds(5), .cap = milliseconds(500), .jitter = 0.5};
/// A session that has waited so long for a client whose connection is gone is ended: the server itself may notice in
/// hours only, when the network did not tell it.
constexpr milliseconds idle_too_long{1'000};

commit_finding unknown(std::string why)
{
    return {.fate = commit_fate::unknown, .why = std::move(why)};
}

asio::awaitable<std::vector<pg::result>> ask(physical_connection& on, std::string sql, resilience::duration limit)
{
    const auto text = std::make_shared<const std::string>(std::move(sql));
    pg::call_options options;
    options.timeout = std::max(std::chrono::duration_cast<milliseconds>(limit), milliseconds(1));
    return on.run_script({*text, text}, options);
}

std::string question(const lost_commit& lost, bool ends_it)
{
    // In one statement, for behind a pooler the next one may meet another server. Another server may say anything of
    // the id, also that there is no such id, which is an error.
    auto sql = fmt::format(
        "SELECT incarnation, CASE WHEN incarnation = '{}' THEN pg_catalog.pg_xact_status('{}') END FROM ({}) server",
        lost.incarnation, lost.xid, question_of_incarnation);
    // Of its own role a session may end others. One that waits for its client has not been told to commit. Elsewhere
    // the id is that of somebody else's transaction.
    if (ends_it)
        sql = fmt::format(
                  "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                  "WHERE backend_xid = '{}'::pg_catalog.xid8::pg_catalog.xid AND state LIKE 'idle in transaction%' "
                  "AND (SELECT incarnation FROM ({}) server) = '{}'; ",
                  lost.xid, question_of_incarnation, lost.incarnation) +
              sql;
    return sql;
}

/// One attempt. @returns nothing when it is worth another one.
asio::awaitable<std::optional<commit_finding>> ask_once(
    tradecore::pool& pool, const time_source& time, const lost_commit& lost, bool ends_it, time_point until,
    std::string& trouble)
{
    try {
        usage user{.kind = "resolution of a COMMIT", .label = {}, .keeps = {}};
        const lease other = co_await pool.acquire(std::move(user), resilience::clock::now() + (until - time.now()));
        const auto answers = co_await ask(*other, question(lost, ends_it), until - time.now());
        const auto& answer = answers.back();
        const auto incarnation = answer.at(0, 0).as<std::string>();
        const auto status = answer.at(0, 1).as<std::optional<std::string>>();
        commit_answer said{.incarnation = incarnation};
        if (status)
            said.status = *status;
        auto found = judge(lost, said);
        if (!found)
            trouble = "the server says that it is still in progress";
        co_return found;
    }
    catch (const database_closed& closed) {
        co_return unknown(closed.what());
    }
    catch (const pg::server_error& refused) {
        trouble = fmt::format("the server could not be asked: {}", refused.what());
    }
    catch (...) {
        trouble = fmt::format("the server could not be asked: {}", what_of(std::current_exception()));
    }
    co_return std::nullopt;
}

} // namespace

std::optional<commit_finding> judge(const lost_commit& lost, const commit_answer& said)
{
    if (lost.incarnation.empty() || said.incarnation.empty())
        return unknown("what tells the server from others is not known");
    if (said.incarnation != lost.incarnation)
        return unknown("the server has crashed, was started again or is another one since, and its ids mean nothing");
    if (!said.status)
        return unknown("the server does not remember the transaction any more");
    if (*said.status == "committed")
        return commit_finding{.fate = commit_fate::committed};
    if (*said.status == "aborted")
        return commit_finding{.fate = commit_fate::rolled_back};
    if (*said.status == "in progress")
        return std::nullopt;
    return unknown(fmt::format("the server says that it is '{}'", *said.status));
}

asio::awaitable<commit_finding>
resolve_commit(tradecore::pool& pool, const time_source& time, lost_commit lost, time_point until)
{
    const auto began = time.now();
    std::string trouble = "there was no time to ask";
    for (unsigned asked = 0;; ++asked) {
        const auto now = time.now();
        if (now >= until)
            break;
        if (auto found = co_await ask_once(pool, time, lost, now - began > idle_too_long, until, trouble))
            co_return std::move(*found);
        const auto left = std::max(until - time.now(), resilience::duration::zero());
        co_await time.pause(std::min(resilience::pause(pauses, asked, time.random()), left));
    }
    const auto took = std::chrono::duration_cast<milliseconds>(time.now() - began);
    co_return unknown(fmt::format("within {} ms no answer came to that: {}", took.count(), trouble));
}

} // namespace tradecore::detail
