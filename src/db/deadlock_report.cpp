// SPDX-License-Identifier: Apache-2.0
#include "db/deadlock_report.hpp"

#include "db/warnings.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tradecore::detail {
namespace {

using time_point = backend_session::clock::time_point;
using side = deadlock_report::side;

constexpr std::string_view digits = "0123456789";

std::optional<std::int32_t> number_at(std::string_view text, std::size_t at)
{
    std::int32_t value = 0;
    const auto* const end = text.data() + text.size();
    if (std::from_chars(text.data() + at, end, value).ec != std::errc())
        return std::nullopt;
    return value;
}

side side_of(
    std::int32_t process, const backend_sessions::owned_session& known, const backend_session::run& run,
    std::size_t length)
{
    return {
        .process = process,
        .database = std::string(known.database),
        .in_transaction = known.session->in_transaction,
        .transaction = known.session->transaction,
        .transaction_place = place_of(known.session->transaction_where),
        .statement = run.name,
        .sql = shorten(run.sql.text, length),
        .place = place_of(run.sql.where)};
}

std::string describe(const side& one)
{
    if (one.database.empty()) {
        if (one.user.empty())
            return fmt::format("process {}, which is not ours", one.process);
        return fmt::format("process {}, which is not ours ({}): {}", one.process, one.user, one.sql);
    }
    const std::string_view kind = one.in_transaction ? "transaction" : "statement";
    const auto& name = one.in_transaction ? one.transaction : one.statement;
    return fmt::format(
        "{} {}{}{} (process {}): {}", one.database, kind, name.empty() ? "" : " ", name, one.process, one.sql);
}

} // namespace

std::vector<deadlock_wait> read_deadlock(std::string_view detail)
{
    std::vector<deadlock_wait> found;
    while (!detail.empty()) {
        const auto line = detail.substr(0, detail.find('\n'));
        detail.remove_prefix(std::min(line.size() + 1, detail.size()));
        const auto first = line.find_first_of(digits);
        const auto end = line.find_last_of(digits);
        if (first == std::string_view::npos)
            continue;
        const auto before = line.substr(0, end + 1).find_last_not_of(digits);
        const auto last = before == std::string_view::npos ? 0 : before + 1;
        const auto process = number_at(line, first);
        const auto blocked_by = number_at(line, last);
        if (last > first && process && blocked_by)
            found.push_back({*process, *blocked_by});
    }
    return found;
}

std::vector<std::int32_t> deadlock_report::foreign() const
{
    std::vector<std::int32_t> found;
    for (const auto& one : sides) {
        if (one.database.empty())
            found.push_back(one.process);
    }
    return found;
}

void deadlock_report::log() const
{
    std::string message = "[DEADLOCK] " + describe(sides.front());
    for (std::size_t i = 1; i < sides.size(); ++i)
        message += (i == 1 ? " | waited for " : " | which waited for ") + describe(sides[i]);
    const side& own = sides.front();
    const side other = sides.size() > 1 ? sides[1] : side();
    observe::log(
        observe::level::warn, message,
        {{"database", own.database},
         {"process", own.process},
         {"transaction", own.transaction},
         {"transaction_location", own.transaction_place},
         {"statement", own.statement},
         {"sql", own.sql},
         {"location", own.place},
         {"other_process", other.process},
         {"other_database", other.database},
         {"other_transaction", other.transaction},
         {"other_transaction_location", other.transaction_place},
         {"other_statement", other.statement},
         {"other_sql", other.sql},
         {"other_location", other.place},
         {"other_user", other.user},
         {"sides", sides.size()},
         {"detail", detail}});
}

namespace {

deadlock_report report_of(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const pg::diagnostics& said, time_point now)
{
    const auto length = options.logged_sql_length;
    deadlock_report report{.sides = {}, .detail = said.detail};
    report.sides.push_back(
        side_of(victim.pid(), {.session = victim.operator->(), .database = options.name}, victim->current(), length));
    const auto waits = read_deadlock(said.detail);
    auto process = victim.pid();
    while (report.sides.size() <= waits.size()) {
        const auto next = std::ranges::find(waits, process, &deadlock_wait::process);
        if (next == waits.end() || next->blocked_by == victim.pid())
            break;
        process = next->blocked_by;
        const auto found = known.look_up(process);
        if (found.session != nullptr)
            report.sides.push_back(side_of(process, found, found.session->in_the_way(now), length));
        else
            report.sides.push_back({.process = process});
    }
    return report;
}

} // namespace

std::optional<deadlock_report> deadlock_of(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const std::exception_ptr& error, time_point now)
{
    if (!observe::enabled(observe::level::warn))
        return std::nullopt;
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::deadlock_detected& e) {
        return report_of(options, known, victim, e.diagnostics(), now);
    }
    catch (...) {
        return std::nullopt;
    }
}

} // namespace tradecore::detail
