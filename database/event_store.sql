-- SPDX-License-Identifier: Apache-2.0
-- The event store: streams of events, one log over all of them, and the commands that led to them.
-- One copy per database that appends events. Applied once; with `recreate` everything is dropped first.

DO $$
BEGIN
    IF current_setting('tradecore.recreate', true) = 'on' THEN
        DROP SCHEMA IF EXISTS es CASCADE;
    END IF;
END $$;

CREATE SCHEMA es;

-- Who this store is. Checkpoints keep the epoch: a checkpoint of another epoch means nothing here.
CREATE TABLE es.store (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch       uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO es.store DEFAULT VALUES;

-- One row per stream; its row lock is what serialises the appends to the stream. No index but the key
-- and room in the pages: every append updates the row in place (HOT).
CREATE TABLE es.streams (
    stream_id   text COLLATE "C" PRIMARY KEY CHECK (stream_id <> ''),
    stream_type text NOT NULL,
    version     bigint NOT NULL CHECK (version > 0)
) WITH (fillfactor = 70);

-- Positions are drawn by es.append alone, while it holds the streams' locks and a lock on es.events.
-- CACHE 1: a session that kept numbers back would give a later event of a stream an earlier position.
CREATE SEQUENCE es.event_position AS bigint CACHE 1;

CREATE TABLE es.events (
    position    bigint PRIMARY KEY,
    stream_id   text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    event_id    uuid NOT NULL,
    type        text NOT NULL,
    schema_ver  smallint NOT NULL,
    data        jsonb NOT NULL,
    meta        jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT events_stream_version UNIQUE (stream_id, version),
    CONSTRAINT events_event_id UNIQUE (event_id)
);

-- Which commands were carried out, and the events of each in the order they were appended.
CREATE TABLE es.commands (
    command_id  uuid PRIMARY KEY,
    positions   bigint[] NOT NULL,
    recorded_at timestamptz NOT NULL
);

-- Appends to one or several streams atomically.
--
--   p_command    the command's id, or NULL
--   p_streams    the streams, each once
--   p_kinds      their types, kept when a stream is created
--   p_expected   what each must be at: n >= 0 exactly (0: does not exist), -1 anything
--   p_counts     how many of the events go to each
--   the rest     the events, those of the first stream first
--
-- outcome 'appended': positions, in the order given, and the version each stream had before (bases).
-- outcome 'duplicate': the command was recorded before; positions of its events then.
-- outcome 'conflict': stream number at_stream is at version actual; nothing was written, no position used.
-- Raises serialization_failure when another session creates a stream or records the command in between.
CREATE FUNCTION es.append(
    p_command uuid,
    p_streams text[], p_kinds text[], p_expected bigint[], p_counts bigint[],
    p_ids uuid[], p_types text[], p_schema_vers bigint[], p_data jsonb[], p_meta jsonb[],
    OUT outcome text, OUT positions bigint[], OUT bases bigint[], OUT recorded_at timestamptz,
    OUT at_stream bigint, OUT actual bigint)
-- A session keeps the plans it made when the tables were small; reading all streams must not be among them.
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    n_streams CONSTANT int := cardinality(p_streams);
    n_events  CONSTANT int := cardinality(p_ids);
    base      bigint;
    existing  record;
    n_new     bigint;
    n_created bigint;
BEGIN
    IF p_command IS NOT NULL THEN
        SELECT c.positions, c.recorded_at INTO positions, recorded_at
            FROM es.commands c WHERE c.command_id = p_command;
        IF FOUND THEN
            outcome := 'duplicate';
            RETURN;
        END IF;
    END IF;
    recorded_at := clock_timestamp();

    IF n_streams = 1 AND n_events > 0 THEN
        -- One stream: checking, locking and counting are one statement.
        IF p_expected[1] > 0 THEN
            UPDATE es.streams s SET version = s.version + n_events
                WHERE s.stream_id = p_streams[1] AND s.version = p_expected[1]
                RETURNING s.version - n_events INTO base;
        ELSIF p_expected[1] = 0 THEN
            INSERT INTO es.streams (stream_id, stream_type, version)
                VALUES (p_streams[1], p_kinds[1], n_events)
                ON CONFLICT (stream_id) DO NOTHING RETURNING 0 INTO base;
        ELSE
            INSERT INTO es.streams AS s (stream_id, stream_type, version)
                VALUES (p_streams[1], p_kinds[1], n_events)
                ON CONFLICT (stream_id) DO UPDATE SET version = s.version + n_events
                RETURNING s.version - n_events INTO base;
        END IF;
        IF base IS NULL THEN
            at_stream := 1;
        ELSE
            bases := ARRAY[base];
            IF n_events = 1 THEN
                -- Most appends are one event: a sixth cheaper without the set.
                INSERT INTO es.events
                    (position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at)
                VALUES (nextval('es.event_position'), p_streams[1], base + 1,
                        p_ids[1], p_types[1], p_schema_vers[1], p_data[1], p_meta[1], recorded_at)
                RETURNING ARRAY[position] INTO positions;
            ELSE
                WITH appended AS (
                    INSERT INTO es.events
                        (position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at)
                    SELECT nextval('es.event_position'), p_streams[1], base + e.nth,
                           e.id, e.type, e.schema_ver, e.data, e.meta, recorded_at
                      FROM (SELECT * FROM unnest(p_ids, p_types, p_schema_vers, p_data, p_meta)
                                WITH ORDINALITY AS x(id, type, schema_ver, data, meta, nth)
                             ORDER BY nth) e
                    RETURNING position)
                SELECT array_agg(a.position ORDER BY a.position) INTO positions FROM appended a;
            END IF;
        END IF;
    ELSE
        -- Several streams: lock those that exist in one order for everybody, check all, then write.
        bases := array_fill(0::bigint, ARRAY[n_streams]);
        FOR existing IN
            SELECT s.stream_id, s.version FROM es.streams s
             WHERE s.stream_id = ANY (p_streams) ORDER BY s.stream_id FOR UPDATE
        LOOP
            bases[array_position(p_streams, existing.stream_id)] := existing.version;
        END LOOP;
        n_new := 0;
        FOR i IN 1 .. n_streams LOOP
            IF p_expected[i] >= 0 AND p_expected[i] <> bases[i] THEN
                at_stream := i;
                EXIT;
            END IF;
            IF bases[i] = 0 AND p_counts[i] > 0 THEN
                n_new := n_new + 1;
            END IF;
        END LOOP;
        positions := '{}';
        IF at_stream IS NULL AND n_events > 0 THEN
            UPDATE es.streams s SET version = s.version + u.n
                FROM unnest(p_streams, p_counts, bases) AS u(stream_id, n, base)
                WHERE s.stream_id = u.stream_id AND u.n > 0 AND u.base > 0;
            IF n_new > 0 THEN
                INSERT INTO es.streams (stream_id, stream_type, version)
                    SELECT u.stream_id, u.kind, u.n
                      FROM unnest(p_streams, p_kinds, p_counts, bases) AS u(stream_id, kind, n, base)
                     WHERE u.n > 0 AND u.base = 0
                     ORDER BY u.stream_id COLLATE "C"
                    ON CONFLICT (stream_id) DO NOTHING;
                GET DIAGNOSTICS n_created = ROW_COUNT;
                IF n_created <> n_new THEN
                    RAISE EXCEPTION 'another session created one of the streams at the same time'
                        USING ERRCODE = 'serialization_failure';
                END IF;
            END IF;
            WITH appended AS (
                INSERT INTO es.events
                    (position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at)
                SELECT nextval('es.event_position'), e.stream_id, e.version,
                       e.id, e.type, e.schema_ver, e.data, e.meta, recorded_at
                  FROM (SELECT t.stream_id, t.base + t.nth AS version, x.*
                          FROM (SELECT u.stream_id, u.base, g.nth, row_number() OVER (ORDER BY u.i, g.nth) AS ord
                                  FROM unnest(p_streams, p_counts, bases)
                                       WITH ORDINALITY AS u(stream_id, n, base, i),
                                       generate_series(1, u.n) AS g(nth)) t
                          JOIN unnest(p_ids, p_types, p_schema_vers, p_data, p_meta)
                               WITH ORDINALITY AS x(id, type, schema_ver, data, meta, ord) USING (ord)
                         ORDER BY ord) e
                RETURNING position)
            SELECT array_agg(a.position ORDER BY a.position) INTO positions FROM appended a;
            IF cardinality(positions) IS DISTINCT FROM n_events THEN
                RAISE EXCEPTION 'the counts of the streams do not add up to the number of events'
                    USING ERRCODE = 'invalid_parameter_value';
            END IF;
        END IF;
    END IF;

    IF at_stream IS NOT NULL THEN
        -- The version may have moved because the same command was carried out meanwhile.
        IF p_command IS NOT NULL THEN
            SELECT c.positions, c.recorded_at INTO positions, recorded_at
                FROM es.commands c WHERE c.command_id = p_command;
            IF FOUND THEN
                outcome := 'duplicate';
                at_stream := NULL;
                RETURN;
            END IF;
        END IF;
        SELECT s.version INTO actual FROM es.streams s WHERE s.stream_id = p_streams[at_stream];
        actual := coalesce(actual, 0);
        outcome := 'conflict';
        RETURN;
    END IF;

    IF p_command IS NOT NULL THEN
        INSERT INTO es.commands (command_id, positions, recorded_at)
            VALUES (p_command, positions, recorded_at)
            ON CONFLICT (command_id) DO NOTHING;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'another session carried out the command at the same time'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    outcome := 'appended';
END $$;
