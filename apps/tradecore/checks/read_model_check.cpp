// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

namespace {

struct column {
    std::string name;
    std::string type;
};

// Texts are compared by bytes, whatever the collation of either side.
std::string value(std::string_view side, const column& of)
{
    return fmt::format("{}.{}{}", side, of.name, of.type == "text" ? " COLLATE \"C\"" : "");
}

std::string joined(const std::vector<std::string>& parts, std::string_view between)
{
    return fmt::format("{}", fmt::join(parts, between));
}

runtime_sql comparison(const model_fold& expected, const std::vector<column>& columns)
{
    std::vector<std::string> left, right, complaints, match, keys;
    for (const auto& one : columns) {
        left.push_back(value("e", one));
        right.push_back(value("a", one));
        complaints.push_back(fmt::format(
            "CASE WHEN {0} IS DISTINCT FROM {1} THEN '{2} is ' || coalesce(a.{2}::text, 'null') || ', events say ' "
            "|| coalesce(e.{2}::text, 'null') END",
            value("e", one), value("a", one), one.name));
        for (const auto& key : expected.key)
            if (key == one.name) {
                match.push_back(fmt::format("{} = {}", value("a", one), value("e", one)));
                keys.push_back(fmt::format("coalesce(a.{0}::text, e.{0}::text)", one.name));
            }
    }
    return runtime_sql(fmt::format(
        R"(WITH expected AS MATERIALIZED ({query}),
        wrong AS MATERIALIZED (
            SELECT concat_ws(' ', {keys}) AS key,
                   CASE WHEN a.{first} IS NULL THEN 'the row is missing'
                        WHEN e.{first} IS NULL THEN 'no event speaks of the row'
                        ELSE concat_ws('; ', {complaints}) END AS what
              FROM expected e FULL JOIN {table} a ON {match}
             WHERE ROW({left}) IS DISTINCT FROM ROW({right}))
        SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM wrong), f.key, f.what
          FROM (SELECT) AS one LEFT JOIN LATERAL (SELECT key, what FROM wrong ORDER BY key COLLATE "C" LIMIT 1) f ON true)",
        fmt::arg("query", expected.query), fmt::arg("keys", joined(keys, ", ")),
        fmt::arg("first", expected.key.front()), fmt::arg("complaints", joined(complaints, ", ")),
        fmt::arg("table", expected.table), fmt::arg("match", joined(match, " AND ")),
        fmt::arg("left", joined(left, ", ")), fmt::arg("right", joined(right, ", "))));
}

using verdict = std::tuple<std::int64_t, std::int64_t, std::optional<std::string>, std::optional<std::string>>;

boost::asio::awaitable<verdict> compare(database where, model_fold expected)
{
    const auto columns = co_await where.fetch<column>(
        // The table's own columns, so that one the query forgets makes the check fail.
        R"(SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum)",
        expected.table);
    static_cast<void>(co_await where.run_script({prefer_hash_joins, nullptr}));
    static_cast<void>(co_await where.run_script({create_fold_functions, nullptr}));
    const auto found = co_await where.fetchrow<verdict>(comparison(expected, columns));
    static_cast<void>(co_await where.run_script({drop_fold_functions, nullptr}));
    co_return *found;
}

} // namespace

boost::asio::awaitable<check_result> check_read_model(database& where, model_fold expected)
{
    check_result out{fmt::format("read model {}", expected.table), false, {}};
    // A transaction keeps all statements on one connection, which is the one that has the functions.
    auto body = [where, expected] { return compare(where, expected); };
    const auto [rows, wrong, key, what] = co_await where.transaction(std::move(body));
    out.ok = wrong == 0;
    out.detail = out.ok ? fmt::format("{} rows are what the events say", rows)
                        : fmt::format(
                              "{} {}: {} ({} of {} rows differ)", expected.table, key.value_or("?"), what.value_or("?"),
                              wrong, rows);
    co_return out;
}

} // namespace tradecore::app::checks
