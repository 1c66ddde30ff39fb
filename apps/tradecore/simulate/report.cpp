// SPDX-License-Identifier: Apache-2.0
#include "simulate/report.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace tradecore::app::simulate {

namespace {

using milliseconds = std::chrono::duration<double, std::milli>;
using seconds = std::chrono::duration<double>;

double in_ms(std::chrono::nanoseconds duration)
{
    // Microseconds are what the clock is good for.
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count()) / 1000.0;
}

void add_traders(std::string& out, std::string_view title, const std::vector<trader_result>& traders)
{
    for (const auto& trader : traders) {
        fmt::format_to(
            std::back_inserter(out), "  {:<18} {:<28} value {:>20}  profit {:>18}\n", title, trader.email,
            trader.value.text(), trader.profit.text());
        title = "";
    }
}

boost::json::object chaos_json(const chaos_report& of)
{
    boost::json::object done;
    for (const auto& [what, count] : of.done.done)
        done.emplace(boost::algorithm::replace_all_copy(std::string(chaos::to_string(what)), " ", "_"), count);
    return {
        {"steps", of.done.steps},
        {"planned", of.done.planned},
        {"done", std::move(done)},
        {"calls_repeated", of.outlasted.calls},
        {"attempts_repeated", of.outlasted.attempts},
        {"repeated_by_databases", of.repeated_by_databases},
        {"commits_resolved", of.lost_commits.resolved},
        {"commits_unknown", of.lost_commits.unknown},
        {"longest_call_ms", in_ms(of.outlasted.longest)}};
}

std::string chaos_lines(const chaos_report& of)
{
    std::vector<std::string> done;
    for (const auto& [what, count] : of.done.done)
        done.push_back(fmt::format("{} {}", count, chaos::to_string(what)));
    return fmt::format(
        "  chaos              {} of {} steps: {}\n"
        "                     {} calls were tried {} times again by whoever made them, {} times by the databases\n"
        "                     {} lost COMMITs were found out, {} were not\n"
        "                     the longest call took {:.1f} s\n",
        of.done.steps, of.done.planned, fmt::join(done, ", "), of.outlasted.calls, of.outlasted.attempts,
        of.repeated_by_databases, of.lost_commits.resolved, of.lost_commits.unknown,
        seconds(of.outlasted.longest).count());
}

} // namespace

sync_figures sync_figures::of(std::vector<std::chrono::nanoseconds> waits, std::uint64_t pending, double rate)
{
    sync_figures figures{.pending = pending, .rate = rate};
    if (waits.empty())
        return figures;
    std::ranges::sort(waits);
    const auto percentile = [&](std::size_t percent) {
        const std::size_t rank = (waits.size() * percent + 99) / 100;
        return waits[std::max<std::size_t>(rank, 1) - 1];
    };
    figures.p50 = percentile(50);
    figures.p99 = percentile(99);
    figures.max = waits.back();
    return figures;
}

bool report::ok() const
{
    return !checks.empty() && std::ranges::all_of(checks, &checks::check_result::ok);
}

double report::commands_per_second() const
{
    const double elapsed = seconds(took).count();
    return elapsed > 0 ? static_cast<double>(commands) / elapsed : 0;
}

boost::json::object to_json(const report& of)
{
    boost::json::array checks;
    for (const auto& check : of.checks)
        checks.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
    boost::json::object all{
        {"symbol", of.symbol},
        {"prices", of.prices},
        {"traders", of.traders},
        {"workers", of.commands_by_worker.size()},
        {"commands_by_worker", boost::json::value_from(of.commands_by_worker)},
        {"commands", of.commands},
        {"repeated", of.repeated},
        {"events", of.events},
        {"redelivered", of.redelivered},
        {"orders",
         {{"placed", of.orders.placed},
          {"filled", of.orders.filled},
          {"cancelled", of.orders.cancelled},
          {"rejected", of.orders.rejected},
          {"open", of.orders.open}}},
        {"sync",
         {{"p50_ms", in_ms(of.sync.p50)},
          {"p99_ms", in_ms(of.sync.p99)},
          {"max_ms", in_ms(of.sync.max)},
          {"pending", of.sync.pending},
          {"rate", of.sync.rate}}},
        {"commands_per_s", of.commands_per_second()},
        {"seconds", seconds(of.took).count()},
        {"digest", of.digest},
        {"checks", checks},
        {"ok", of.ok()}};
    if (of.chaos)
        all.emplace("chaos", chaos_json(*of.chaos));
    return all;
}

std::string to_text(const report& of)
{
    std::string out;
    const auto line = [&out](std::string_view name, const std::string& value) {
        fmt::format_to(std::back_inserter(out), "  {:<18} {}\n", name, value);
    };
    line("prices", fmt::format("{} ticks of {}", of.prices, of.symbol));
    line("traders", std::to_string(of.traders));
    line(
        "commands",
        fmt::format("{} in {:.1f} s: {:.0f}/s", of.commands, seconds(of.took).count(), of.commands_per_second()));
    if (of.commands_by_worker.size() > 1)
        line(
            "", fmt::format("by {} workers: {}", of.commands_by_worker.size(), fmt::join(of.commands_by_worker, ", ")));
    if (of.repeated > 0)
        line("", fmt::format("{} of them had been carried out before", of.repeated));
    line("events", std::to_string(of.events));
    if (of.redelivered > 0)
        line("", fmt::format("{} of them had not been delivered to the other system", of.redelivered));
    line(
        "orders", fmt::format(
                      "{} placed: {} filled, {} cancelled, {} rejected, {} open", of.orders.placed, of.orders.filled,
                      of.orders.cancelled, of.orders.rejected, of.orders.open));
    line(
        "SYNC projections",
        fmt::format(
            "p50 {:.1f} ms, p99 {:.1f} ms, max {:.1f} ms, {} pending, {:.1f} % of the events waited for",
            in_ms(of.sync.p50), in_ms(of.sync.p99), in_ms(of.sync.max), of.sync.pending, of.sync.rate * 100));
    if (of.chaos)
        out += chaos_lines(*of.chaos);
    add_traders(out, "best traders", of.best);
    add_traders(out, "worst traders", of.worst);
    line("digest", of.digest);
    out += fmt::format("  checks             {:.1f} s\n", seconds(of.checks_took).count());
    for (const auto& check : of.checks)
        fmt::format_to(
            std::back_inserter(out), "    {:<6} {}{}\n", check.ok ? "ok" : "FAILED", check.name,
            check.detail.empty() ? "" : ": " + check.detail);
    return out;
}

} // namespace tradecore::app::simulate
