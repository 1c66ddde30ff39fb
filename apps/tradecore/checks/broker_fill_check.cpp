// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

#include <map>

namespace tradecore::app::checks {

namespace {

// One line for each fill, alike in both systems, in buckets by the first two digits of the fill's id.
constexpr const char* lines_sql = R"(
    SELECT left(data->>'fill_id', 2) AS bucket, data->>'fill_id' AS fill,
           concat_ws(' ', 'order', data->>'{order}', data->>'side', data->>'symbol', 'tick', data->>'tick',
               'price', trim_scale((data->>'price')::numeric), 'quantity', trim_scale((data->>'quantity')::numeric),
               'notional', trim_scale((data->>'notional')::numeric), 'fee', trim_scale((data->>'fee')::numeric),
               'filled', trim_scale((data->>'filled')::numeric),
               'remaining', trim_scale((data->>'remaining')::numeric)) AS terms
      FROM es.events WHERE type IN ({types}))";

std::string lines_of(system which)
{
    return which == system::main
               ? fmt::format(
                     lines_sql, fmt::arg("order", "order_id"),
                     fmt::arg("types", "'OrderPartiallyFilled', 'OrderFilled'"))
               : fmt::format(lines_sql, fmt::arg("order", "client_order_id"), fmt::arg("types", "'BrokerOrderFilled'"));
}

struct bucket {
    std::string name;
    std::int64_t fills = 0;
    std::string hash;
    bool operator==(const bucket&) const = default;
};

struct line {
    std::string fill;
    std::string terms;
    bool operator==(const line&) const = default;
};

boost::asio::awaitable<std::vector<bucket>> buckets_of(database& where, system which)
{
    return where.fetch<bucket>(runtime_sql(fmt::format(
        R"(SELECT bucket, count(*), encode(sha256(string_agg(sha256(convert_to(fill || ' ' || terms, 'UTF8')), ''::bytea
                  ORDER BY fill COLLATE "C", terms COLLATE "C")), 'hex')
             FROM ({}) l GROUP BY bucket ORDER BY bucket COLLATE "C")",
        lines_of(which))));
}

boost::asio::awaitable<std::vector<line>> lines_in(database& where, system which, std::string name)
{
    return where.fetch<line, std::string>(
        runtime_sql(fmt::format(
            R"(SELECT fill, terms FROM ({}) l WHERE bucket = $1 ORDER BY fill COLLATE "C", terms COLLATE "C")",
            lines_of(which))),
        name);
}

// The first bucket that is not the same in both; empty when all are.
std::string first_difference(const std::vector<bucket>& left, const std::vector<bucket>& right)
{
    std::map<std::string, std::pair<bucket, bucket>> both;
    for (const auto& one : left)
        both[one.name].first = one;
    for (const auto& one : right)
        both[one.name].second = one;
    for (const auto& [name, pair] : both)
        if (pair.first != pair.second)
            return name;
    return {};
}

std::string explain(const std::vector<line>& main, const std::vector<line>& vb)
{
    std::size_t at = 0;
    while (at < main.size() && at < vb.size() && main[at] == vb[at])
        ++at;
    const bool main_ended = at == main.size();
    const bool vb_ended = at == vb.size();
    if (main_ended && vb_ended)
        return "the systems changed while they were compared";
    if (vb_ended || (!main_ended && main[at].fill < vb[at].fill))
        return fmt::format("fill {} is in the main system only: {}", main[at].fill, main[at].terms);
    if (main_ended || vb[at].fill < main[at].fill)
        return fmt::format("fill {} is at the broker only: {}", vb[at].fill, vb[at].terms);
    return fmt::format("fill {}: main system: {}; broker: {}", main[at].fill, main[at].terms, vb[at].terms);
}

} // namespace

boost::asio::awaitable<check_result> check_broker_fills(database& main, database& vb)
{
    check_result out{"broker fills", false, {}};
    const auto ours = co_await buckets_of(main, system::main);
    const auto theirs = co_await buckets_of(vb, system::vb);
    const std::string differs = first_difference(ours, theirs);
    if (differs.empty()) {
        std::int64_t fills = 0;
        for (const auto& one : ours)
            fills += one.fills;
        out.ok = true;
        out.detail = fmt::format("{} fills are the same in both systems", fills);
        co_return out;
    }
    const auto our_lines = co_await lines_in(main, system::main, differs);
    const auto their_lines = co_await lines_in(vb, system::vb, differs);
    out.detail = explain(our_lines, their_lines);
    co_return out;
}

} // namespace tradecore::app::checks
