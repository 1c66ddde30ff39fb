// SPDX-License-Identifier: Apache-2.0
#include "checks/model_folds.hpp"

namespace tradecore::app::checks {

const char* const create_fold_functions = R"(
CREATE OR REPLACE FUNCTION pg_temp.half_even(n numeric, d numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    units   numeric := n * 100000000;
    q       numeric := div(units, d);
    doubled numeric := 2 * (units - q * d);
BEGIN
    IF doubled > d OR (doubled = d AND mod(q, 2) = 1) THEN
        q := q + 1;
    END IF;
    RETURN q * 0.00000001;
END $$;

-- What a sale takes away of the cost depends on what the sale before it left, so this walks.
CREATE OR REPLACE FUNCTION pg_temp.fold_positions(
    OUT account_id uuid, OUT symbol text, OUT quantity numeric, OUT cost numeric, OUT realised numeric,
    OUT last_price numeric, OUT market_value numeric, OUT fills bigint, OUT opened_at timestamptz,
    OUT updated_at timestamptz)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    f    record;
    gone numeric;
BEGIN
    FOR f IN
        SELECT (e.data->>'account_id')::uuid AS account_id, e.data->>'symbol' AS symbol, e.data->>'side' AS side,
               (e.data->>'quantity')::numeric AS quantity, (e.data->>'price')::numeric AS price,
               (e.data->>'notional')::numeric AS notional, (e.data->>'fee')::numeric AS fee,
               (e.data->>'occurred_at')::timestamptz AS at
          FROM es.events e WHERE e.type = 'FillSettled'
         ORDER BY (e.data->>'account_id')::uuid, (e.data->>'symbol') COLLATE "C", e.version
    LOOP
        IF f.account_id IS DISTINCT FROM account_id OR f.symbol IS DISTINCT FROM symbol THEN
            IF fills > 0 THEN
                market_value := pg_temp.half_even(quantity * last_price, 1);
                RETURN NEXT;
            END IF;
            account_id := f.account_id;
            symbol := f.symbol;
            quantity := 0;
            cost := 0;
            realised := 0;
            fills := 0;
            opened_at := f.at;
            updated_at := f.at;
        END IF;
        IF f.side = 'buy' THEN
            cost := cost + f.notional + f.fee;
            quantity := quantity + f.quantity;
        ELSE
            gone := CASE WHEN f.quantity = quantity THEN cost
                         WHEN quantity > 0 THEN pg_temp.half_even(cost * f.quantity, quantity) END;
            realised := realised + f.notional - f.fee - gone;
            cost := cost - gone;
            quantity := quantity - f.quantity;
        END IF;
        last_price := f.price;
        fills := fills + 1;
        updated_at := greatest(updated_at, f.at);
    END LOOP;
    IF fills > 0 THEN
        market_value := pg_temp.half_even(quantity * last_price, 1);
        RETURN NEXT;
    END IF;
END $$;
)";

const char* const drop_fold_functions = R"(
DROP FUNCTION IF EXISTS pg_temp.fold_positions();
DROP FUNCTION IF EXISTS pg_temp.half_even(numeric, numeric);
)";

namespace {

const std::vector<model_fold>& main_folds()
{
    static const std::vector<model_fold> folds{
        {"users", {"id"}, R"(
            SELECT coalesce(c.id, p.id, s.id) AS id, c.email, c.first_name, c.last_name,
                   CASE WHEN c.id IS NULL THEN 'unknown' ELSE 'active' END AS status,
                   coalesce(p.n, 0) AS total_orders, coalesce(s.spent, 0) AS total_spent, p.at AS last_order_at,
                   c.at AS created_at, greatest(c.at, p.at, s.at) AS updated_at
              FROM (SELECT (data->>'user_id')::uuid AS id, data->>'email' AS email, data->>'first_name' AS first_name,
                           data->>'last_name' AS last_name, (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'UserCreated') c
              FULL JOIN
                   (SELECT (data->>'user_id')::uuid AS id, count(*) AS n, max((data->>'occurred_at')::timestamptz) AS at
                      FROM es.events WHERE type = 'OrderPlaced' GROUP BY 1) p ON p.id = c.id
              FULL JOIN
                   (SELECT (o.data->>'user_id')::uuid AS id,
                           sum((f.data->>'notional')::numeric + (f.data->>'fee')::numeric) AS spent,
                           max((f.data->>'occurred_at')::timestamptz) AS at
                      FROM es.events f
                      JOIN es.events o ON o.type = 'AccountCreated' AND o.data->>'account_id' = f.data->>'account_id'
                     WHERE f.type = 'FillSettled' AND f.data->>'side' = 'buy' GROUP BY 1) s
                ON s.id = coalesce(c.id, p.id))"},
        {"user_accounts", {"account_id"}, R"(
            SELECT (data->>'account_id')::uuid AS account_id, (data->>'user_id')::uuid AS user_id
              FROM es.events WHERE type = 'AccountCreated')"},
        {"accounts", {"id"}, R"(
            SELECT c.id, c.user_id, c.currency, t.deposited - t.moved + t.sold AS cash_free,
                   t.moved - t.consumed AS cash_reserved, t.deposited, t.fees AS fees_paid, t.fills,
                   c.at AS created_at, t.at AS updated_at
              FROM (SELECT (data->>'account_id')::uuid AS id, (data->>'user_id')::uuid AS user_id,
                           data->>'currency' AS currency, (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'AccountCreated') c
              JOIN (SELECT (data->>'account_id')::uuid AS id, max((data->>'occurred_at')::timestamptz) AS at,
                           coalesce(sum((data->>'amount')::numeric) FILTER (WHERE type = 'FundsDeposited'), 0)
                               AS deposited,
                           coalesce(sum(CASE type WHEN 'FundsReserved' THEN (data->>'cash')::numeric
                                                  WHEN 'FundsReleased' THEN -(data->>'cash')::numeric END), 0)
                               AS moved,
                           coalesce(sum((data->>'consumed_cash')::numeric) FILTER (WHERE type = 'FillSettled'), 0)
                               AS consumed,
                           coalesce(sum((data->>'notional')::numeric - (data->>'fee')::numeric)
                               FILTER (WHERE type = 'FillSettled' AND data->>'side' = 'sell'), 0) AS sold,
                           coalesce(sum((data->>'fee')::numeric) FILTER (WHERE type = 'FillSettled'), 0) AS fees,
                           count(*) FILTER (WHERE type = 'FillSettled') AS fills
                      FROM es.events
                     WHERE type IN ('AccountCreated', 'FundsDeposited', 'FundsReserved', 'FundsReleased', 'FillSettled')
                     GROUP BY 1) t ON t.id = c.id)"},
        {"broker_connections", {"id"}, R"(
            SELECT c.id, c.user_id, c.account_id, c.broker,
                   CASE WHEN a.id IS NULL THEN 'pending' ELSE 'active' END AS status, a.broker_account_id,
                   a.at AS activated_at, c.at AS created_at, greatest(c.at, a.at) AS updated_at
              FROM (SELECT (data->>'connection_id')::uuid AS id, (data->>'user_id')::uuid AS user_id,
                           (data->>'account_id')::uuid AS account_id, data->>'broker' AS broker,
                           (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'ConnectionCreated') c
              LEFT JOIN
                   (SELECT (data->>'connection_id')::uuid AS id, (data->>'broker_account_id')::uuid AS broker_account_id,
                           (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'ConnectionActivated') a ON a.id = c.id)"},
        {"orders", {"id"}, R"(
            SELECT p.id, p.user_id, p.account_id, p.connection_id, p.symbol, p.side, p.type,
                   CASE WHEN l.rejected IS NOT NULL THEN 'rejected' WHEN l.cancelled IS NOT NULL THEN 'cancelled'
                        WHEN l.done IS NOT NULL THEN 'filled' ELSE 'open' END AS status,
                   p.quantity, p.limit_price, coalesce(l.filled, 0) AS filled,
                   p.quantity - coalesce(l.filled, 0) AS remaining, coalesce(l.notional, 0) AS notional,
                   coalesce(l.fees, 0) AS fees,
                   CASE WHEN l.fills > 0 THEN pg_temp.half_even(l.notional, l.filled) END AS average_price,
                   coalesce(l.fills, 0) AS fills, l.reason, p.at AS created_at, greatest(p.at, l.at) AS updated_at,
                   l.asked AS cancel_requested_at, l.last_fill AS last_fill_at,
                   coalesce(l.rejected, l.cancelled, l.done) AS closed_at, p.data
              FROM (SELECT (data->>'order_id')::uuid AS id, (data->>'user_id')::uuid AS user_id,
                           (data->>'account_id')::uuid AS account_id, (data->>'connection_id')::uuid AS connection_id,
                           data->>'symbol' AS symbol, data->>'side' AS side, data->>'type' AS type,
                           (data->>'quantity')::numeric AS quantity, (data->>'limit_price')::numeric AS limit_price,
                           (data->>'occurred_at')::timestamptz AS at, data
                      FROM es.events WHERE type = 'OrderPlaced') p
              LEFT JOIN
                   (SELECT e.id, max(e.at) AS at, sum(e.quantity) AS filled, sum(e.notional) AS notional,
                           sum(e.fee) AS fees, count(e.quantity) AS fills, max(e.reason) AS reason,
                           max(e.at) FILTER (WHERE e.quantity IS NOT NULL) AS last_fill,
                           max(e.at) FILTER (WHERE e.type = 'OrderCancelRequested') AS asked,
                           max(e.at) FILTER (WHERE e.type = 'OrderRejected') AS rejected,
                           max(e.at) FILTER (WHERE e.type = 'OrderCancelled') AS cancelled,
                           max(e.at) FILTER (WHERE e.type = 'OrderFilled') AS done
                      FROM (SELECT type, (data->>'order_id')::uuid AS id, (data->>'occurred_at')::timestamptz AS at,
                                   (data->>'quantity')::numeric AS quantity, (data->>'notional')::numeric AS notional,
                                   (data->>'fee')::numeric AS fee, data->>'reason' AS reason
                              FROM es.events
                             WHERE type IN ('OrderRejected', 'OrderPartiallyFilled', 'OrderFilled',
                                            'OrderCancelRequested', 'OrderCancelled')) e
                     GROUP BY e.id) l ON l.id = p.id)"},
        {"positions", {"account_id", "symbol"}, R"(
            SELECT f.account_id, f.symbol, (o.data->>'user_id')::uuid AS user_id, f.quantity, f.cost,
                   CASE WHEN f.quantity > 0 THEN pg_temp.half_even(f.cost, f.quantity) ELSE 0 END AS average_cost,
                   f.realised, f.last_price, f.market_value, f.market_value - f.cost AS unrealised, f.fills,
                   f.opened_at, f.updated_at
              FROM pg_temp.fold_positions() f
              JOIN es.events o ON o.type = 'AccountCreated' AND (o.data->>'account_id')::uuid = f.account_id)"},
        {"portfolios", {"account_id"}, R"(
            SELECT c.id AS account_id, c.user_id, c.currency, t.cash, t.deposited,
                   coalesce(v.market_value, 0) AS market_value, t.cash + coalesce(v.market_value, 0) AS total_value,
                   coalesce(v.realised, 0) AS realised, c.at AS created_at, t.at AS updated_at
              FROM (SELECT (data->>'account_id')::uuid AS id, (data->>'user_id')::uuid AS user_id,
                           data->>'currency' AS currency, (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'AccountCreated') c
              JOIN (SELECT (data->>'account_id')::uuid AS id, max((data->>'occurred_at')::timestamptz) AS at,
                           coalesce(sum((data->>'amount')::numeric), 0) AS deposited,
                           coalesce(sum((data->>'amount')::numeric), 0) - coalesce(sum((data->>'fee')::numeric), 0)
                               + coalesce(sum(CASE data->>'side' WHEN 'buy' THEN -(data->>'notional')::numeric
                                                   WHEN 'sell' THEN (data->>'notional')::numeric END), 0) AS cash
                      FROM es.events WHERE type IN ('AccountCreated', 'FundsDeposited', 'FillSettled')
                     GROUP BY 1) t ON t.id = c.id
              LEFT JOIN
                   (SELECT f.account_id, sum(f.market_value) AS market_value, sum(f.realised) AS realised
                      FROM pg_temp.fold_positions() f GROUP BY 1) v ON v.account_id = c.id)"},
        {"audit_log", {"event_id"}, R"(
            SELECT event_id, stream_id AS stream, version, type, (data->>'occurred_at')::timestamptz AS occurred_at,
                   data
              FROM es.events)"},
    };
    return folds;
}

const std::vector<model_fold>& vb_folds()
{
    static const std::vector<model_fold> folds{
        {"vb_accounts", {"id"}, R"(
            SELECT c.id, c.connection_id, c.currency, coalesce(d.amount, 0) + coalesce(l.cash, 0) AS cash,
                   coalesce(d.amount, 0) AS deposited, coalesce(b.fees, 0) AS fees_paid, coalesce(b.fills, 0) AS fills,
                   coalesce(l.holdings, '{}') AS holdings, c.at AS created_at, greatest(c.at, d.at, b.at) AS updated_at
              FROM (SELECT (data->>'broker_account_id')::uuid AS id, (data->>'connection_id')::uuid AS connection_id,
                           data->>'currency' AS currency, (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'BrokerAccountOpened') c
              LEFT JOIN
                   (SELECT (data->>'broker_account_id')::uuid AS id, sum((data->>'amount')::numeric) AS amount,
                           max((data->>'occurred_at')::timestamptz) AS at
                      FROM es.events WHERE type = 'BrokerFundsDeposited' GROUP BY 1) d ON d.id = c.id
              LEFT JOIN
                   (SELECT (data->>'broker_account_id')::uuid AS id, sum((data->>'fee')::numeric) AS fees,
                           count(*) AS fills, max((data->>'occurred_at')::timestamptz) AS at
                      FROM es.events WHERE type = 'BrokerFillBooked' GROUP BY 1) b ON b.id = c.id
              LEFT JOIN
                   (SELECT s.id, sum(s.amount) FILTER (WHERE s.asset = s.currency) AS cash,
                           jsonb_object_agg(s.asset, trim_scale(s.amount)::text) FILTER (WHERE s.asset <> s.currency)
                               AS holdings
                      FROM (SELECT (o.data->>'broker_account_id')::uuid AS id, o.data->>'currency' AS currency,
                                   leg.asset, sum(leg.amount) AS amount
                              FROM es.events f
                             CROSS JOIN jsonb_to_recordset(f.data->'legs')
                                   AS leg (account text, asset text, amount numeric)
                              JOIN es.events o
                                ON o.type = 'BrokerAccountOpened' AND o.data->>'broker_account_id' = leg.account
                             WHERE f.type = 'BrokerFillBooked' GROUP BY 1, 2, 3) s
                     GROUP BY s.id) l ON l.id = c.id)"},
        {"vb_orders", {"id"}, R"(
            SELECT p.id, p.client_order_id, p.account_id, p.symbol, p.side, p.type,
                   CASE WHEN l.cancelled IS NOT NULL THEN 'cancelled' WHEN l.filled = p.quantity THEN 'filled'
                        ELSE 'open' END AS status,
                   p.quantity, p.limit_price, p.reserve, coalesce(l.filled, 0) AS filled,
                   p.quantity - coalesce(l.filled, 0) AS remaining, coalesce(l.notional, 0) AS notional,
                   coalesce(l.fees, 0) AS fees, coalesce(l.fills, 0) AS fills, p.placed_tick, l.reason,
                   p.at AS created_at, greatest(p.at, l.at) AS updated_at,
                   CASE WHEN l.cancelled IS NOT NULL THEN l.cancelled WHEN l.filled = p.quantity THEN l.last_fill END
                       AS closed_at
              FROM (SELECT (data->>'broker_order_id')::uuid AS id, (data->>'client_order_id')::uuid AS client_order_id,
                           (data->>'broker_account_id')::uuid AS account_id, data->>'symbol' AS symbol,
                           data->>'side' AS side, data->>'type' AS type, (data->>'quantity')::numeric AS quantity,
                           (data->>'limit_price')::numeric AS limit_price, (data->>'reserve')::numeric AS reserve,
                           (data->>'placed_tick')::bigint AS placed_tick, (data->>'occurred_at')::timestamptz AS at
                      FROM es.events WHERE type = 'BrokerOrderAccepted') p
              LEFT JOIN
                   (SELECT (data->>'broker_order_id')::uuid AS id, max((data->>'occurred_at')::timestamptz) AS at,
                           sum((data->>'quantity')::numeric) AS filled, sum((data->>'notional')::numeric) AS notional,
                           sum((data->>'fee')::numeric) AS fees,
                           count(*) FILTER (WHERE type = 'BrokerOrderFilled') AS fills,
                           max(data->>'reason') AS reason,
                           max((data->>'occurred_at')::timestamptz) FILTER (WHERE type = 'BrokerOrderFilled')
                               AS last_fill,
                           max((data->>'occurred_at')::timestamptz) FILTER (WHERE type = 'BrokerOrderCancelled')
                               AS cancelled
                      FROM es.events WHERE type IN ('BrokerOrderFilled', 'BrokerOrderCancelled') GROUP BY 1) l
                ON l.id = p.id)"},
        {"vb_fills", {"id"}, R"(
            SELECT (data->>'fill_id')::uuid AS id, (data->>'broker_order_id')::uuid AS order_id,
                   (data->>'client_order_id')::uuid AS client_order_id,
                   (data->>'broker_account_id')::uuid AS account_id, data->>'symbol' AS symbol, data->>'side' AS side,
                   (data->>'tick')::bigint AS tick, (data->>'price')::numeric AS price,
                   (data->>'quantity')::numeric AS quantity, (data->>'notional')::numeric AS notional,
                   (data->>'fee')::numeric AS fee, (data->>'occurred_at')::timestamptz AS occurred_at
              FROM es.events WHERE type = 'BrokerOrderFilled')"},
    };
    return folds;
}

} // namespace

const std::vector<model_fold>& model_folds(readmodel::system which)
{
    return which == readmodel::system::main ? main_folds() : vb_folds();
}

} // namespace tradecore::app::checks
