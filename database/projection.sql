-- SPDX-License-Identifier: Apache-2.0
-- What projections keep beside the read models they write, in the same database and the same transactions.
-- One row of each table belongs to one projection in one version, reading one source (an event store). Names compare
-- by bytes, so that keys are found and sorted alike whatever the database's collation and the caller's parameters are.
-- Applied once; with `recreate` everything is dropped first.

DO $$
BEGIN
    IF current_setting('tradecore.recreate', true) = 'on' THEN
        DROP SCHEMA IF EXISTS proj CASCADE;
    END IF;
END $$;

CREATE SCHEMA proj;

-- Which version of a projection serves readers.
CREATE TABLE proj.registry (
    projection     text COLLATE "C" NOT NULL PRIMARY KEY,
    active_version integer     NOT NULL CHECK (active_version > 0),
    registered_at  timestamptz NOT NULL DEFAULT now()
);

-- How far the log has been handed out. Moved by compare-and-set only: UPDATE ... WHERE position = old.
-- The epoch is the store's own; another one means that the store was replaced or restored.
CREATE TABLE proj.checkpoint (
    projection text COLLATE "C" NOT NULL,
    version    integer     NOT NULL CHECK (version > 0),
    source     text COLLATE "C" NOT NULL,
    shard      smallint    NOT NULL DEFAULT 0,
    position   bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    epoch      uuid        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version, source, shard)
) WITH (fillfactor = 10);

-- How far each stream has been applied.
--   ok      events up to applied_version are in the read model
--   parked  an event after applied_version failed; later ones wait for it; tried again at next_retry_at
--   dead    as parked, but given up; see proj.dead_letter
CREATE TABLE proj.stream (
    projection      text COLLATE "C" NOT NULL,
    version         integer          NOT NULL,
    source          text COLLATE "C" NOT NULL,
    stream          text COLLATE "C" NOT NULL,
    applied_version bigint           NOT NULL DEFAULT 0 CHECK (applied_version >= 0),
    state           text             NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'parked', 'dead')),
    attempts        integer          NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_retry_at   timestamptz,
    failed_version  bigint, -- NULL when it is only known that the stream did not get on
    last_error      text,
    PRIMARY KEY (projection, version, source, stream),
    CHECK ((state = 'parked') = (next_retry_at IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX stream_due ON proj.stream (projection, version, source, next_retry_at) WHERE state = 'parked';
CREATE INDEX stream_dead ON proj.stream (projection, version, source) WHERE state = 'dead';

-- Every stream that was given up, with the event it could not get over. Kept when the stream is revived.
CREATE TABLE proj.dead_letter (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection     text COLLATE "C" NOT NULL,
    version        integer     NOT NULL,
    source         text COLLATE "C" NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    failed_version bigint,
    event_id       uuid,
    event_type     text,
    attempts       integer     NOT NULL,
    error          text        NOT NULL,
    died_at        timestamptz NOT NULL DEFAULT now(),
    resolved_at    timestamptz,
    resolution     text CHECK (resolution IN ('retried', 'skipped', 'rebuilt')),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);

CREATE INDEX dead_letter_open ON proj.dead_letter (projection, version, source, stream) WHERE resolved_at IS NULL;

-- Gives the rest of the transaction's statements a time limit, and this one's waits for locks; 0 gives none.
CREATE FUNCTION proj.limit_statements(p_limit_ms integer) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    left_ms integer;
BEGIN
    IF p_limit_ms > 0 THEN
        left_ms := greatest(1, p_limit_ms
            - (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::integer);
        PERFORM set_config('statement_timeout', left_ms::text, true);
    END IF;
END $$;

-- Locks the cursors of the given streams, which must be distinct and sorted by bytes, and makes those that are missing.
-- Inserting and locking in the order of the array keeps two callers from deadlocking; the second statement has a
-- snapshot of its own, so it sees rows another transaction inserted while the first one waited for it.
-- Waits for locks p_limit_ms at most, in all, and leaves what remains of it as limit of the transaction's statements.
-- One look-up by key for each stream, whatever the planner believes: plans are kept while the table grows from nothing.
CREATE FUNCTION proj.lock_streams(
    p_projection text, p_version integer, p_source text, p_streams text[], p_limit_ms integer)
RETURNS TABLE (stream text, applied_version bigint, state text)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    former text := current_setting('lock_timeout');
BEGIN
    IF p_limit_ms > 0 THEN
        PERFORM set_config('lock_timeout', p_limit_ms::text, true);
    END IF;

    INSERT INTO proj.stream (projection, version, source, stream)
    SELECT p_projection, p_version, p_source, wanted.name
      FROM unnest(p_streams) WITH ORDINALITY AS wanted (name, place)
     ORDER BY wanted.place
        ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT found.stream, found.applied_version, found.state
      FROM unnest(p_streams) AS wanted (name)
     CROSS JOIN LATERAL (
           SELECT s.stream, s.applied_version, s.state
             FROM proj.stream AS s
            WHERE s.projection = p_projection AND s.version = p_version AND s.source = p_source
              AND s.stream = wanted.name
              FOR UPDATE) AS found;

    IF p_limit_ms > 0 THEN
        PERFORM set_config('lock_timeout', former, true);
        PERFORM proj.limit_statements(p_limit_ms);
    END IF;
END $$;

-- Sets the cursors of streams the caller has locked, and moves the checkpoint from p_old to p_new.
-- False: somebody else has moved it; the caller must roll back.
CREATE FUNCTION proj.finish_batch(
    p_projection text, p_version integer, p_source text, p_shard smallint, p_old bigint, p_new bigint,
    p_streams text[], p_applied bigint[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    done record;
BEGIN
    FOR done IN SELECT * FROM unnest(p_streams, p_applied) AS given (stream, applied) LOOP
        UPDATE proj.stream AS s
           SET applied_version = done.applied
         WHERE s.projection = p_projection AND s.version = p_version AND s.source = p_source
           AND s.stream = done.stream;
    END LOOP;

    UPDATE proj.checkpoint AS c
       SET position = p_new, updated_at = now()
     WHERE c.projection = p_projection AND c.version = p_version AND c.source = p_source AND c.shard = p_shard
       AND c.position = p_old;
    RETURN FOUND;
END $$;

-- Parks a stream that is as the caller saw it: in state ok with p_seen applied. False: it is not any more.
CREATE FUNCTION proj.park_stream(
    p_projection text, p_version integer, p_source text, p_stream text, p_seen bigint, p_failed bigint,
    p_delay_ms bigint, p_error text, p_limit_ms integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    due timestamptz := clock_timestamp() + p_delay_ms * interval '1 millisecond';
BEGIN
    PERFORM set_config('lock_timeout', greatest(1, p_limit_ms)::text, true);
    INSERT INTO proj.stream AS s
           (projection, version, source, stream, state, attempts, next_retry_at, failed_version, last_error)
    SELECT p_projection, p_version, p_source, p_stream, 'parked', 1, due, p_failed, p_error
        ON CONFLICT (projection, version, source, stream) DO UPDATE
       SET state = 'parked', attempts = 1, next_retry_at = due, failed_version = p_failed, last_error = p_error
     WHERE s.state = 'ok' AND s.applied_version = p_seen;
    RETURN FOUND;
END $$;

-- Locks one parked stream that is due and that nobody else is at, and limits the transaction's further statements.
CREATE FUNCTION proj.take_due(p_projection text, p_version integer, p_source text, p_limit_ms integer)
RETURNS TABLE (stream text, applied_version bigint, attempts integer)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.stream, s.applied_version, s.attempts
      FROM proj.stream AS s
     WHERE s.projection = p_projection AND s.version = p_version AND s.source = p_source
       AND s.state = 'parked' AND s.next_retry_at <= statement_timestamp()
     ORDER BY s.next_retry_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED;
    PERFORM proj.limit_statements(p_limit_ms);
END $$;
