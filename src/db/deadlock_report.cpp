// SPDX-License-Identifier: Apache-2.0
#include "db/deadlock_report.hpp"

#include "db/warnings.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tradecore::detail {
namespace {

constexpr std::string_view digits = "0123456789";

std::optional<std::int32_t> number_at(std::string_view text, std::size_t at)
{
    std::int32_t value = 0;
    const auto* const end = text.data() + text.size();
    if (std::from_chars(text.data() + at, end, value).ec != std::errc())
        return std::nullopt;
    return value;
}

/// One side, as far as it is known.
struct side {
    std::int32_t process = 0;
    std::string_view database{};
    const backend_session* session = nullptr;
    const backend_session::run* run = nullptr;

    [[nodiscard]] std::string_view transaction() const { return session ? session->transaction : std::string_view(); }
    [[nodiscard]] std::string transaction_place() const
    {
        return session ? place_of(session->transaction_where) : std::string();
    }
    [[nodiscard]] std::string_view statement() const { return run ? run->name : std::string_view(); }
    [[nodiscard]] std::string place() const { return run ? place_of(run->sql.where) : std::string(); }
    [[nodiscard]] std::string sql(std::size_t length) const
    {
        return run ? shorten(run->sql.text, length) : std::string();
    }
    [[nodiscard]] std::string describe(std::size_t length) const
    {
        if (session == nullptr)
            return fmt::format("process {}, which is not ours", process);
        const std::string_view kind = session->in_transaction ? "transaction" : "statement";
        const auto& name = session->in_transaction ? session->transaction : run->name;
        return fmt::format(
            "{} {}{}{} (process {}): {}", database, kind, name.empty() ? "" : " ", name, process, sql(length));
    }
};

side side_of(const backend_sessions& known, std::int32_t process, backend_session::clock::time_point now)
{
    const auto found = known.look_up(process);
    return {
        .process = process,
        .database = found.database,
        .session = found.session,
        .run = found.session ? &found.session->in_the_way(now) : nullptr};
}

/// @returns the sides after the victim, in the order in which each waits for the next.
std::vector<side> others(
    const std::vector<deadlock_wait>& waits, std::int32_t victim, const backend_sessions& known,
    backend_session::clock::time_point now)
{
    std::vector<side> found;
    auto process = victim;
    while (found.size() < waits.size()) {
        const auto next = std::ranges::find(waits, process, &deadlock_wait::process);
        if (next == waits.end() || next->blocked_by == victim)
            break;
        process = next->blocked_by;
        found.push_back(side_of(known, process, now));
    }
    return found;
}

void report(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const pg::diagnostics& said, backend_session::clock::time_point now)
{
    const auto length = options.logged_sql_length;
    const side own{
        .process = victim.pid(), .database = options.name, .session = victim.operator->(), .run = &victim->current};
    const auto waits = read_deadlock(said.detail);
    const auto rest = others(waits, victim.pid(), known, now);
    std::string message = "[DEADLOCK] " + own.describe(length);
    for (const auto& one : rest)
        message += (&one == rest.data() ? " | waited for " : " | which waited for ") + one.describe(length);
    const side other = rest.empty() ? side() : rest.front();
    observe::log(
        observe::level::warn, message,
        {{"database", options.name},
         {"process", own.process},
         {"transaction", own.transaction()},
         {"transaction_location", own.transaction_place()},
         {"statement", own.statement()},
         {"sql", own.sql(length)},
         {"location", own.place()},
         {"other_process", other.process},
         {"other_database", other.database},
         {"other_transaction", other.transaction()},
         {"other_transaction_location", other.transaction_place()},
         {"other_statement", other.statement()},
         {"other_sql", other.sql(length)},
         {"other_location", other.place()},
         {"sides", rest.size() + 1},
         {"detail", said.detail}});
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

void report_deadlock(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const std::exception_ptr& error, backend_session::clock::time_point now)
{
    if (!observe::enabled(observe::level::warn))
        return;
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::deadlock_detected& e) {
        report(options, known, victim, e.diagnostics(), now);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): something else
    }
}

} // namespace tradecore::detail
