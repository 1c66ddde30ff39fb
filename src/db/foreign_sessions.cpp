// SPDX-License-Identifier: Apache-2.0
#include "db/foreign_sessions.hpp"

#include "db/warnings.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds limit{1'000};

constexpr std::string_view question =
    "SELECT pid, coalesce(usename::text, ''), application_name, coalesce(host(client_addr), 'local'), "
    "coalesce(state, ''), query FROM pg_catalog.pg_stat_activity WHERE pid = ANY ($1)";

asio::awaitable<pg::result> ask(physical_connection& on, std::vector<std::int32_t> processes)
{
    pg::statement what{.sql = {question, nullptr}, .arguments = pg::parameters::encode(processes)};
    what.options.timeout = limit;
    return on.run(std::move(what));
}

void complete(deadlock_report& report, const pg::result& answer, std::size_t length)
{
    for (const auto row : answer) {
        const auto process = row[0].as<std::int32_t>();
        const auto one = std::ranges::find(report.sides, process, &deadlock_report::side::process);
        if (one == report.sides.end())
            continue;
        one->user = fmt::format(
            "'{}' of {} from {}, now {}", row[2].as<std::string>(), row[1].as<std::string>(), row[3].as<std::string>(),
            row[4].as<std::string>());
        one->sql = shorten(row[5].as<std::string>(), length);
    }
}

asio::awaitable<void> find_out(lease on, deadlock_report report, std::size_t length)
{
    try {
        const auto answer = co_await ask(*on, report.foreign());
        complete(report, answer, length);
    }
    catch (...) { // NOLINT(bugprone-empty-catch): it is said without them then
    }
    report.log();
}

} // namespace

void log_with_foreign(const asio::any_io_executor& executor, lease on, deadlock_report report, std::size_t length)
{
    asio::co_spawn(executor, find_out(std::move(on), std::move(report), length), asio::detached);
}

} // namespace tradecore::detail
