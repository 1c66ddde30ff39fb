// SPDX-License-Identifier: Apache-2.0
#include "db/repeated_call.hpp"

#include "db/call_span.hpp"
#include "db/error_note.hpp"
#include "db/exception_text.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/pg/only_reads.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

asio::awaitable<void> wait_on(asio::any_io_executor executor, resilience::duration time)
{
    asio::steady_timer timer(executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

time_source complete(time_source given, const asio::any_io_executor& executor)
{
    if (!given.now)
        given.now = &resilience::clock::now;
    if (!given.random) {
        std::random_device device;
        given.random = resilience::seeded_random((std::uint64_t{device()} << 32U) | device());
    }
    if (!given.pause)
        given.pause = [executor](resilience::duration time) { return wait_on(executor, time); };
    return given;
}

milliseconds rounded_up(resilience::duration time)
{
    return std::chrono::ceil<milliseconds>(time);
}

} // namespace

retry_surroundings::retry_surroundings(
    const asio::any_io_executor& executor, const database_options& options, time_source time)
    : options_(options), time_(complete(std::move(time), executor)), budget_(options.retry_budget)
{}

void retry_surroundings::count(resilience::fault kind, const std::optional<resilience::give_up>& stop) noexcept
{
    if (!stop) {
        ++(kind == resilience::fault::conflict ? counted_.after_conflicts : counted_.after_outages);
        return;
    }
    switch (*stop) {
    case resilience::give_up::not_repeatable:
        break;
    case resilience::give_up::deadline:
        ++counted_.stopped_by_deadline;
        break;
    case resilience::give_up::attempts_used:
        ++counted_.stopped_by_attempts;
        break;
    case resilience::give_up::budget:
        ++counted_.stopped_by_budget;
        break;
    }
}

repeated_call::repeated_call(
    retry_surroundings& around, const resilience::retry_policies* policies, std::string_view name,
    std::optional<milliseconds> timeout)
    : repeated_call(around, policies, name, around.begin_call(timeout))
{}

repeated_call::repeated_call(
    retry_surroundings& around, const resilience::retry_policies* policies, std::string_view name,
    resilience::deadline limit)
    : around_(around), retry_(policies == nullptr ? around.options_.retries : *policies, limit, &around.budget_),
      name_(name)
{}

std::optional<milliseconds> repeated_call::time_left() const
{
    if (limit().is_never())
        return std::nullopt;
    return std::max(std::chrono::duration_cast<milliseconds>(limit().remaining(around_.now())), milliseconds(1));
}

std::optional<resilience::duration> repeated_call::failed(
    const std::exception_ptr& error, const attempt_facts& attempt, std::string_view sql,
    std::optional<bool>* granted_together)
{
    const auto what = meaning_of(error, attempt);
    if (what.left == remains::what_was_committed && !facts.only_reads)
        facts.only_reads = pg::only_reads(sql);
    obstacle_ = is_refusal_of_breaker(error) ? obstacle::refused : obstacle_to_repeating(what, attempt, facts);
    facts.once_used = facts.once_used || what.cure == remedy::once;
    const resilience::failed_attempt told{
        .kind = what.kind,
        .repeatable = obstacle_ == obstacle::none,
        .minimum_wait = what.minimum_wait,
        .granted_together = granted_together};
    const auto decision = retry_.failed(told, around_.now(), around_.time_.random());
    stop_ = decision.stop;
    around_.count(what.kind, stop_);
    if (stop_)
        return std::nullopt;
    repeated_ = error;
    log_repetition(error, what, decision.wait);
    return decision.wait;
}

std::exception_ptr repeated_call::last_error(const std::exception_ptr& thrown) const
{
    // Nothing was tried then: what the last attempt met is what the caller has to know.
    const bool is_refused = obstacle_ == obstacle::refused && repeated_;
    const auto& error = is_refused ? repeated_ : thrown;
    const int attempts = retry_.failures() - (is_refused ? 1 : 0);
    const bool is_plain = obstacle_ != obstacle::wrote_outside && obstacle_ != obstacle::in_doubt &&
                          (stop_ == resilience::give_up::not_repeatable || stop_ == resilience::give_up::attempts_used);
    if (attempts <= 1 && is_plain && !is_refused)
        return error; // nobody thought of repeating it
    auto why = std::string(obstacle_ == obstacle::none ? to_string(*stop_) : to_string(obstacle_));
    if (obstacle_ == obstacle::wrote_outside)
        why += ": " + outside_work_;
    const auto note = fmt::format("{} attempt{}, no more because {}", attempts, attempts == 1 ? "" : "s", why);
    // The error says it to whoever cares; that a body is not repeated for what it does is for whoever wrote it.
    const auto severity = obstacle_ == obstacle::wrote_outside ? observe::level::warn : observe::level::debug;
    if (observe::enabled(severity)) {
        observe::log(
            severity, fmt::format("a call on {} is given up", around_.options_.name),
            {{"database", around_.options_.name},
             {"name", name_},
             {"attempts", attempts},
             {"why", why},
             {"error", what_of(error)}});
    }
    return with_note(error, note);
}

asio::awaitable<void> repeated_call::pause(resilience::duration wait)
{
    if (wait > resilience::duration::zero())
        co_await around_.time_.pause(wait);
}

asio::awaitable<void> repeated_call::another_attempt(
    std::exception_ptr error, attempt_facts attempt, std::string_view sql, std::optional<bool>* granted_together)
{
    const auto wait = failed(error, attempt, sql, granted_together);
    if (!wait)
        std::rethrow_exception(last_error(error));
    note_repetition(co_await asio::this_coro::executor, error, *wait);
    co_await pause(*wait);
}

void repeated_call::note_repetition(
    const asio::any_io_executor& executor, const std::exception_ptr& error, resilience::duration wait) const noexcept
{
    if (around_.options_.tracer) [[unlikely]]
        detail::note_repetition(executor, error, retry_.failures(), wait);
}

void repeated_call::set_outside_work(std::string what)
{
    facts.wrote_outside = !what.empty();
    outside_work_ = std::move(what);
}

void repeated_call::log_repetition(
    const std::exception_ptr& error, const meaning& what, resilience::duration wait) const
{
    // Conflicts are daily business.
    const auto severity = what.kind == resilience::fault::conflict ? observe::level::debug : observe::level::warn;
    if (!observe::enabled(severity))
        return;
    observe::log(
        severity, fmt::format("a call on {} is repeated", around_.options_.name),
        {{"database", around_.options_.name},
         {"name", name_},
         {"attempt", retry_.failures()},
         {"wait_ms", rounded_up(wait).count()},
         {"error", what_of(error)}});
}

} // namespace tradecore::detail
