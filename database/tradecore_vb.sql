-- SPDX-License-Identifier: Apache-2.0
-- Read models of the virtual broker, in its own database. The same rules as in tradecore.sql.

-- Only a deliberate recreation drops anything: another application's table of the same name is an error, not a victim.
DO $$
BEGIN
    IF current_setting('tradecore.recreate', true) = 'on' THEN
        DROP TABLE IF EXISTS
            vb_accounts, vb_orders, vb_fills CASCADE;
    END IF;
END $$;

CREATE TABLE vb_accounts (
    id            uuid PRIMARY KEY,
    connection_id uuid NOT NULL,
    currency      text NOT NULL CHECK (currency <> ''),
    cash          numeric(38,8) NOT NULL CHECK (cash >= 0),
    deposited     numeric(38,8) NOT NULL CHECK (deposited >= 0),
    fees_paid     numeric(38,8) NOT NULL CHECK (fees_paid >= 0),
    fills         bigint NOT NULL CHECK (fills >= 0),
    holdings      jsonb NOT NULL CHECK (jsonb_typeof(holdings) = 'object'), -- symbol: quantity, as decimal text
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX vb_accounts_connection ON vb_accounts (connection_id);
CREATE INDEX vb_accounts_created_at ON vb_accounts (created_at DESC);

-- (account_id, status) serves questions about an account alone, too.
CREATE TABLE vb_orders (
    id              uuid PRIMARY KEY,
    client_order_id uuid NOT NULL,
    account_id      uuid NOT NULL,
    symbol          text COLLATE "C" NOT NULL CHECK (symbol <> ''),
    side            text NOT NULL CHECK (side IN ('buy', 'sell')),
    type            text NOT NULL CHECK (type IN ('market', 'limit')),
    status          text NOT NULL CHECK (status IN ('open', 'filled', 'cancelled')),
    quantity        numeric(38,8) NOT NULL CHECK (quantity > 0),
    limit_price     numeric(38,8) CHECK (limit_price > 0),
    reserve         numeric(38,8) NOT NULL CHECK (reserve >= 0),
    filled          numeric(38,8) NOT NULL CHECK (filled >= 0),
    remaining       numeric(38,8) NOT NULL CHECK (remaining >= 0),
    notional        numeric(38,8) NOT NULL CHECK (notional >= 0),
    fees            numeric(38,8) NOT NULL CHECK (fees >= 0),
    fills           bigint NOT NULL CHECK (fills >= 0),
    placed_tick     bigint NOT NULL,
    reason          text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    closed_at       timestamptz,
    CHECK ((type = 'limit') = (limit_price IS NOT NULL)),
    CHECK (filled + remaining = quantity),
    CHECK ((status = 'open') = (closed_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX vb_orders_client ON vb_orders (client_order_id);
CREATE INDEX vb_orders_account_status ON vb_orders (account_id, status);
CREATE INDEX vb_orders_status ON vb_orders (status);
CREATE INDEX vb_orders_created_at ON vb_orders (created_at DESC);

CREATE TABLE vb_fills (
    id              uuid PRIMARY KEY,
    order_id        uuid NOT NULL,
    client_order_id uuid NOT NULL,
    account_id      uuid NOT NULL,
    symbol          text COLLATE "C" NOT NULL CHECK (symbol <> ''),
    side            text NOT NULL CHECK (side IN ('buy', 'sell')),
    tick            bigint NOT NULL,
    price           numeric(38,8) NOT NULL CHECK (price > 0),
    quantity        numeric(38,8) NOT NULL CHECK (quantity > 0),
    notional        numeric(38,8) NOT NULL CHECK (notional >= 0),
    fee             numeric(38,8) NOT NULL CHECK (fee >= 0),
    occurred_at     timestamptz NOT NULL
);
CREATE INDEX vb_fills_order ON vb_fills (order_id);
CREATE INDEX vb_fills_account ON vb_fills (account_id);
CREATE INDEX vb_fills_occurred_at ON vb_fills (occurred_at DESC);
