// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

namespace {

struct counts {
    std::int64_t placed = 0;
    std::int64_t filled = 0;
    std::int64_t cancelled = 0;
    std::int64_t rejected = 0;
    std::int64_t open = 0;
    bool operator==(const counts&) const = default;

    [[nodiscard]] bool add_up() const { return placed == filled + cancelled + rejected + open; }
    [[nodiscard]] std::string text() const
    {
        return fmt::format(
            "{} placed, {} filled, {} cancelled, {} rejected, {} open", placed, filled, cancelled, rejected, open);
    }
};

// Counts by events, and the first order that was not placed once or ended twice.
constexpr const char* from_events = R"(
    WITH life AS (
        SELECT data->>'{id}' AS id,
               count(*) FILTER (WHERE type = '{placed}') AS placed,
               count(*) FILTER (WHERE type = '{filled}' AND {is_final}) AS filled,
               count(*) FILTER (WHERE type = '{cancelled}') AS cancelled,
               count(*) FILTER (WHERE type = '{rejected}') AS rejected
          FROM es.events WHERE type IN ('{placed}', '{filled}', '{cancelled}', '{rejected}') GROUP BY 1)
    SELECT coalesce(sum(placed), 0)::bigint, coalesce(sum(filled), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
           coalesce(sum(rejected), 0)::bigint, count(*) FILTER (WHERE filled + cancelled + rejected = 0),
           (SELECT 'order ' || id || ' was placed ' || placed || ' times, filled ' || filled || ', cancelled '
                   || cancelled || ', rejected ' || rejected
              FROM life WHERE placed <> 1 OR filled + cancelled + rejected > 1 ORDER BY id LIMIT 1)
      FROM life)";

constexpr const char* from_rows = R"(
    SELECT count(*), count(*) FILTER (WHERE status = 'filled'), count(*) FILTER (WHERE status = 'cancelled'),
           count(*) FILTER (WHERE status = 'rejected'), count(*) FILTER (WHERE status = 'open')
      FROM {table})";

runtime_sql events_sql(system which)
{
    const bool main = which == system::main;
    return runtime_sql(fmt::format(
        from_events, fmt::arg("id", main ? "order_id" : "broker_order_id"),
        fmt::arg("placed", main ? "OrderPlaced" : "BrokerOrderAccepted"),
        fmt::arg("filled", main ? "OrderFilled" : "BrokerOrderFilled"),
        // The broker has one type for both fills.
        fmt::arg("is_final", main ? "true" : "(data->>'remaining')::numeric = 0"),
        fmt::arg("cancelled", main ? "OrderCancelled" : "BrokerOrderCancelled"),
        fmt::arg("rejected", main ? "OrderRejected" : "BrokerOrderRejected")));
}

} // namespace

boost::asio::awaitable<check_result> check_orders(database& where, system which)
{
    check_result out{fmt::format("orders {}", name_of(which)), false, {}};
    using verdict =
        std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::optional<std::string>>;
    const auto found = co_await where.fetchrow<verdict>(events_sql(which));
    const auto& [placed, filled, cancelled, rejected, open, bad] = *found;
    const counts events{placed, filled, cancelled, rejected, open};
    const auto rows = *co_await where.fetchrow<counts>(
        runtime_sql(fmt::format(from_rows, fmt::arg("table", which == system::main ? "orders" : "vb_orders"))));
    if (bad)
        out.detail = *bad;
    else if (!events.add_up())
        out.detail = fmt::format("the events do not add up: {}", events.text());
    else if (events != rows)
        out.detail = fmt::format("events: {}; rows: {}", events.text(), rows.text());
    else
        out.ok = true;
    if (out.ok)
        out.detail = events.text();
    co_return out;
}

} // namespace tradecore::app::checks
