-- SPDX-License-Identifier: Apache-2.0
-- What projections keep beside the read models they write, in the same database and the same transactions.
-- One row of each table belongs to one projection in one version, reading one source (an event store).

CREATE SCHEMA proj;

-- Which version of a projection serves readers.
CREATE TABLE proj.registry (
    projection     text        NOT NULL PRIMARY KEY,
    active_version integer     NOT NULL CHECK (active_version > 0),
    registered_at  timestamptz NOT NULL DEFAULT now()
);

-- How far the log has been handed out. Moved by compare-and-set only: UPDATE ... WHERE position = old.
-- The epoch is the store's own; another one means that the store was replaced or restored.
CREATE TABLE proj.checkpoint (
    projection text        NOT NULL,
    version    integer     NOT NULL CHECK (version > 0),
    source     text        NOT NULL,
    shard      smallint    NOT NULL DEFAULT 0,
    position   bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    epoch      uuid        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version, source, shard)
) WITH (fillfactor = 10);

-- How far each stream has been applied. Streams sort by bytes, so that every transaction locks them in one order.
--   ok      events up to applied_version are in the read model
--   parked  an event after applied_version failed; later ones wait for it; tried again at next_retry_at
--   dead    as parked, but given up; see proj.dead_letter
CREATE TABLE proj.stream (
    projection      text             NOT NULL,
    version         integer          NOT NULL,
    source          text             NOT NULL,
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
    projection     text        NOT NULL,
    version        integer     NOT NULL,
    source         text        NOT NULL,
    stream         text        NOT NULL,
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

-- Locks the cursors of the given streams, which must be sorted by bytes, and makes those that are missing.
-- Inserting in the order of the array and locking in the same order keeps two callers from deadlocking; the second
-- statement has a snapshot of its own, so it sees rows another transaction inserted while the first one waited for it.
CREATE FUNCTION proj.lock_streams(p_projection text, p_version integer, p_source text, p_streams text[])
RETURNS TABLE (stream text, applied_version bigint, state text)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO proj.stream (projection, version, source, stream)
    SELECT p_projection, p_version, p_source, wanted.name
      FROM unnest(p_streams) WITH ORDINALITY AS wanted (name, place)
     ORDER BY wanted.place
        ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT s.stream, s.applied_version, s.state
      FROM proj.stream AS s
     WHERE s.projection = p_projection AND s.version = p_version AND s.source = p_source AND s.stream = ANY (p_streams)
     ORDER BY s.stream
       FOR UPDATE;
END $$;
