// SPDX-License-Identifier: Apache-2.0
#include "db/warnings.hpp"

#include <tradecore/db/metrics.hpp>
#include <tradecore/db/registry.hpp>
#include <tradecore/observe/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace tradecore {
namespace {

using observe::metrics;
using resilience::breaker_state;

/// SQL that is longer is cut.
constexpr std::size_t longest_label = 100;

double number(std::uint64_t value)
{
    return static_cast<double>(value);
}

void write_pool(metrics& into, const database& of, const pool_statistics& counted)
{
    const std::string_view name = of.name();
    const auto pool = of.pool_stats();
    constexpr std::string_view connections = "tradecore_pool_connections";
    constexpr std::string_view meaning = "Connections of the pool, by what they do.";
    into.gauge(connections, meaning, {{"database", name}, {"state", "active"}}, number(pool.active));
    into.gauge(connections, meaning, {{"database", name}, {"state", "idle"}}, number(pool.idle));
    into.gauge(connections, meaning, {{"database", name}, {"state", "connecting"}}, number(pool.connecting));
    into.gauge(
        "tradecore_pool_connections_min", "How many connections are kept even when nobody needs them.",
        {{"database", name}}, number(pool.minimum));
    into.gauge(
        "tradecore_pool_connections_max", "How many connections there may be.", {{"database", name}},
        number(pool.maximum));
    into.gauge(
        "tradecore_pool_waiting", "Callers that wait for a connection.", {{"database", name}}, number(pool.waiting));
    into.histogram(
        "tradecore_pool_acquire_seconds", "How long callers waited for the connection that they got.",
        {{"database", name}}, counted.acquire);
    const auto timed_out = [&](std::string_view reason, std::uint64_t times) {
        into.counter(
            "tradecore_pool_timeouts_total", "Callers that got no connection in time.",
            {{"database", name}, {"reason", reason}}, number(times));
    };
    timed_out("busy", counted.timeouts_busy);
    timed_out("cannot_connect", counted.timeouts_cannot_connect);
    timed_out("suspended", counted.timeouts_suspended);
    into.counter(
        "tradecore_pool_shared_statements_total", "Statements that were sent behind others on a connection.",
        {{"database", name}}, number(counted.shared));
    into.counter(
        "tradecore_pool_sent_away_statements_total",
        "Statements that went elsewhere because one before them took longer than expected.", {{"database", name}},
        number(counted.sent_away));
    into.counter(
        "tradecore_pool_connects_total", "Connections that were made.", {{"database", name}}, number(counted.connects));
    into.counter(
        "tradecore_pool_connect_failures_total", "Connections that could not be made.", {{"database", name}},
        number(counted.connect_failures));
}

void write_breaker(metrics& into, const database& of, const breaker_statistics& counted)
{
    const std::string_view name = of.name();
    const auto now = of.breaker_state();
    for (const auto state : {breaker_state::closed, breaker_state::open, breaker_state::half_open})
        into.gauge(
            "tradecore_breaker_state", "1 for the state that the circuit breaker is in, 0 for the others.",
            {{"database", name}, {"state", to_string(state)}}, now == state ? 1 : 0);
    const auto came_into = [&](breaker_state state, std::uint64_t times) {
        into.counter(
            "tradecore_breaker_transitions_total", "How often the circuit breaker has come into a state.",
            {{"database", name}, {"state", to_string(state)}}, number(times));
    };
    came_into(breaker_state::closed, counted.closed);
    came_into(breaker_state::open, counted.opened);
    came_into(breaker_state::half_open, counted.half_opened);
    into.counter(
        "tradecore_breaker_refused_total", "Calls that the circuit breaker refused.", {{"database", name}},
        number(counted.refused));
    const auto probed = [&](std::string_view by, std::uint64_t times) {
        into.counter(
            "tradecore_breaker_probes_total", "Attempts to find out whether the database is back, by who made them.",
            {{"database", name}, {"by", by}}, number(times));
    };
    probed("background", counted.background_probes);
    probed("caller", counted.caller_probes);
}

void write_retries(metrics& into, std::string_view database, const retry_statistics& counted)
{
    const auto repeated = [&](std::string_view reason, std::uint64_t times) {
        into.counter(
            "tradecore_retries_total", "Attempts that were made again, by what had gone wrong.",
            {{"database", database}, {"reason", reason}}, number(times));
    };
    repeated("outage", counted.after_outages);
    repeated("conflict", counted.after_conflicts);
    const auto stopped = [&](std::string_view reason, std::uint64_t times) {
        into.counter(
            "tradecore_retries_stopped_total", "Calls that could have been repeated and were not.",
            {{"database", database}, {"reason", reason}}, number(times));
    };
    stopped("attempts", counted.stopped_by_attempts);
    stopped("deadline", counted.stopped_by_deadline);
    stopped("budget", counted.stopped_by_budget);
}

void write_reads(metrics& into, std::string_view database, const read_statistics& counted)
{
    const auto ended = [&](std::string_view outcome, std::uint64_t times) {
        into.counter(
            "tradecore_reads_total",
            "Reads that might be answered by a standby: those that were, others by the reason.",
            {{"database", database}, {"outcome", outcome}}, number(times));
    };
    ended("standby", counted.at_standby);
    ended("not_known", counted.not_known);
    ended("too_old", counted.too_old);
    ended("unavailable", counted.unavailable);
    ended("busy", counted.busy);
    ended("failed", counted.failed);
}

std::string in_one_line(std::string_view sql)
{
    std::string line;
    for (const char c : sql) {
        const bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!is_space)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    return detail::shorten(line, longest_label);
}

void write_statement(
    metrics& into, std::string_view database, std::string_view statement, const statement_statistics& counted)
{
    into.histogram(
        "tradecore_statement_seconds", "How long statements took, from sending to the end of the answer.",
        {{"database", database}, {"statement", statement}}, counted.latency);
    into.counter(
        "tradecore_statement_errors_total", "Statements that ended with an error.",
        {{"database", database}, {"statement", statement}}, number(counted.errors));
    into.counter(
        "tradecore_statement_rows_total", "Rows that statements returned, or affected when they returned none.",
        {{"database", database}, {"statement", statement}}, number(counted.rows));
}

void write_statements(metrics& into, std::string_view database, const database_statistics& counted)
{
    // No two may have the same label: Prometheus would refuse the whole answer.
    std::unordered_set<std::string> taken;
    const auto unique = [&taken](std::string label) {
        const auto wanted = label;
        for (int next = 2; !taken.insert(label).second; ++next)
            label = fmt::format("{} #{}", wanted, next);
        return label;
    };
    for (const auto& one : counted.statements)
        write_statement(
            into, database, unique(one.name.empty() ? in_one_line(one.sql) : observe::valid_utf8(one.name)), one);
    write_statement(into, database, unique("(others)"), counted.others);
}

} // namespace

void write_metrics(metrics& into, const database& of)
{
    const auto counted = of.statistics();
    into.gauge(
        "tradecore_database_open", "1 when the database takes calls.", {{"database", of.name()}}, of.is_open() ? 1 : 0);
    write_pool(into, of, counted.pool);
    if (counted.breaker)
        write_breaker(into, of, *counted.breaker);
    write_retries(into, of.name(), counted.retries);
    write_statements(into, of.name(), counted);
    const auto standbys = of.standbys();
    if (standbys.pool_stats().maximum == 0)
        return; // there are none
    write_reads(into, of.name(), of.read_statistics());
    write_metrics(into, standbys);
}

void write_metrics(metrics& into)
{
    for (const auto& name : database_names()) {
        const auto& one = get_database(name);
        if (one.pool_stats().maximum > 0) // not one that was never opened, or is switched off
            write_metrics(into, one);
    }
}

std::string metrics_text()
{
    metrics all;
    write_metrics(all);
    return all.text();
}

} // namespace tradecore
