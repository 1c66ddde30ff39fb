-- SPDX-License-Identifier: Apache-2.0
-- Read models of the main system: what queries need, in one place each, kept up to date from events. Nothing here is a
-- source of truth; every table can be dropped and rebuilt. Events and cursors live in the schemas es and proj.
--
-- Amounts are numeric(38,8), exactly the range of the program's fixed-point amounts. Times are event times. Texts that
-- are compared or sorted are so by bytes, alike on every server. The fill factors leave room for updates in place.

-- Only a deliberate recreation drops anything: another application's table of the same name is an error, not a victim.
DO $$
BEGIN
    IF current_setting('tradecore.recreate', true) = 'on' THEN
        DROP TABLE IF EXISTS
            users, user_accounts, accounts, broker_connections, orders, positions, portfolios, audit_log CASCADE;
    END IF;
END $$;

-- A user with the sums of what the user's orders and accounts did. These come from other streams than the user, in no
-- order between them: a row that an order made before the user was known is 'unknown' until then.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text UNIQUE,
    first_name    text,
    last_name     text,
    status        text NOT NULL CHECK (status IN ('unknown', 'active')),
    total_orders  bigint NOT NULL CHECK (total_orders >= 0),
    total_spent   numeric(38,8) NOT NULL CHECK (total_spent >= 0), -- notional and fees of all purchases
    last_order_at timestamptz,
    created_at    timestamptz,
    updated_at    timestamptz NOT NULL,
    CHECK (status = 'unknown' OR num_nulls(email, first_name, last_name, created_at) = 0)
) WITH (fillfactor = 70);
CREATE INDEX users_status ON users (status);
CREATE INDEX users_created_at ON users (created_at DESC);

-- Whose an account is: lets what happened on an account be counted for its user.
CREATE TABLE user_accounts (
    account_id uuid PRIMARY KEY,
    user_id    uuid NOT NULL
);
CREATE INDEX user_accounts_user ON user_accounts (user_id);

CREATE TABLE accounts (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL,
    currency      text NOT NULL CHECK (currency <> ''),
    cash_free     numeric(38,8) NOT NULL CHECK (cash_free >= 0),
    cash_reserved numeric(38,8) NOT NULL CHECK (cash_reserved >= 0), -- set aside for open orders
    deposited     numeric(38,8) NOT NULL CHECK (deposited >= 0),
    fees_paid     numeric(38,8) NOT NULL CHECK (fees_paid >= 0),
    fills         bigint NOT NULL CHECK (fills >= 0),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX accounts_user ON accounts (user_id);
CREATE INDEX accounts_created_at ON accounts (created_at DESC);

CREATE TABLE broker_connections (
    id                uuid PRIMARY KEY,
    user_id           uuid NOT NULL,
    account_id        uuid NOT NULL,
    broker            text NOT NULL CHECK (broker <> ''),
    status            text NOT NULL CHECK (status IN ('pending', 'active')),
    broker_account_id uuid,
    activated_at      timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK ((status = 'active') = (broker_account_id IS NOT NULL AND activated_at IS NOT NULL))
);
CREATE INDEX broker_connections_user_status ON broker_connections (user_id, status);
CREATE INDEX broker_connections_account ON broker_connections (account_id);
CREATE INDEX broker_connections_status ON broker_connections (status);
CREATE INDEX broker_connections_created_at ON broker_connections (created_at DESC);

-- (user_id, status) serves questions about a user alone, too.
CREATE TABLE orders (
    id                  uuid PRIMARY KEY,
    user_id             uuid NOT NULL,
    account_id          uuid NOT NULL,
    connection_id       uuid NOT NULL,
    symbol              text COLLATE "C" NOT NULL CHECK (symbol <> ''),
    side                text NOT NULL CHECK (side IN ('buy', 'sell')),
    type                text NOT NULL CHECK (type IN ('market', 'limit')),
    status              text NOT NULL CHECK (status IN ('open', 'filled', 'cancelled', 'rejected')),
    quantity            numeric(38,8) NOT NULL CHECK (quantity > 0),
    limit_price         numeric(38,8) CHECK (limit_price > 0),
    filled              numeric(38,8) NOT NULL CHECK (filled >= 0),
    remaining           numeric(38,8) NOT NULL CHECK (remaining >= 0),
    notional            numeric(38,8) NOT NULL CHECK (notional >= 0), -- of all fills
    fees                numeric(38,8) NOT NULL CHECK (fees >= 0),
    average_price       numeric(38,8),                                -- notional / filled, half to even
    fills               bigint NOT NULL CHECK (fills >= 0),
    reason              text,                                         -- of a rejection or a cancel
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    last_fill_at        timestamptz,
    closed_at           timestamptz,
    data                jsonb NOT NULL,                               -- what the order was placed with
    CHECK ((type = 'limit') = (limit_price IS NOT NULL)),
    CHECK (filled + remaining = quantity),
    CHECK ((fills = 0) = (average_price IS NULL)),
    CHECK ((status = 'open') = (closed_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX orders_user_status ON orders (user_id, status);
CREATE INDEX orders_account ON orders (account_id);
CREATE INDEX orders_status ON orders (status);
CREATE INDEX orders_created_at ON orders (created_at DESC);
CREATE INDEX orders_data ON orders USING gin (data jsonb_path_ops);

CREATE TABLE positions (
    account_id   uuid NOT NULL,
    symbol       text COLLATE "C" NOT NULL CHECK (symbol <> ''),
    user_id      uuid NOT NULL,
    quantity     numeric(38,8) NOT NULL CHECK (quantity >= 0),
    cost         numeric(38,8) NOT NULL CHECK (cost >= 0), -- of what is held, fees of the purchases included
    average_cost numeric(38,8) NOT NULL,                   -- cost / quantity, half to even; 0 when nothing is held
    realised     numeric(38,8) NOT NULL,                   -- proceeds after fees less the cost of what was sold
    last_price   numeric(38,8) NOT NULL CHECK (last_price > 0), -- of the account's last fill
    market_value numeric(38,8) NOT NULL,                   -- quantity at the last price
    unrealised   numeric(38,8) NOT NULL,                   -- market value less cost
    fills        bigint NOT NULL CHECK (fills > 0),
    opened_at    timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol)
) WITH (fillfactor = 70);
CREATE INDEX positions_user ON positions (user_id);
CREATE INDEX positions_symbol ON positions (symbol);

CREATE TABLE portfolios (
    account_id   uuid PRIMARY KEY,
    user_id      uuid NOT NULL,
    currency     text NOT NULL,
    cash         numeric(38,8) NOT NULL, -- free and reserved
    deposited    numeric(38,8) NOT NULL CHECK (deposited >= 0),
    market_value numeric(38,8) NOT NULL, -- of all positions
    total_value  numeric(38,8) NOT NULL, -- cash and market value
    realised     numeric(38,8) NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CHECK (total_value = cash + market_value)
) WITH (fillfactor = 70);
CREATE INDEX portfolios_user ON portfolios (user_id);

-- Every event of the main system, once.
CREATE TABLE audit_log (
    event_id    uuid PRIMARY KEY,
    stream      text COLLATE "C" NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    type        text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    data        jsonb NOT NULL,
    UNIQUE (stream, version)
);
CREATE INDEX audit_log_occurred_at ON audit_log (occurred_at DESC);
CREATE INDEX audit_log_type_occurred_at ON audit_log (type, occurred_at DESC);
