// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

namespace {

constexpr const char* books_sql = R"(
    WITH leg AS MATERIALIZED (
        SELECT e.event_id, e.type, e.data->>'fill_id' AS fill, l.account, l.asset, l.amount
          FROM es.events e CROSS JOIN jsonb_to_recordset(e.data->'legs') AS l (account text, asset text, amount numeric)
         WHERE e.type IN ({types})),
    unbalanced AS (
        SELECT fill, asset, sum(amount) AS off FROM leg GROUP BY event_id, fill, asset HAVING sum(amount) <> 0),
    empty AS (
        SELECT data->>'fill_id' AS fill FROM es.events
         WHERE type IN ({types}) AND coalesce(jsonb_array_length(data->'legs'), 0) = 0),
    books AS (
        SELECT asset, coalesce(sum(amount) FILTER (WHERE account = 'house'), 0) AS house,
               coalesce(sum(amount) FILTER (WHERE account = 'fees'), 0) AS fees
          FROM leg WHERE type = '{booked}' GROUP BY asset),
    deposits AS (
        SELECT o.data->>'currency' AS asset, sum((d.data->>'amount')::numeric) AS amount
          FROM es.events d JOIN es.events o ON o.type = '{opened}' AND o.data->>'{id}' = d.data->>'{id}'
         WHERE d.type = '{deposited}' GROUP BY 1),
    cash AS ({cash}),
    held AS ({held}),
    balance AS (
        SELECT coalesce(c.asset, d.asset) AS asset, coalesce(c.amount, 0) AS traders, coalesce(b.house, 0) AS house,
               coalesce(b.fees, 0) AS fees, coalesce(d.amount, 0) AS deposits
          FROM cash c FULL JOIN deposits d ON d.asset = c.asset
          LEFT JOIN books b ON b.asset = coalesce(c.asset, d.asset)
        UNION ALL
        SELECT coalesce(h.asset, b.asset), coalesce(h.amount, 0), coalesce(b.house, 0), coalesce(b.fees, 0), 0
          FROM held h FULL JOIN (SELECT * FROM books WHERE asset NOT IN (SELECT asset FROM cash)) b ON b.asset = h.asset),
    wrong AS (
        SELECT 1 AS rank, 'fill ' || fill || ': the legs in ' || asset || ' sum to ' || trim_scale(off) AS what
          FROM unbalanced
        UNION ALL
        SELECT 1, 'fill ' || fill || ' has no legs' FROM empty
        UNION ALL
        SELECT 2, asset || ': traders ' || trim_scale(traders) || ' + house ' || trim_scale(house) || ' + fees '
               || trim_scale(fees) || ' is ' || trim_scale(traders + house + fees) || ', deposits are '
               || trim_scale(deposits)
          FROM balance WHERE traders + house + fees <> deposits)
    SELECT (SELECT count(*) FROM wrong), (SELECT what FROM wrong ORDER BY rank, what COLLATE "C" LIMIT 1),
           (SELECT string_agg(asset || ': traders ' || trim_scale(traders) || ', house ' || trim_scale(house)
                   || ', fees ' || trim_scale(fees) || ', deposits ' || trim_scale(deposits), '; '
                   ORDER BY asset COLLATE "C") FROM balance))";

runtime_sql sql_for(system which)
{
    if (which == system::main)
        return runtime_sql(fmt::format(
            books_sql, fmt::arg("types", "'FillSettled'"), fmt::arg("booked", "FillSettled"),
            fmt::arg("opened", "AccountCreated"), fmt::arg("id", "account_id"), fmt::arg("deposited", "FundsDeposited"),
            fmt::arg(
                "cash", "SELECT currency AS asset, sum(cash_free + cash_reserved) AS amount FROM accounts GROUP BY 1"),
            fmt::arg(
                "held", "SELECT symbol COLLATE \"default\" AS asset, sum(quantity) AS amount FROM positions "
                        "GROUP BY 1")));
    return runtime_sql(fmt::format(
        // The order's event repeats the legs; they must sum to zero there, too, but count once.
        books_sql, fmt::arg("types", "'BrokerFillBooked', 'BrokerOrderFilled'"), fmt::arg("booked", "BrokerFillBooked"),
        fmt::arg("opened", "BrokerAccountOpened"), fmt::arg("id", "broker_account_id"),
        fmt::arg("deposited", "BrokerFundsDeposited"),
        fmt::arg("cash", "SELECT currency AS asset, sum(cash) AS amount FROM vb_accounts GROUP BY 1"),
        fmt::arg(
            "held", "SELECT h.key AS asset, sum(h.value::numeric) AS amount FROM vb_accounts, "
                    "jsonb_each_text(holdings) h GROUP BY 1")));
}

using verdict = std::tuple<std::int64_t, std::optional<std::string>, std::optional<std::string>>;

boost::asio::awaitable<verdict> balance(database where, system which)
{
    static_cast<void>(co_await where.run_script({prefer_hash_joins, nullptr}));
    co_return *co_await where.fetchrow<verdict>(sql_for(which));
}

} // namespace

boost::asio::awaitable<check_result> check_money(database& where, system which)
{
    check_result out{fmt::format("money {}", name_of(which)), false, {}};
    auto body = [where, which] { return balance(where, which); };
    const auto [wrong, first, balances] = co_await where.transaction(std::move(body));
    out.ok = wrong == 0;
    out.detail =
        out.ok ? balances.value_or("no money at all") : fmt::format("{} ({} in all)", first.value_or("?"), wrong);
    co_return out;
}

} // namespace tradecore::app::checks
