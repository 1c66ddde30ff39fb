// SPDX-License-Identifier: Apache-2.0
#include "db/exception_text.hpp"
#include "db/home.hpp"
#include "db/leased_cursor.hpp"
#include "db/read_core.hpp"
#include "db/read_meaning.hpp"
#include "db/statement_watch.hpp"
#include "db/traced_calls.hpp"

#include <tradecore/db/read_session.hpp>
#include <tradecore/pg/only_reads.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;
using detail::database_core;
using detail::read_core;
using std::chrono::milliseconds;

namespace detail {
namespace {

using opened_cursor = std::shared_ptr<pg::detail::cursor_core>;

/// Where a read may go.
struct places {
    std::shared_ptr<database_core> primary;
    std::shared_ptr<read_core> standbys; // null: there are none
};

/// @returns the options for the primary, with what is left of the time.
/// @throws no_fresh_standby when it is not to be asked.
pg::call_options options_for_primary(database_core& primary, const read_call& of)
{
    if (!of.how.primary_otherwise)
        throw no_fresh_standby(
            fmt::format(
                "database '{}': no standby answers the read: {}{}{}", primary.options().name, of.why,
                of.error ? ": " : "", of.error ? what_of(of.error) : ""),
            of.error);
    auto options = of.how.call;
    if (options.timeout) {
        const auto left = of.limit.remaining(primary.retries().now());
        options.timeout = std::max(std::chrono::duration_cast<milliseconds>(left), milliseconds(1));
    }
    return options;
}

/// Reads once.
/// @param what given the options of its attempts.
/// @param inside runs it in the transaction around the caller. @param step as of `read_core::at_standby`.
/// @param otherwise runs it on the primary.
template <class Answer, class What, class Inside, class Step, class Otherwise>
asio::awaitable<Answer> read_once(
    const places& to, read_call of, usage user, What& what, const Inside& inside, const Step& step,
    const Otherwise& otherwise)
{
    to.primary->require_available();
    const auto around = to.primary->scope_of(co_await asio::this_coro::executor);
    what.options = of.how.call;
    if (around && around->transaction)
        co_return co_await inside();
    if (what.options.timeout)
        of.limit = resilience::deadline::after(to.primary->retries().now(), *what.options.timeout);
    of.why = "there are none";
    if (to.standbys) {
        auto answer = co_await read_core::at_standby<Answer>(to.standbys, of, std::move(user), step);
        if (answer)
            co_return std::move(*answer);
    }
    what.options = options_for_primary(*to.primary, of);
    co_return co_await otherwise();
}

/// Runs on the primary what may write: it shall be refused there as it is by a standby.
template <class Answer, class F>
asio::awaitable<Answer> run_read_only(std::shared_ptr<database_core> on, F body, pg::call_options options)
{
    std::exception_ptr error;
    try {
        co_return co_await transact<Answer, F>(
            std::move(on), std::move(body),
            {.read_only = true, .name = options.name, .idempotent = options.idempotent, .timeout = options.timeout});
    }
    catch (...) {
        error = std::current_exception();
    }
    std::rethrow_exception(with_reason(error));
}

// --- statements ----------------------------------------------------------------------------------------------------

asio::awaitable<pg::result> run_on(physical_connection& on, statement_monitor& monitor, pg::statement what)
{
    statement_watch watch(monitor, what);
    watch.runs_on(on.backend_pid());
    std::exception_ptr error;
    pg::result answer;
    try {
        answer = co_await on.run_kept(what);
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(answer, error);
    if (error)
        std::rethrow_exception(error);
    co_return answer;
}

asio::awaitable<pg::result> run_on_primary(std::shared_ptr<database_core> primary, pg::statement what)
{
    if (pg::only_reads(what.sql.text))
        return database_core::run(std::move(primary), std::move(what));
    const auto options = what.options;
    auto body = [primary, what = std::move(what)] { return database_core::run(primary, what); };
    return run_read_only<pg::result>(std::move(primary), std::move(body), options);
}

asio::awaitable<pg::result> read_statement(places to, read_options how, pg::statement what)
{
    const auto inside = [&] { return database_core::run(to.primary, std::move(what)); };
    const auto step = [&](lease& at, std::optional<milliseconds> left) {
        auto once = what;
        once.options.timeout = left;
        return run_on(*at, to.standbys->standbys()->monitor(), std::move(once));
    };
    const auto otherwise = [&] { return run_on_primary(to.primary, std::move(what)); };
    what.options = how.call; // whose name is the user's
    co_return co_await read_once<pg::result>(to, {.how = how}, usage_of(what), what, inside, step, otherwise);
}

// --- batches -------------------------------------------------------------------------------------------------------

std::exception_ptr first_error(const pg::batch_answers& of)
{
    for (std::size_t i = 0; i < of.size(); ++i) {
        if (of.error(i))
            return of.error(i);
    }
    return nullptr;
}

/// An error of an entry that the primary may not have is one of the whole batch.
asio::awaitable<pg::batch_answers> run_batch_on(physical_connection& on, statement_monitor& monitor, pg::batch what)
{
    statement_watch watch(monitor, what);
    watch.runs_on(on.backend_pid());
    std::exception_ptr error;
    pg::batch_answers answers;
    try {
        answers = co_await on.run_batch(std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    watch.ended(answers, error);
    for (std::size_t i = 0; !error && i < answers.size(); ++i) {
        if (answers.error(i) && is_worth_the_primary(answers.error(i)))
            error = answers.error(i);
    }
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

bool only_reads(const pg::batch& what)
{
    return std::ranges::all_of(
        what.entries(), [](const pg::statement& entry) { return pg::only_reads(entry.sql.text); });
}

/// In a transaction, which has to be told that an entry has failed.
asio::awaitable<void>
run_batch_inside(std::shared_ptr<database_core> on, pg::batch what, std::shared_ptr<pg::batch_answers> answers)
{
    *answers = {};
    *answers = co_await database_core::run_batch(std::move(on), std::move(what));
    if (const auto failed = first_error(*answers))
        std::rethrow_exception(failed);
}

asio::awaitable<pg::batch_answers> run_batch_on_primary(std::shared_ptr<database_core> primary, pg::batch what)
{
    if (only_reads(what))
        co_return co_await database_core::run_batch(std::move(primary), std::move(what));
    const auto options = what.options;
    const auto answers = std::make_shared<pg::batch_answers>();
    auto body = [primary, answers, what = std::move(what)] { return run_batch_inside(primary, what, answers); };
    std::exception_ptr error;
    try {
        co_await run_read_only<void>(primary, std::move(body), options);
    }
    catch (...) {
        error = std::current_exception();
    }
    if (error && !first_error(*answers))
        std::rethrow_exception(error);
    co_return std::move(*answers);
}

asio::awaitable<pg::batch_answers> read_batch(places to, read_options how, pg::batch what)
{
    if (what.mode() == pg::batch_mode::each_alone && !only_reads(what))
        throw pg::argument_error(
            "a batch of database::read whose entries stand alone may have such only that show by their text that they "
            "only read");
    const auto inside = [&] { return database_core::run_batch(to.primary, std::move(what)); };
    const auto step = [&](lease& at, std::optional<milliseconds> left) {
        auto once = what;
        once.options.timeout = left;
        return run_batch_on(*at, to.standbys->standbys()->monitor(), std::move(once));
    };
    const auto otherwise = [&] { return run_batch_on_primary(to.primary, std::move(what)); };
    usage user{.kind = "batch", .label = how.call.name, .keeps = {}};
    co_return co_await read_once<pg::batch_answers>(to, {.how = how}, std::move(user), what, inside, step, otherwise);
}

// --- cursors -------------------------------------------------------------------------------------------------------

asio::awaitable<opened_cursor> open_cursor_on(lease& on, pg::statement what, pg::cursor_options how)
{
    auto opened = co_await on->open_cursor(std::move(what), how);
    co_return std::make_shared<leased_cursor>(std::move(on), std::move(opened));
}

asio::awaitable<opened_cursor>
open_cursor_read(places to, read_options how, pg::statement what, pg::cursor_options slices)
{
    const auto inside = [&] { return database_core::open_cursor(to.primary, std::move(what), slices); };
    const auto step = [&](lease& at, std::optional<milliseconds> left) {
        auto once = what;
        once.options.timeout = left;
        return open_cursor_on(at, std::move(once), slices);
    };
    const auto otherwise = [&] {
        // The transaction that a cursor begins by itself could write. This one ends when its connection comes back.
        if (!pg::only_reads(what.sql.text))
            what.before = {"BEGIN READ ONLY"};
        return database_core::open_cursor(to.primary, std::move(what), slices);
    };
    what.options = how.call;
    co_return co_await read_once<opened_cursor>(
        to, {.how = how, .may_be_dropped = false}, usage_of(what), what, inside, step, otherwise);
}

} // namespace
} // namespace detail

asio::awaitable<pg::result> read_session::run(pg::statement what)
{
    what.options = how_.call;
    auto about = detail::span_of_call::of(what);
    auto work = detail::read_statement({primary_, reads_}, how_, std::move(what));
    return detail::from_here(primary_, detail::with_span(primary_, std::move(about), std::move(work)));
}

asio::awaitable<pg::batch_answers> read_session::run_batch(pg::batch what)
{
    what.options = how_.call;
    auto about = detail::span_of_call::of(what);
    auto work = detail::read_batch({primary_, reads_}, how_, std::move(what));
    return detail::from_here(primary_, detail::with_span(primary_, std::move(about), std::move(work)));
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
read_session::open_cursor(pg::statement what, pg::cursor_options how)
{
    what.options = how_.call;
    auto about = detail::span_of_call::of(what);
    auto work = detail::open_cursor_read({primary_, reads_}, how_, std::move(what), how);
    return detail::from_here(primary_, detail::with_span(primary_, std::move(about), std::move(work)));
}

} // namespace tradecore
